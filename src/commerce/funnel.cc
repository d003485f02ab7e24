#include "commerce/funnel.h"

#include <algorithm>

#include "base/bytes.h"

namespace millrace::commerce {

namespace {

using event::EventType;
using event::FunnelStep;

// Big-endian, so that the store's order is that of time.
void write_minute(std::int64_t minute_ms, std::string& out) {
  const auto bits = static_cast<std::uint64_t>(minute_ms) ^ (1ULL << 63);
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(bits >> shift));
}

}  // namespace

FunnelStep funnel_step(const event::Event& event) {
  switch (event.type) {
    case EventType::order_completed: return FunnelStep::purchase;
    case EventType::payment_info_entered:
    case EventType::payment_failed: return FunnelStep::payment;
    case EventType::checkout_started:
    case EventType::checkout_step_viewed:
    case EventType::checkout_step_completed: return FunnelStep::checkout;
    case EventType::product_added:
    case EventType::wishlist_moved_to_cart: return FunnelStep::add_to_cart;
    case EventType::product_viewed: return FunnelStep::product_view;
    case EventType::product_searched:
    case EventType::product_list_viewed:
    case EventType::product_list_filtered:
    case EventType::product_clicked:
    case EventType::cart_viewed:
    case EventType::wishlist_added: return FunnelStep::browse;
    case EventType::page_viewed:
    case EventType::screen_viewed:
      return event[event::Text::category].empty() ? FunnelStep::landing : FunnelStep::browse;
    default: return FunnelStep::landing;
  }
}

FunnelCells::FunnelCells(const process::StateStore& store, const CellSettings& settings)
    : retention_ms_(settings.retention_ms),
      cells_(store, settings.prefix, settings.entries_max),
      queue_(store, settings.queue_prefix),
      parts_({&cells_, &queue_}) {}

void FunnelCells::Counts::encode(std::string& out) const {
  base::ByteWriter writer(out);
  for (const auto count : sessions) writer.varint(count);
}

bool FunnelCells::Counts::decode(std::string_view bytes, Counts& into) {
  base::ByteReader reader(bytes);
  for (auto& count : into.sessions) count = static_cast<std::uint32_t>(reader.varint());
  return reader.ok() && reader.at_end();
}

void FunnelCells::write_key(const FunnelPlace& place, std::string& out) {
  write_minute(place.minute_ms, out);
  out.push_back(static_cast<char>(place.channel));
  out.push_back(static_cast<char>(place.device));
  out.append(place.category);
}

bool FunnelCells::read_key(std::string_view key, event::FunnelCell& cell) {
  if (key.size() < 10) return false;
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | static_cast<unsigned char>(key[static_cast<std::size_t>(i)]);
  cell.minute_ms = static_cast<std::int64_t>(bits ^ (1ULL << 63));
  const auto channel = static_cast<unsigned char>(key[8]);
  const auto device = static_cast<unsigned char>(key[9]);
  if (channel >= event::kChannelCount || device >= event::kDeviceCount) return false;
  cell.channel = static_cast<event::Channel>(channel);
  cell.device = static_cast<event::Device>(device);
  cell.category.assign(key.substr(10));
  return true;
}

void FunnelCells::list(Counts& counts) {
  if (counts.listed) return;
  counts.listed = true;
  changed_.push_back(key_);
}

void FunnelCells::add(const FunnelPlace& place, base::WallTime now) {
  key_.clear();
  write_key(place, key_);
  Counts& counts = cells_.edit(key_);
  // A cell that was left by all is put into the queue a second time, which does no harm.
  if (counts.sessions[0] == 0)
    queue_.push(key_, std::max(now, base::WallTime{place.minute_ms}) + retention_ms_);
  list(counts);
  for (std::size_t step = 0; step <= static_cast<std::size_t>(place.level); ++step) ++counts.sessions[step];
}

void FunnelCells::remove(const FunnelPlace& place) {
  key_.clear();
  write_key(place, key_);
  const auto level = static_cast<std::size_t>(place.level);
  const Counts* known = cells_.find(key_);
  if (known == nullptr || known->sessions[level] == 0) return;
  Counts& counts = cells_.edit(key_);
  list(counts);
  for (std::size_t step = 0; step <= level; ++step) --counts.sessions[step];
}

void FunnelCells::forget(base::WallTime now, int limit) {
  for (; limit > 0; --limit) {
    const auto key = queue_.pop(now);
    if (!key) return;
    event::FunnelCell cell;
    INVARIANT(read_key(*key, cell));
    if (cell.minute_ms + retention_ms_ > now.ms) {
      queue_.push(*key, now + retention_ms_);
    } else {
      cells_.erase(*key);
    }
  }
}

void FunnelCells::take_changed(std::vector<event::FunnelCell>& out) {
  for (const auto& key : changed_) {
    const Counts* counts = cells_.find(key);
    if (counts == nullptr) continue;  // Forgotten since.
    event::FunnelCell cell;
    INVARIANT(read_key(key, cell));
    counts->listed = false;
    cell.sessions = counts->sessions;
    out.push_back(std::move(cell));
  }
  changed_.clear();
}

base::Status FunnelCells::restore(const process::StateStore& store, const std::string& prefix,
                                  std::vector<event::ViewUpdate>& out) {
  base::Status outcome = base::Ok{};
  TRY(store.scan(prefix, [&](std::string_view key, std::string_view value) {
    event::FunnelCell cell;
    Counts counts;
    if (!read_key(key.substr(prefix.size()), cell) || !Counts::decode(value, counts)) {
      outcome = base::Error(base::ErrorCode::corrupt, "funnel cell cannot be decoded");
      return false;
    }
    cell.sessions = counts.sessions;
    out.emplace_back(std::move(cell));
    return true;
  }));
  return outcome;
}

}  // namespace millrace::commerce
