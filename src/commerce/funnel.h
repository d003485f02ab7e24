#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commerce/retention_queue.h"
#include "event/event.h"
#include "event/row.h"
#include "event/view.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

// The step of the purchase funnel that an event is. The funnel is open: whoever reaches a step is counted as having been at
// every earlier one, so counts never rise from step to step. A second page in a session is browsing; the session knows.
event::FunnelStep funnel_step(const event::Event& event);

// Where a session is counted.
struct FunnelPlace {
  std::int64_t minute_ms = 0;  // Of the session's start.
  event::Channel channel = event::Channel::direct;
  event::Device device = event::Device::unknown;
  std::string category;  // Of the first product seen in it, "" until there is one.
  event::FunnelStep level = event::FunnelStep::landing;
  bool operator==(const FunnelPlace&) const = default;
};

// Where cells lie in the store, and how long.
struct CellSettings {
  std::string prefix;
  std::string queue_prefix;
  std::size_t entries_max = 100'000;
  std::int64_t retention_ms = 35 * base::kDayMs;
};

// Sessions by start minute, channel, device and category, and how far they came. The counts are absolute and follow corrections: a
// session that turns out to have started earlier, or to be a part of another one, moves.
class FunnelCells {
 public:
  FunnelCells(const process::StateStore& store, const CellSettings& settings);

  // `now`: the watermark.
  void add(const FunnelPlace& place, base::WallTime now);
  // Of a cell that was forgotten nothing is taken.
  void remove(const FunnelPlace& place);
  // Forgets up to `limit` cells whose time has passed. What the lake has of them stays; a session that still enters one begins its
  // count again.
  void forget(base::WallTime now, int limit);

  // Appends the cells changed since the last call, as they are now.
  void take_changed(std::vector<event::FunnelCell>& out);
  // Appends every stored cell, oldest minute first.
  static base::Status restore(const process::StateStore& store, const std::string& prefix,
                              std::vector<event::ViewUpdate>& out);

  process::Checkpointed& state() { return parts_; }

 private:
  struct Counts {
    std::array<std::uint32_t, event::kFunnelStepCount> sessions{};
    mutable bool listed = false;  // In changed_; not state.
    void encode(std::string& out) const;
    static bool decode(std::string_view bytes, Counts& into);
  };
  void list(Counts& counts);
  static void write_key(const FunnelPlace& place, std::string& out);
  static bool read_key(std::string_view key, event::FunnelCell& cell);

  const std::int64_t retention_ms_;
  process::KeyedState<Counts> cells_;
  RetentionQueue queue_;
  process::CheckpointedParts parts_;
  std::vector<std::string> changed_;
  std::string key_;
};

}  // namespace millrace::commerce
