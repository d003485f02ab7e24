#include "commerce/sequential_rules.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace millrace::commerce {

namespace {
// Weights are rebased before exp() of the age leaves the precision of a float.
constexpr double kGrowthExponentMax = 40;

// Where `item` is, or the size. Looks at all of a block at once, which compilers turn into vector instructions.
std::size_t find(const std::vector<ItemNumber>& items, ItemNumber item) {
  constexpr std::size_t kBlock = 16;
  std::size_t at = 0;
  for (; at + kBlock <= items.size(); at += kBlock) {
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < kBlock; ++i) found |= items[at + i] == item ? 1u : 0u;
    if (found != 0) break;
  }
  while (at < items.size() && items[at] != item) ++at;
  return at;
}

// The first of the smallest. None is negative, so their bits are in the order of their values.
std::size_t lightest(const std::vector<float>& weights) {
  const auto bits = [&](std::size_t i) { return std::bit_cast<std::int32_t>(weights[i]); };
  std::int32_t least = std::numeric_limits<std::int32_t>::max();
  for (std::size_t i = 0; i < weights.size(); ++i) least = std::min(least, bits(i));
  std::size_t at = 0;
  while (bits(at) != least) ++at;
  return at;
}

}  // namespace

// exp(rate * (now - landmark)): what one unit weighs now against one at the landmark.
float SequentialRules::growth(std::int64_t at_ms) {
  if (landmark_ms_ < 0) landmark_ms_ = at_ms;
  const double rate = std::log(2.0) / static_cast<double>(settings_.half_life_ms);
  const double exponent = rate * static_cast<double>(at_ms - landmark_ms_);
  if (exponent <= kGrowthExponentMax) return static_cast<float>(std::exp(exponent));
  const auto factor = static_cast<float>(std::exp(-exponent));
  for (auto& item : items_) {
    item.occurrences *= factor;
    for (float& weight : item.weights) weight *= factor;
  }
  landmark_ms_ = at_ms;
  return 1;
}

void SequentialRules::add_rule(Item& from, ItemNumber next, float weight) {
  if (const std::size_t known = find(from.next, next); known < from.next.size()) {
    from.weights[known] += weight;
  } else if (known < settings_.successors_max) {
    from.next.push_back(next);
    from.weights.push_back(weight);
  } else {
    const std::size_t place = lightest(from.weights);
    from.next[place] = next;
    from.weights[place] += weight;
  }
}

void SequentialRules::click(std::uint64_t session, ItemNumber item, std::int64_t at_ms, float weight) {
  if (items_.size() <= item) items_.resize(item + 1);
  const float unit = weight * growth(at_ms);
  items_[item].occurrences += unit;
  Past* past = open_.find(session);
  if (past == nullptr) {
    if (open_.size() >= settings_.open_sessions_max) return;
    past = open_.insert(session).first;
  }
  for (std::size_t j = 1; j <= past->size; ++j) {
    add_rule(items_[past->items[past->size - j]], item, unit / static_cast<float>(j * j));
  }
  if (past->size == kStepsMax) {
    std::copy(past->items.begin() + 1, past->items.end(), past->items.begin());
    --past->size;
  }
  past->items[past->size++] = item;
}

void SequentialRules::score(const SessionQuery& query, ScoreBoard& board) const {
  const auto size = query.items.size();
  const std::size_t depth = std::min(size, settings_.query_items);
  for (std::size_t back = 0; back < depth; ++back) {
    const ItemNumber item = query.items[size - 1 - back];
    const auto newer = query.items.subspan(size - back);
    if (item >= items_.size() || std::find(newer.begin(), newer.end(), item) != newer.end()) continue;
    const Item& from = items_[item];
    if (from.occurrences <= 0) continue;
    const auto decay = static_cast<float>(std::exp(-static_cast<double>(back) / settings_.query_decay));
    const float factor = decay / from.occurrences;
    for (std::size_t i = 0; i < from.next.size(); ++i) board.add(from.next[i], factor * from.weights[i]);
  }
}

std::size_t SequentialRules::memory_bytes() const {
  std::size_t bytes = items_.capacity() * sizeof(Item) + open_.memory_bytes();
  for (const auto& item : items_)
    bytes += item.next.capacity() * sizeof(ItemNumber) + item.weights.capacity() * sizeof(float);
  return bytes;
}

}  // namespace millrace::commerce
