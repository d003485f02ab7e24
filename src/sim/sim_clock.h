#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace millrace::sim {

// A clock that stands still until it is told otherwise. Safe to read while another thread moves it.
class SimClock final : public base::Clock {
 public:
  explicit SimClock(base::WallTime wall = {1'750'000'000'000}) : wall_ms_(wall.ms) {}

  base::Instant now() const override { return {now_ns_.load(std::memory_order_relaxed)}; }
  base::WallTime wall() const override { return {wall_ms_.load(std::memory_order_relaxed)}; }

  // Moves both clocks on.
  void advance_ms(std::int64_t ms) {
    now_ns_.fetch_add(ms * 1'000'000, std::memory_order_relaxed);
    wall_ms_.fetch_add(ms, std::memory_order_relaxed);
  }
  // A jump of the wall clock, backwards too; the monotonic one does not notice.
  void set_wall(base::WallTime wall) { wall_ms_.store(wall.ms, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> now_ns_{1};
  std::atomic<std::int64_t> wall_ms_;
};

}  // namespace millrace::sim
