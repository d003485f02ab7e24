#include "process/watermark.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace millrace::process {

Watermark::Watermark(const StateStore& store, std::string key, WatermarkSettings settings)
    : store_(store), key_(std::move(key)), settings_(settings) {}

base::Status Watermark::restore() {
  TRY_ASSIGN(const std::optional<std::string> stored, store_.get(key_));
  if (!stored) return base::Ok{};
  base::ByteReader reader(*stored);
  live_.watermark_ms = reader.zigzag();
  live_.late_events = reader.varint();
  if (!reader.ok() || !reader.at_end())
    return base::Error(base::ErrorCode::corrupt, "watermark cannot be decoded");
  frozen_ = live_;
  return base::Ok{};
}

bool Watermark::on_event(base::WallTime event_time, base::WallTime received_at) {
  if (is_late(event_time)) ++live_.late_events;
  const std::int64_t time_ms =
      settings_.mode == TimeMode::wall ? std::min(event_time.ms, received_at.ms) : event_time.ms;
  return advance(time_ms - settings_.lateness_ms);
}

bool Watermark::on_tick(base::WallTime tick) {
  if (settings_.mode == TimeMode::events) return advance(tick.ms - settings_.lateness_ms);
  const std::int64_t to_ms = tick.ms - settings_.idle_timeout_ms;
  const std::int64_t highest_ms = tick.ms - std::min(settings_.lateness_ms, settings_.idle_timeout_ms);
  if (live_.watermark_ms > highest_ms + kClockSetBackMs) {
    live_.watermark_ms = to_ms;
    return false;
  }
  return advance(to_ms);
}

bool Watermark::advance(std::int64_t to_ms) {
  if (to_ms <= live_.watermark_ms) return false;
  live_.watermark_ms = to_ms;
  return true;
}

bool Watermark::drain(StateBatch& batch, std::size_t) {
  std::string value;
  base::ByteWriter writer(value);
  writer.zigzag(frozen_.watermark_ms);
  writer.varint(frozen_.late_events);
  batch.put(key_, value);
  return true;
}

}  // namespace millrace::process
