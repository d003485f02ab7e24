#include "commerce/deduplication.h"

#include <algorithm>

#include "base/hash.h"

namespace millrace::commerce {

bool first_message(process::DedupIndex& index, const event::Event& event, std::uint64_t visitor_hash) {
  const auto message_id = event[event::Text::message_id];
  if (message_id.empty()) return true;
  return index.first_time(base::mix(visitor_hash, event.source), base::hash128(message_id),
                          event.received_at);
}

namespace {

std::uint64_t order_hash(const event::Event& event) { return base::hash64(event[event::Text::order_id]); }

bool is_completion(const event::Event& event) {
  return event.type == event::EventType::order_completed && !event[event::Text::order_id].empty();
}

}  // namespace

bool RecentOrders::knows(const event::Event& event) const {
  return is_completion(event) &&
         std::find(hashes_.begin(), hashes_.end(), order_hash(event)) != hashes_.end();
}

bool RecentOrders::first_order(const event::Event& event) {
  if (!is_completion(event)) return true;
  const std::uint64_t hash = order_hash(event);
  if (std::find(hashes_.begin(), hashes_.end(), hash) != hashes_.end()) return false;
  if (hashes_.size() >= kRecentOrdersMax) hashes_.erase(hashes_.begin());
  hashes_.push_back(hash);
  return true;
}

void RecentOrders::encode(base::ByteWriter& writer) const {
  writer.varint(hashes_.size());
  for (const auto hash : hashes_) writer.u64(hash);
}

bool RecentOrders::decode(base::ByteReader& reader) {
  const auto count = reader.varint();
  if (count > reader.remaining() / sizeof(std::uint64_t)) return false;
  hashes_.clear();
  for (std::uint64_t i = 0; i < count; ++i) hashes_.push_back(reader.u64());
  return reader.ok();
}

}  // namespace millrace::commerce
