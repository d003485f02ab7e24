#pragma once

#include <cstdint>
#include <vector>

#include "commerce/recommender.h"
#include "commerce/session_table.h"

namespace millrace::commerce {

struct NearestSessionsSettings {
  std::size_t sessions_max = 1'000'000;  // Kept in the index; the oldest leave first.
  std::size_t session_items_max = 50;    // Clicks of a session beyond this are not indexed.
  std::size_t candidates = 1000;         // m: newest sessions that share an item with the query.
  std::size_t neighbours = 200;          // k: of those, how many vote.
  std::size_t query_items = 9;
  double position_decay = 3.62;  // Clicks: weight of a query item by its distance from the end (spw).
  double neighbour_decay =
      3.62;  // Clicks: weight of a neighbour's item by its distance from the shared one (inh).
  double step_decay =
      2.0;              // Clicks: weight of a neighbour by how long ago the shared item was clicked (ipw).
  double rarity = 1.0;  // Weight of an item's inverse session frequency (lambda).
};

// Session k-nearest neighbours over an inverted index of item -> newest sessions: the candidate search of VMIS-kNN (Kersbergen et
// al. 2022, "Serenade") with the weighting of V-STAN (Ludewig et al. 2021, after Garg et al. 2019). Sessions enter the index with their
// first click, so a query sees what happened a moment ago; its own session is left out.
//
// Memory: about 8 bytes a click (4 in the session, 4 in the item's ring), 24 a session, and 32 to 64 an open session.
class NearestSessions final : public Recommender {
 public:
  explicit NearestSessions(NearestSessionsSettings settings);

  void click(std::uint64_t session, ItemNumber item, std::int64_t at_ms, float weight) override;
  void prefetch(std::uint64_t session) const override { open_.prefetch(session); }
  void close(std::uint64_t session) override { open_.erase(session); }
  void score(const SessionQuery& query, ScoreBoard& board) const override;
  std::size_t memory_bytes() const override;
  std::size_t sessions() const { return next_ - first_; }

 private:
  // Sessions are numbered in the order they began; a number's slot is number % sessions_max.
  using SessionNumber = std::uint32_t;
  struct Slot {
    std::uint32_t start = 0;  // In the arena.
    std::uint16_t size = 0;
    std::uint16_t capacity = 0;
    std::uint16_t distinct = 0;
  };
  struct Ring {
    std::vector<SessionNumber> newest;  // Circular once it holds `candidates`.
    std::size_t next = 0;
    std::uint32_t occurrences = 0;  // Sessions that held the item, ever.
    float log_occurrences = 0;
  };
  struct Neighbour {
    SessionNumber session = 0;
    float similarity = 0;
    std::uint16_t step = 0;
  };
  class Candidates;

  std::span<const ItemNumber> items_of(SessionNumber session) const;
  void append(Slot& slot, ItemNumber item);
  std::uint32_t allocate(std::uint16_t capacity);
  void evict_oldest();
  void find_neighbours(const SessionQuery& query, std::vector<Neighbour>& neighbours) const;
  void vote(const Neighbour& neighbour, std::span<const ItemNumber> query, ScoreBoard& board) const;

  NearestSessionsSettings settings_;
  std::vector<Ring> rings_;
  std::vector<Slot> slots_;
  std::vector<ItemNumber> arena_;
  std::vector<std::vector<std::uint32_t>> free_;  // By log2 of the capacity.
  SessionTable<SessionNumber> open_;
  std::vector<float> position_weights_;
  std::vector<float> neighbour_weights_;
  std::vector<float> step_weights_;
  SessionNumber first_ = 0;
  SessionNumber next_ = 0;
};

}  // namespace millrace::commerce
