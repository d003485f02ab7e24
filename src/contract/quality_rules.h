#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "event/event.h"

namespace millrace::contract {

// What is asked of an event beyond its shape.
enum class QualityKind : std::uint8_t {
  identity,   // An anonymous or a user id.
  timestamp,  // A time of its own.
  range,      // `field` lies between min and max.
  unique,     // `field` has not been seen with this event type; the same message sent again is no second one.
  known_product,     // Its products were viewed or clicked before.
  payment_checkout,  // A payment or order of a visitor who began a checkout.
  totals,            // An order's amounts agree with its lines, by the rule of docs/guide/orders.md.
};
constexpr std::size_t kQualityKindCount = 7;
std::string_view to_string(QualityKind kind);

// What happens to an event that breaks a rule.
enum class QualityAction : std::uint8_t { observe, quarantine };

struct QualityRule {
  std::string name;
  QualityKind kind = QualityKind::identity;
  QualityAction action = QualityAction::observe;
  std::string event;  // Canonical name; empty: all.
  std::string
      field;  // range: price, quantity, revenue, total, subtotal, tax, shipping, discount, value; unique: order_id, ...
  double min = 0;
  double max = 0;
};

// The rules that are on unless set otherwise.
std::vector<QualityRule> preset_quality_rules();
// {"rules":[{"name","kind","action","event","field","min","max"}]}, and back; what is left out is as in QualityRule.
base::Result<std::vector<QualityRule>> parse_quality_rules(std::string_view json);
std::string quality_rules_json(const std::vector<QualityRule>& rules);

// Hashes of the last `max` different keys. Any thread.
class RecentKeys {
 public:
  explicit RecentKeys(std::size_t max) : max_each_(max / kShards + 1) {}
  // False when it was there.
  bool add(std::uint64_t key);
  bool has(std::uint64_t key) const;

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_set<std::uint64_t> keys;
    std::deque<std::uint64_t> order;
  };
  std::array<Shard, kShards> shards_;
  const std::size_t max_each_;
};

// The rules in force, what they found, and what they have to remember. Any thread.
class QualityBoard {
 public:
  static constexpr std::size_t kRulesMax = 100;
  static constexpr std::size_t kSamplesMax = 10;
  static constexpr std::int64_t kSamplesMs = 1000;    // No more than kSamplesMax in that time.
  static constexpr std::size_t kKeysMax = 1'000'000;  // Of each of the three memories.

  struct Sample {
    base::WallTime at;
    std::uint16_t source = 0;
    std::string event;
    std::string message_id;
    std::string detail;
  };
  struct Tally {
    QualityRule rule;
    event::EventType type = event::EventType::other;
    bool any_type = true;
    std::string sentence;  // Says what is wrong with an event that breaks it.
    // What `rule.field` names; of a range: none of the two means the lines' price or quantity.
    std::optional<event::Amount> amount;
    std::optional<event::Text> unique;
    bool of_quantity = false;
    std::uint64_t hash = 0;  // Of its name and field.
    std::atomic<std::uint64_t> checked{0};
    std::atomic<std::uint64_t> broken{0};
    std::atomic<std::int64_t> samples_again_ms{0};
    mutable std::mutex mutex;
    std::deque<Sample> samples;  // Guarded by mutex; newest first.
  };
  using Tallies = std::vector<std::shared_ptr<Tally>>;

  QualityBoard() { set(preset_quality_rules()); }
  // Rules that stay as they are keep their counts.
  void set(std::vector<QualityRule> rules);
  std::shared_ptr<const Tallies> rules() const;
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  RecentKeys products{kKeysMax};
  RecentKeys checkouts{kKeysMax};
  RecentKeys values{kKeysMax};

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Tallies> rules_ = std::make_shared<Tallies>();
  std::atomic<std::uint64_t> version_{0};
};

// Runs the rules over events, for one gate.
class QualityCheck {
 public:
  explicit QualityCheck(QualityBoard& board) : board_(board) {}
  struct Breach {
    std::string rule;
    std::string detail;
  };
  // The first rule that an event breaks and that has it quarantined.
  std::optional<Breach> inspect(const event::Event& event, base::WallTime now);
  // Adds to the board how often rules were checked since the last time.
  void publish();

 private:
  bool breaks(const QualityBoard::Tally& tally, const event::Event& event);
  void note(QualityBoard::Tally& tally, const event::Event& event, base::WallTime now,
            std::string_view detail);
  void remember(const event::Event& event);
  void remember_product(std::uint64_t key);

  // Products that were added lately, so that the popular ones cost no look into the shared memory. Forgotten now and then, since
  // that memory forgets too.
  static constexpr std::size_t kLately = 4096;
  static constexpr std::uint32_t kLatelyEvents = 100'000;
  std::array<std::uint64_t, kLately> lately_{};
  std::uint32_t lately_events_ = 0;

  QualityBoard& board_;
  std::shared_ptr<const QualityBoard::Tallies> rules_;
  std::vector<std::uint32_t> checked_;  // Of each of them, not yet on the board.
  std::uint64_t version_ = 0;
};

}  // namespace millrace::contract
