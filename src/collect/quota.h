#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace millrace::collect {

// How many events of a source are let in: `events_per_s` in the long run, `burst` at once. A request is never split; one with more
// than a burst is let in when nothing was used for long enough, and what comes after it waits the longer. Any thread.
//
// The generic cell rate algorithm (ITU-T I.371): all that is kept is the time at which everything taken so far will have been
// paid for.
class Quota {
 public:
  // Both at least 1. The clock must outlive it.
  Quota(std::int64_t events_per_s, std::int64_t burst, const base::Clock& clock)
      : events_per_s_(events_per_s),
        burst_(burst),
        interval_ns_(std::max<std::int64_t>(1, 1'000'000'000 / events_per_s)),
        room_ns_(burst * interval_ns_),
        clock_(clock) {}

  // Whether another event would be let in now.
  bool open() const { return debt_ns(clock_.now().ns) + interval_ns_ <= room_ns_; }

  bool take(std::int64_t events) {
    const std::int64_t cost = events * interval_ns_;
    const std::int64_t needed = std::min(cost, room_ns_);
    std::int64_t paid_at = paid_at_.load(std::memory_order_relaxed);
    while (true) {
      const std::int64_t now = clock_.now().ns;
      const std::int64_t from = std::max(paid_at, now);
      if (from - now + needed > room_ns_) return false;
      if (paid_at_.compare_exchange_weak(paid_at, from + cost, std::memory_order_relaxed)) return true;
    }
  }

  // When so many may come again; at least 1.
  int retry_after_s(std::int64_t events = 1) const {
    const std::int64_t needed = std::min(events * interval_ns_, room_ns_);
    const std::int64_t wait_ns = debt_ns(clock_.now().ns) + needed - room_ns_;
    return static_cast<int>(std::clamp<std::int64_t>((wait_ns + 999'999'999) / 1'000'000'000, 1, 3600));
  }

  std::int64_t events_per_s() const { return events_per_s_; }
  std::int64_t burst() const { return burst_; }

 private:
  std::int64_t debt_ns(std::int64_t now) const {
    return std::max<std::int64_t>(0, paid_at_.load(std::memory_order_relaxed) - now);
  }

  const std::int64_t events_per_s_, burst_;
  const std::int64_t interval_ns_;
  const std::int64_t room_ns_;
  const base::Clock& clock_;
  std::atomic<std::int64_t> paid_at_{INT64_MIN / 2};
};

}  // namespace millrace::collect
