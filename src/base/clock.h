#pragma once

#include <compare>
#include <cstdint>

namespace millrace::base {

// Nanoseconds on a monotonic clock; only differences mean anything.
struct Instant {
  std::int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
};

// Milliseconds since 1970-01-01T00:00:00Z, as a user would write it.
struct WallTime {
  std::int64_t ms = 0;
  auto operator<=>(const WallTime&) const = default;
};

constexpr std::int64_t kSecondMs = 1000;
constexpr std::int64_t kMinuteMs = 60 * kSecondMs;
constexpr std::int64_t kHourMs = 60 * kMinuteMs;
constexpr std::int64_t kDayMs = 24 * kHourMs;

constexpr WallTime operator+(WallTime time, std::int64_t ms) { return {time.ms + ms}; }
constexpr WallTime operator-(WallTime time, std::int64_t ms) { return {time.ms - ms}; }
constexpr std::int64_t operator-(WallTime a, WallTime b) { return a.ms - b.ms; }
constexpr std::int64_t operator-(Instant a, Instant b) { return a.ns - b.ns; }

// The only source of time. There is deliberately no sleep(): a component that must act later returns its
// next deadline, and whoever drives it (event loop or simulator) wakes it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;  // May jump.
};

}  // namespace millrace::base
