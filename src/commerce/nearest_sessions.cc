#include "commerce/nearest_sessions.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/result.h"

namespace millrace::commerce {

namespace {

constexpr std::uint16_t kFirstCapacity = 4;

std::vector<float> exponential_weights(std::size_t size, double scale) {
  std::vector<float> weights(size);
  for (std::size_t i = 0; i < size; ++i)
    weights[i] = static_cast<float>(std::exp(-static_cast<double>(i) / scale));
  return weights;
}

}  // namespace

// The m newest sessions that share an item with the query: a hash table from session to place, and a heap of places with
// the oldest session on top. Reused between queries of a thread; clearing is a new epoch.
class NearestSessions::Candidates {
 public:
  void reset(std::size_t limit) {
    limit_ = limit;
    const std::size_t wanted = std::bit_ceil(limit * 4);
    if (table_.size() != wanted) table_.assign(wanted, {});
    if (++epoch_ == 0) {
      table_.assign(wanted, {});
      epoch_ = 1;
    }
    found_.clear();
    heap_.clear();
  }

  enum class Offer : std::uint8_t { taken, too_old };
  // Adds `similarity` to a session, making it a candidate if it is among the newest.
  Offer offer(SessionNumber session, float similarity, std::uint16_t step) {
    Entry* entry = probe(session);
    if (entry->epoch == epoch_) {
      if (!found_[entry->place].live) return Offer::taken;
      found_[entry->place].neighbour.similarity += similarity;
      return Offer::taken;
    }
    if (heap_.size() == limit_) {
      if (session < heap_.front().session) return Offer::too_old;
      std::pop_heap(heap_.begin(), heap_.end(), kOldestOnTop);
      found_[heap_.back().place].live = false;
      heap_.pop_back();
    }
    *entry = {epoch_, session, static_cast<std::uint32_t>(found_.size())};
    heap_.push_back({session, entry->place});
    std::push_heap(heap_.begin(), heap_.end(), kOldestOnTop);
    found_.push_back({{session, similarity, step}, true});
    grow_if_crowded();
    return Offer::taken;
  }

  void collect(std::vector<Neighbour>& out) const {
    out.clear();
    for (const auto& found : found_) {
      if (found.live) out.push_back(found.neighbour);
    }
  }

 private:
  struct Entry {
    std::uint32_t epoch = 0;
    SessionNumber session = 0;
    std::uint32_t place = 0;
  };
  struct Found {
    Neighbour neighbour;
    bool live;
  };
  struct Placed {
    SessionNumber session;
    std::uint32_t place;
  };
  static constexpr auto kOldestOnTop = [](const Placed& a, const Placed& b) { return a.session > b.session; };

  Entry* probe(SessionNumber session) {
    std::size_t at = (session * 2654435769u) & (table_.size() - 1);
    while (table_[at].epoch == epoch_ && table_[at].session != session) at = (at + 1) & (table_.size() - 1);
    return &table_[at];
  }

  // Replaced candidates keep their place in the table, so it may fill beyond the limit.
  void grow_if_crowded() {
    if (found_.size() * 2 < table_.size()) return;
    table_.assign(table_.size() * 2, {});
    epoch_ = 1;
    for (std::uint32_t place = 0; place < found_.size(); ++place) {
      const SessionNumber session = found_[place].neighbour.session;
      *probe(session) = {epoch_, session, place};
    }
  }

