#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <shared_mutex>
#include <span>
#include <vector>

#include "event/row.h"

namespace millrace::serve {

struct LedgerCounts {
  std::uint64_t received = 0;
  std::array<std::uint64_t, event::kVerdictCount> verdicts{};
  std::uint64_t pseudonymised = 0;
  std::uint64_t anonymised = 0;

  // Events that are kept as they came, whatever else became of them.
  std::uint64_t stored() const;
  void add(const LedgerCounts& other);
  // Every item received has exactly one verdict.
  bool closed() const;
};

struct LedgerRow {
  std::uint16_t source = 0;
  std::int64_t minute_ms = 0;
  LedgerCounts counts;
};

enum class LedgerStep : std::uint8_t { minute, hour, range };  // range: one row per source.

struct LedgerQuery {
  base::WallTime from;
  base::WallTime to;
  int source = -1;  // -1: every one.
  LedgerStep step = LedgerStep::minute;
};

struct LedgerAnswer {
  std::vector<LedgerRow> rows;  // By time, then source.
  LedgerCounts total;
  bool complete = true;  // false: part of the range was dropped to keep within cells_max.
};

// The account of every item received, by source and minute of receipt: absolute values per partition, added
// up by a query. Safe from any thread.
class LedgerCells {
 public:
  explicit LedgerCells(std::size_t cells_max) : cells_max_(cells_max) {}

  void apply(std::uint32_t partition, std::span<const event::LedgerCell* const> cells);
  LedgerAnswer query(const LedgerQuery& query) const;
  // Of all time, minutes that are held no more included.
  LedgerCounts total() const;
  // Ranges that begin before it are answered as not complete.
  void incomplete_before(base::WallTime time);
  // One past the newest minute; 0 when there is none.
  base::WallTime newest_end() const;

 private:
  struct Cell {
    std::uint32_t partition = 0;
    std::uint16_t source = 0;
    LedgerCounts counts;
  };

  void replace(LedgerCounts& counts, const event::LedgerCell& update);

  const std::size_t cells_max_;
  mutable std::shared_mutex mutex_;
  std::map<std::int64_t, std::vector<Cell>> minutes_;
  std::size_t size_ = 0;
  std::int64_t incomplete_before_ms_ = INT64_MIN;
  std::int64_t dropped_before_ms_ = INT64_MIN;
  LedgerCounts total_;
  // What a partition had forgotten when it was restored; in the total and in no range.
  std::map<std::pair<std::uint32_t, std::uint16_t>, LedgerCounts> earlier_;
};

}  // namespace millrace::serve
