#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::commerce {

// Dense numbers given to product ids in order of first appearance.
using ItemNumber = std::uint32_t;

struct ScoredItem {
  ItemNumber item = 0;
  float score = 0;
};

// Sparse scores over all items in dense arrays: adding is O(1), clearing costs what was touched. One per querying thread.
class ScoreBoard {
 public:
  void reset(std::size_t items) {
    for (const ItemNumber item : touched_) scores_[item] = 0;
    touched_.clear();
    if (scores_.size() < items) scores_.resize(items + items / 4, 0);
  }
  // `score` must be positive.
  void add(ItemNumber item, float score) {
    if (scores_[item] == 0) touched_.push_back(item);
    scores_[item] += score;
  }
  std::size_t size() const { return scores_.size(); }  // Items it has room for.
  float score(ItemNumber item) const { return scores_[item]; }
  std::span<const ItemNumber> touched() const { return touched_; }
  float highest() const;
  // The best `n` by (score, smaller number), best first.
  void best(std::size_t n, std::vector<ScoredItem>& out) const;

 private:
  std::vector<float> scores_;
  std::vector<ItemNumber> touched_;
};

// What a running session is asked about: its newest items, oldest first, and the session to leave out of the evidence,
// which is itself (0: none).
struct SessionQuery {
  std::span<const ItemNumber> items;
  std::uint64_t self = 0;
};

// Learns from clicks as they happen and scores what a running session may want next. Not thread-safe: updates and queries
// are ordered by the caller, but any number of queries may run together.
class Recommender {
 public:
  virtual ~Recommender() = default;
  // The next click of a session, in its order. `weight` is 1 for a view, more for a purchase.
  virtual void click(std::uint64_t session, ItemNumber item, std::int64_t at_ms, float weight) = 0;
  // A session that clicks soon: fetches memory, nothing else.
  virtual void prefetch(std::uint64_t session) const = 0;
  // No click of this session will follow.
  virtual void close(std::uint64_t session) = 0;
  // Adds positive scores to `board`, which the caller has reset.
  virtual void score(const SessionQuery& query, ScoreBoard& board) const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace millrace::commerce
