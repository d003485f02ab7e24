#pragma once

#include "base/clock.h"

namespace millrace::serve {

// For tests: time stands still until it is moved.
class TestClock final : public base::Clock {
 public:
  base::Instant now() const override { return instant; }
  base::WallTime wall() const override { return time; }

  void advance_ms(std::int64_t ms) {
    instant.ns += ms * 1'000'000;
    time = time + ms;
  }

  base::Instant instant{1'000'000'000};
  base::WallTime time{1'795'258'800'000};  // 2026-11-21T11:00:00Z
};

}  // namespace millrace::serve
