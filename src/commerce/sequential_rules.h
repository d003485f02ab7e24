#pragma once

#include <array>
#include <vector>

#include "commerce/recommender.h"
#include "commerce/session_table.h"

namespace millrace::commerce {

struct SequentialRulesSettings {
  std::size_t successors_max = 100;  // Kept per item.
  std::size_t query_items = 9;
  double query_decay = 1.0;  // Clicks; weight of an item d clicks back is exp(-d / query_decay).
  std::int64_t half_life_ms = 30LL * 24 * 3600 * 1000;
  std::size_t open_sessions_max = 1'000'000;
};

// SR-multi: "after x, within a few clicks, came y". A click y adds 1/j^2 to the rule from the item j clicks back; a query sums
// the rules of the session's newest items, each over how often its item occurred (Ludewig and Jannach 2018, "Evaluation
// of session-based recommendation algorithms", SR; extended from the last item to the last nine).
//
// Per item the heaviest successors are kept; a new one takes the lightest one's place and weight (Space-Saving, Metwally 2005).
// Weights decay forward (Cormode 2009), so an update touches only its own entries.
// Memory: 8 bytes a rule, at most 800 bytes an item, and 64 to 128 bytes an open session.
class SequentialRules final : public Recommender {
 public:
  static constexpr std::size_t kStepsMax = 8;  // How far back a click is linked.

  explicit SequentialRules(SequentialRulesSettings settings) : settings_(settings) {}

  void click(std::uint64_t session, ItemNumber item, std::int64_t at_ms, float weight) override;
  void prefetch(std::uint64_t session) const override { open_.prefetch(session); }
  void close(std::uint64_t session) override { open_.erase(session); }
  void score(const SessionQuery& query, ScoreBoard& board) const override;
  std::size_t memory_bytes() const override;
  // Decayed number of clicks on the item.
  float occurrences(ItemNumber item) const { return item < items_.size() ? items_[item].occurrences : 0; }

 private:
  // Rule i leads to next[i]; apart, as a search reads only one of the two.
  // The newest items of an open session, the newest last.
  struct Past {
    std::array<ItemNumber, kStepsMax> items{};
    std::uint8_t size = 0;
  };
  struct Item {
    std::vector<ItemNumber> next;
    std::vector<float> weights;
    float occurrences = 0;
  };
  void add_rule(Item& from, ItemNumber next, float weight);
  float growth(std::int64_t at_ms);

  SequentialRulesSettings settings_;
  std::vector<Item> items_;
  SessionTable<Past> open_;
  std::int64_t landmark_ms_ = -1;
};

}  // namespace millrace::commerce
