#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "event/row.h"

namespace millrace::serve {

struct FunnelDimensions {
  bool channel = false;
  bool device = false;
  bool category = false;
};

struct FunnelQuery {
  base::WallTime from;
  base::WallTime to;
  FunnelDimensions by;
};

// A row's dimensions that the query does not name are left at their first value.
struct FunnelRow {
  event::Channel channel = event::Channel::direct;
  event::Device device = event::Device::unknown;
  std::string category;
  std::array<std::uint64_t, event::kFunnelStepCount> sessions{};
};

struct FunnelAnswer {
  std::vector<FunnelRow> rows;  // Largest first.
  std::array<std::uint64_t, event::kFunnelStepCount> total{};
  bool complete = true;  // false: part of the range was dropped to keep within cells_max.
};

struct FunnelLimits {
  std::size_t cells_max = 1'000'000;    // Minute cells; the oldest hours are dropped past it.
  std::size_t categories_max = 50'000;  // Further ones are counted as "(other)".
};

// Sessions by minute of their start, channel, device and category, and how far they came. Cells are absolute
// values per partition; a query adds them up, whole hours from sums kept beside the minutes. Safe from any
// thread.
class FunnelCells {
 public:
  explicit FunnelCells(FunnelLimits limits) : limits_(limits) {}

  void apply(std::uint32_t partition, std::span<const event::FunnelCell* const> cells);
  FunnelAnswer query(const FunnelQuery& query) const;
  // Ranges that begin before it are answered as not complete.
  void incomplete_before(base::WallTime time);
  // One past the newest minute with a session; 0 when there is none.
  base::WallTime newest_end() const;
  std::size_t size() const;

 private:
  using Counts = std::array<std::uint32_t, event::kFunnelStepCount>;
  // partition (16 bits), category (32), device (8), channel (8): sorted by key.
  struct Cell {
    std::uint64_t key = 0;
    Counts sessions{};
  };
  using Cells = std::vector<Cell>;
  struct Hour {
    Cells sums;  // Without the partition.
    std::map<std::int64_t, Cells> minutes;
  };
  class Sums;

  static Cell& cell_of(Cells& cells, std::uint64_t key);
  std::uint64_t category_id(const std::string& category);
  void drop_oldest_hour();

  const FunnelLimits limits_;
  mutable std::shared_mutex mutex_;
  std::map<std::int64_t, Hour> hours_;
  std::size_t size_ = 0;
  std::int64_t incomplete_before_ms_ = INT64_MIN;
  std::int64_t dropped_before_ms_ =
      INT64_MIN;  // Cells of earlier minutes are not held any more and not taken again.
  std::unordered_map<std::string, std::uint64_t> category_ids_;
  std::vector<std::string> categories_;
};

}  // namespace millrace::serve
