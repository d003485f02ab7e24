#include <algorithm>

#include "commerce/recommender.h"

namespace millrace::commerce {

float ScoreBoard::highest() const {
  float best = 0;
  for (const ItemNumber item : touched_) best = std::max(best, scores_[item]);
  return best;
}

void ScoreBoard::best(std::size_t n, std::vector<ScoredItem>& out) const {
  const auto better = [](const ScoredItem& a, const ScoredItem& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  };
  out.clear();
  // A heap of the n best, worst on top: most items lose against it with one comparison.
  for (const ItemNumber item : touched_) {
    const ScoredItem candidate{item, scores_[item]};
    if (out.size() < n) {
      out.push_back(candidate);
      std::push_heap(out.begin(), out.end(), better);
    } else if (n > 0 && better(candidate, out.front())) {
      std::pop_heap(out.begin(), out.end(), better);
      out.back() = candidate;
      std::push_heap(out.begin(), out.end(), better);
    }
  }
  std::sort_heap(out.begin(), out.end(), better);
}

}  // namespace millrace::commerce
