#include "collect/client_time.h"

#include <algorithm>
#include <charconv>

#include "base/iso_time.h"

namespace millrace::collect {

using base::WallTime;
using event::Flag;

namespace {

constexpr WallTime kYear1{-62'135'596'800'000};
constexpr WallTime kYear10000{253'402'300'800'000};

// As milliseconds these would be of 1970 to 1973; databases and payment services export seconds.
constexpr std::int64_t kFirstSeconds = 100'000'000;
constexpr std::int64_t kLastSeconds = 99'999'999'999;

std::optional<WallTime> parse_epoch(std::string_view text) {
  std::int64_t time = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (!rest.empty()) {  // Fractions of a millisecond are cut.
    if (rest.front() != '.') return std::nullopt;
    rest.remove_prefix(1);
    if (rest.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  }
  if (time < kFirstSeconds || time > kLastSeconds) return WallTime{time};
  for (std::size_t i = 0; i < 3; ++i) time = time * 10 + (i < rest.size() ? rest[i] - '0' : 0);
  return WallTime{time};
}

}  // namespace

bool is_client_time(WallTime time) { return time >= kYear1 && time < kYear10000; }

std::optional<WallTime> parse_client_time(JsonKind kind, std::string_view text) {
  std::optional<WallTime> time;
  if (kind == JsonKind::number) {
    time = parse_epoch(text);
  } else if (kind == JsonKind::string && text.size() >= 8) {
    const bool is_date = text.size() > 4 && text[4] == '-';
    if (!is_date) {
      time = parse_epoch(text);
    } else if (const auto parsed = base::parse_iso_time(text)) {
      time = *parsed;
    }
  }
  if (time && !is_client_time(*time)) return std::nullopt;
  return time;
}

void set_event_time(const ClientTimes& times, TimeTrust trust, event::Event& event) {
  event.client_time = times.original.value_or(WallTime{});
  if (!times.original) {
    event.event_time = event.received_at;
    event.set(Flag::time_missing);
    return;
  }
  event.event_time = *times.original;
  if (trust == TimeTrust::as_given) return;
  if (times.sent) {
    event.event_time = event.received_at - (*times.sent - *times.original);
    if (event.event_time != *times.original) event.set(Flag::time_corrected);
  }
  const WallTime earliest = trust == TimeTrust::held_back ? event.event_time : event.received_at - kPastMs;
  const WallTime clamped = std::min(std::max(event.event_time, earliest), event.received_at + kFutureMs);
  if (clamped != event.event_time) event.set(Flag::time_clamped);
  event.event_time = clamped;
}

}  // namespace millrace::collect