  std::size_t limit_ = 0;
  std::uint32_t epoch_ = 0;
  std::vector<Entry> table_;
  std::vector<Found> found_;
  std::vector<Placed> heap_;
};

NearestSessions::NearestSessions(NearestSessionsSettings settings)
    : settings_(settings),
      slots_(settings.sessions_max),
      free_(32),
      position_weights_(exponential_weights(settings.query_items + 1, settings.position_decay)),
      neighbour_weights_(exponential_weights(settings.session_items_max + 1, settings.neighbour_decay)),
      step_weights_(exponential_weights(settings.query_items + 1, settings.step_decay)) {}

std::span<const ItemNumber> NearestSessions::items_of(SessionNumber session) const {
  const Slot& slot = slots_[session % settings_.sessions_max];
  return {arena_.data() + slot.start, slot.size};
}

std::uint32_t NearestSessions::allocate(std::uint16_t capacity) {
  auto& free = free_[static_cast<std::size_t>(std::countr_zero(capacity))];
  if (!free.empty()) {
    const std::uint32_t start = free.back();
    free.pop_back();
    return start;
  }
  const auto start = static_cast<std::uint32_t>(arena_.size());
  arena_.resize(arena_.size() + capacity);
  return start;
}

void NearestSessions::append(Slot& slot, ItemNumber item) {
  if (slot.size == slot.capacity) {
    const auto wider = static_cast<std::uint16_t>(slot.capacity == 0 ? kFirstCapacity : slot.capacity * 2);
    const std::uint32_t start = allocate(wider);
    std::copy_n(arena_.begin() + slot.start, slot.size, arena_.begin() + start);
    if (slot.capacity != 0)
      free_[static_cast<std::size_t>(std::countr_zero(slot.capacity))].push_back(slot.start);
    slot.start = start;
    slot.capacity = wider;
  }
  arena_[slot.start + slot.size++] = item;
}

void NearestSessions::evict_oldest() {
  Slot& slot = slots_[first_ % settings_.sessions_max];
  if (slot.capacity != 0)
    free_[static_cast<std::size_t>(std::countr_zero(slot.capacity))].push_back(slot.start);
  slot = {};
  ++first_;
}

void NearestSessions::click(std::uint64_t session, ItemNumber item, std::int64_t, float) {
  if (rings_.size() <= item) rings_.resize(item + 1);
  auto [open, is_new] = open_.insert(session);
  if (!is_new && *open < first_) is_new = true;  // Open for so long that it was evicted.
  if (is_new) *open = next_;
  if (is_new) {
    if (sessions() == settings_.sessions_max) evict_oldest();
    slots_[next_ % settings_.sessions_max] = {};
    ++next_;
  }
  const SessionNumber number = *open;
  Slot& slot = slots_[number % settings_.sessions_max];
  if (slot.size >= settings_.session_items_max) return;
  const auto before = items_of(number);
  const bool repeated = std::find(before.begin(), before.end(), item) != before.end();
  append(slot, item);
  if (repeated) return;
  ++slot.distinct;
  Ring& ring = rings_[item];
  ++ring.occurrences;
  ring.log_occurrences = std::log(static_cast<float>(ring.occurrences));
  if (ring.newest.size() < settings_.candidates) {
    ring.newest.push_back(number);
  } else {
    ring.newest[ring.next] = number;
    ring.next = (ring.next + 1) % settings_.candidates;
  }
}

void NearestSessions::find_neighbours(const SessionQuery& query, std::vector<Neighbour>& neighbours) const {
  thread_local Candidates candidates;
  candidates.reset(settings_.candidates);
  SessionNumber self = next_;  // No session has it.
  if (const SessionNumber* own = open_.find(query.self); query.self != 0 && own != nullptr) self = *own;

  const std::size_t size = query.items.size();
  const std::size_t depth = std::min(size, settings_.query_items);
  double norm = 0;
  for (std::size_t back = 0; back < depth; ++back) {
    const ItemNumber item = query.items[size - 1 - back];
    const auto newer = query.items.subspan(size - back);
    if (std::find(newer.begin(), newer.end(), item) != newer.end()) continue;
    const float weight = position_weights_[back];
    norm += static_cast<double>(weight) * weight;
    if (item >= rings_.size()) continue;
    const auto& ring = rings_[item];
    const std::size_t held = ring.newest.size();
    for (std::size_t i = 0; i < held; ++i) {
      const SessionNumber session = ring.newest[(ring.next + held - 1 - i) % held];
      if (session == self || session < first_) continue;
      // A ring is in order of clicks, so nearly in order of the sessions' starts: what follows one that is too old
      // would, but for a few, be refused too.
      if (candidates.offer(session, weight, static_cast<std::uint16_t>(back)) == Candidates::Offer::too_old)
        break;
    }
  }
  candidates.collect(neighbours);
  for (auto& neighbour : neighbours) {
    const Slot& slot = slots_[neighbour.session % settings_.sessions_max];
    neighbour.similarity /=
        static_cast<float>(std::sqrt(norm) * std::sqrt(static_cast<double>(slot.distinct)));
  }
  const auto nearer = [](const Neighbour& a, const Neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.session > b.session;
  };
  if (neighbours.size() > settings_.neighbours) {
    const auto last = neighbours.begin() + static_cast<std::ptrdiff_t>(settings_.neighbours);
    std::nth_element(neighbours.begin(), last, neighbours.end(), nearer);
    neighbours.erase(last, neighbours.end());
  }
}

void NearestSessions::vote(const Neighbour& neighbour, std::span<const ItemNumber> query,
                           ScoreBoard& board) const {
  const auto items = items_of(neighbour.session);
  // The last place in the neighbour's session of any item of the query.
  std::size_t shared = 0;
  for (std::size_t i = items.size(); i-- > 0;) {
    if (std::find(query.begin(), query.end(), items[i]) != query.end()) {
      shared = i;
      break;
    }
  }
  const float base = neighbour.similarity * step_weights_[neighbour.step];
  const auto log_total = std::log(static_cast<float>(next_ - first_));
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto later = items.subspan(i + 1);
    if (std::find(later.begin(), later.end(), items[i]) != later.end()) continue;  // Its last place counts.
    const float rarity = 1 + static_cast<float>(settings_.rarity) *
                                 std::max(0.0f, log_total - rings_[items[i]].log_occurrences);
    board.add(items[i], base * neighbour_weights_[i > shared ? i - shared : shared - i] * rarity);
  }
}

void NearestSessions::score(const SessionQuery& query, ScoreBoard& board) const {
  thread_local std::vector<Neighbour> neighbours;
  find_neighbours(query, neighbours);
  const auto items = query.items.last(std::min(query.items.size(), settings_.query_items));
  for (const auto& neighbour : neighbours) vote(neighbour, items, board);
}

std::size_t NearestSessions::memory_bytes() const {
  std::size_t bytes =
      arena_.capacity() * sizeof(ItemNumber) + slots_.capacity() * sizeof(Slot) + open_.memory_bytes();
  for (const auto& ring : rings_) bytes += sizeof(Ring) + ring.newest.capacity() * sizeof(SessionNumber);
  return bytes;
}

}  // namespace millrace::commerce
