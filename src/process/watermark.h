#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "process/checkpointed.h"

namespace millrace::process {

// What moves a partition's event time on.
enum class TimeMode : std::uint8_t {
  wall,    // Events, and ticks of the wall clock when there are none.
  events,  // Events alone; a tick's time is an event time (replays, backtests, POST /v1/clock).
};

struct WatermarkSettings {
  TimeMode mode = TimeMode::wall;
  std::int64_t lateness_ms =
      30 * base::kSecondMs;  // How far behind the newest event others are still expected.
  std::int64_t idle_timeout_ms = 60 * base::kSecondMs;  // How far behind the wall clock a quiet partition is.
};

// Ticks this far behind what ticks and receipts before them said show that the server's clock was ahead and has been set back.
constexpr std::int64_t kClockSetBackMs = 5 * base::kMinuteMs;

// "No event older than this is still expected", for one partition. A function of the records alone, which goes back only when the server's
// clock was:
//   wall    max over events of min(event time, receipt) - lateness, and over ticks of tick - idle timeout
//   events  max over events of event time, and over ticks of tick, - lateness
// An event ahead of its receipt cannot pull it into the future. In `events` mode, to close everything before
// X, tick X + lateness.
class Watermark final : public Checkpointed {
 public:
  Watermark(const StateStore& store, std::string key, WatermarkSettings settings);

  base::Status restore();

  // Each true when the watermark moved.
  bool on_event(base::WallTime event_time, base::WallTime received_at);
  // False, too, when it went back: nothing is due by that.
  bool on_tick(base::WallTime tick);

  base::WallTime now() const { return {live_.watermark_ms}; }
  bool is_late(base::WallTime event_time) const { return event_time.ms < live_.watermark_ms; }
  // Events that were late when on_event() saw them.
  std::uint64_t late_events() const { return live_.late_events; }

  void freeze() override { frozen_ = live_; }
  bool drain(StateBatch& batch, std::size_t entries) override;
  void committed() override {}

 private:
  struct Values {
    std::int64_t watermark_ms = 0;
    std::uint64_t late_events = 0;
  };
  bool advance(std::int64_t to_ms);

  const StateStore& store_;
  std::string key_;
  WatermarkSettings settings_;
  Values live_;
  Values frozen_;
};

}  // namespace millrace::process
