#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "collect/json_tape.h"
#include "event/event.h"

namespace millrace::collect {

// An ISO 8601 string, or milliseconds or seconds since 1970 as a number or as digits in a string: seconds from 100,000,000 up to
// 99,999,999,999. Nothing for all else, and for times outside the years 1 to 9999.
std::optional<base::WallTime> parse_client_time(JsonKind kind, std::string_view text);

bool is_client_time(base::WallTime time);  // Is it of the years 1 to 9999?

// What a client said about time.
struct ClientTimes {
  std::optional<base::WallTime> original;  // originalTimestamp, else timestamp.
  std::optional<base::WallTime> sent;      // By the client's clock, as it sent the request.
};

enum class TimeTrust : std::uint8_t {
  corrected,  // The client's clock may be wrong: its offset is what sentAt says it is, and the result is clamped.
  held_back,  // The same of an item out of quarantine, which may have lain there for long.
  as_given,   // History: the time is taken as it is, unless it is to come (Intake).
};

constexpr std::int64_t kPastMs = 7 * base::kDayMs;
constexpr std::int64_t kFutureMs = 5 * base::kMinuteMs;

// Sets client_time, event_time and the flags that say how it came about, from event.received_at.
void set_event_time(const ClientTimes& times, TimeTrust trust, event::Event& event);

}  // namespace millrace::collect
