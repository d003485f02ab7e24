#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lake/tail.h"

namespace millrace::lake {

// The rows of one table for a commit: by the day of their partition, each day in the sort order of the table's spec. Keeps
// its memory from one commit to the next: fresh memory costs as much as the sorting.
class RowSorter {
 public:
  struct Day {
    std::int32_t day = 0;            // Since 1970-01-01.
    std::size_t begin = 0, end = 0;  // Positions of its rows.
  };

  // The rows of the generations [from, to] of `snapshot`, which must outlive what is read here.
  void sort(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to);

  const std::vector<Day>& days() const { return days_; }
  // Of raw.events: what came in.
  std::int64_t json_bytes() const { return json_bytes_; }
  // Copies the rows from position `begin` on, as many as `out` takes.
  void copy(std::size_t begin, std::span<RowRef> out) const;
  void clear();

 private:
  // What a row is sorted by within its day: by `number`, then `text`, then `time`, then its offset.
  struct Key {
    std::string_view text;
    std::uint64_t text_hash = 0;
    std::int64_t time = 0;
    std::uint32_t number = 0;
    std::int32_t day = 0;
  };
  // Sixteen bytes that decide nearly always: keys are looked at only where these are the same.
  struct Rank {
    std::uint64_t first = 0;
    std::uint32_t second = 0;
    std::uint32_t row = 0;
    bool operator<(const Rank& other) const {
      return first != other.first ? first < other.first : second < other.second;
    }
    bool same(const Rank& other) const { return first == other.first && second == other.second; }
  };

  void take(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to);
  Key key_of(Table table, RowRef& ref);
  Rank rank_of(std::uint32_t row) const;
  void rank_days();
  void sort_ties(std::span<Rank> ranks) const;

  std::vector<RowRef> refs_;
  std::vector<Key> keys_;    // Of the row of the same index.
  std::vector<Rank> ranks_;  // Sorted, day by day.
  std::vector<Day> days_;
  std::size_t common_prefix_ = 0;  // Of all texts: decides nothing.
  std::int64_t json_bytes_ = 0;
};

}  // namespace millrace::lake
