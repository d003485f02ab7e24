#include "serve/recent_items.h"

#include <algorithm>

#include "base/hash.h"
#include "serve/event_json.h"

namespace millrace::serve {

using event::Text;

namespace {

std::size_t bytes_of(const RecentItem& item) {
  return sizeof(RecentItem) + item.raw.size() + item.canonical.size() + item.detail.size();
}

bool fits(const RecentItem& item, const RecentItemQuery& query) {
  if (query.verdict && (item.refused || item.verdict != *query.verdict)) return false;
  return query.contains.empty() || item.raw.find(query.contains) != std::string::npos ||
         item.canonical.find(query.contains) != std::string::npos ||
         item.reason.find(query.contains) != std::string::npos;
}

}  // namespace

bool RecentItems::admit(std::uint16_t source, Kind kind, base::WallTime at) {
  Window& window = windows_[static_cast<std::size_t>(kind)][source % kWindows];
  const std::int64_t number = at.ms / kWindowMs;
  // Two threads that both begin a window let a few more in: no harm.
  if (window.number.load(std::memory_order_relaxed) != number) {
    window.number.store(number, std::memory_order_relaxed);
    window.items.store(0, std::memory_order_relaxed);
  }
  if (window.items.fetch_add(1, std::memory_order_relaxed) < limits_.items_per_window) return true;
  skipped_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void RecentItems::accepted(const event::Event& event, base::WallTime at) {
  if (!admit(event.source, Kind::accepted, at)) return;
  auto item = std::make_unique<RecentItem>();
  item->source = event.source;
  if (event.has(event::Flag::bot)) item->verdict = event::Verdict::bot;
  item->at = at;
  item->visitor_id = event.visitor_key();
  item->message_id = event[Text::message_id];
  item->event_name = event::to_string(event.type);
  item->raw = event.raw;
  item->canonical = canonical_json(event);
  item->identity = base::mix(base::hash64(item->visitor_id), base::hash64(item->message_id));
  keep(std::move(item));
}

void RecentItems::turned_away(const event::QuarantinedItem& from, event::Verdict verdict, base::WallTime at) {
  if (!admit(from.source, Kind::turned_away, at)) return;
  auto item = std::make_unique<RecentItem>();
  item->source = from.source;
  item->verdict = verdict;
  item->at = at;
  item->reason = from.reason;
  item->pointer = from.pointer;
  item->detail = from.detail;
  item->raw = from.raw;
  keep(std::move(item));
}

void RecentItems::refused(std::string_view reason, std::string_view detail, base::WallTime at) {
  if (!admit(kNoSource, Kind::turned_away, at)) return;
  auto item = std::make_unique<RecentItem>();
  item->refused = true;
  item->at = at;
  item->reason = reason;
  item->detail = detail;
  keep(std::move(item));
}

bool RecentItems::is_new(Ring& ring, std::uint64_t identity) const {
  if (!ring.known.insert(identity).second) return false;
  ring.identities.push_back(identity);
  if (ring.identities.size() > limits_.identities_max) {
    ring.known.erase(ring.identities.front());
    ring.identities.pop_front();
  }
  return true;
}

void RecentItems::keep(std::unique_ptr<RecentItem> item) {
  const std::lock_guard lock(mutex_);
  item->sequence = ++sequence_;
  Ring& ring = rings_[item->source];
  // Duplicates are found for good behind the door; here they are those of what was seen lately.
  if (item->identity != 0 && !is_new(ring, item->identity)) {
    item->verdict = event::Verdict::duplicate;
    item->reason = "message_id_repeated";
    item->detail = "An item of the same visitor with this message id came before; it counts once.";
  }
  ring.bytes += bytes_of(*item);
  ring.items.push_back(std::move(item));
  while (ring.items.size() > 1 && (ring.items.size() > limits_.items_max || ring.bytes > limits_.bytes_max)) {
    ring.bytes -= bytes_of(*ring.items.front());
    ring.items.pop_front();
  }
}

std::vector<RecentItemPointer> RecentItems::find(const RecentItemQuery& query) const {
  std::vector<RecentItemPointer> found;
  {
    // Whoever collects waits for this lock: what takes long comes after it.
    const std::lock_guard lock(mutex_);
    for (const auto& [source, ring] : rings_) {
      if (query.source && source != *query.source) continue;
      for (auto at = ring.items.rbegin(); at != ring.items.rend() && (*at)->sequence > query.after; ++at) {
        found.push_back(*at);
      }
    }
  }
  std::erase_if(found, [&](const RecentItemPointer& item) { return !fits(*item, query); });
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->sequence > b->sequence; });
  if (found.size() > query.n) found.resize(query.n);
  return found;
}

std::uint64_t RecentItems::newest() const {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

}  // namespace millrace::serve
