#include "lake/table_rows.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "event/record.h"
#include "lake/row_writers.h"

namespace millrace::lake {

namespace {

std::int32_t day_of(base::WallTime time) {
  const std::int64_t day = time.ms / base::kDayMs;
  return static_cast<std::int32_t>(time.ms < 0 && time.ms % base::kDayMs != 0 ? day - 1 : day);
}

// A row, and what it is sorted by within its day: by `number`, then `text`, then `time`, then its offset.
struct Placed {
  RowRef ref;
  std::int32_t day = 0;
  std::uint32_t number = 0;
  std::string_view text;
  std::int64_t time = 0;
  std::uint32_t json_bytes = 0;
};

bool later_than(const Placed& a, const Placed& b) {
  return std::tie(a.number, a.text, a.time, a.ref.offset) > std::tie(b.number, b.text, b.time, b.ref.offset);
}

Placed place_summary(const RowRef& ref, std::int32_t day, std::string_view visitor, base::WallTime time,
                     std::uint64_t offset) {
  Placed out{ref, day, 0, visitor, time.ms, 0};
  out.ref.offset = offset;
  return out;
}

Placed place(Table table, const RowRef& ref) {
  const RowGroup& group = *ref.segment->group;
  switch (table) {
    case Table::events: {
      const auto head = event::decode_event_head(ref.payload);
      if (!head.ok()) return {ref, 0, 0, {}, 0, 0};
      return {ref, day_of(head->event_time), 0, head->visitor_key(), head->event_time.ms, 0};
    }
    case Table::raw_events: {
      const RawFields fields = raw_fields(ref.payload);
      // Signed order as unsigned.
      const auto number = static_cast<std::uint32_t>(fields.visitor_key) ^ 0x80000000u;
      return {ref, day_of(fields.received_at), number, {}, 0, static_cast<std::uint32_t>(fields.raw.size())};
    }
    case Table::quarantine:
      return {ref, day_of(raw_fields(ref.payload).received_at), ref.partition, {}, 0, 0};
    case Table::sessions: {
      const auto& row = group.sessions[ref.row];
      return place_summary(ref, day_of(row.started_at), row.visitor_id, row.started_at, row.offset);
    }
    case Table::orders: {
      const auto& row = group.orders[ref.row];
      return place_summary(ref, day_of(row.ordered_at), row.visitor_id, row.ordered_at, row.offset);
    }
    case Table::funnel:  // Sorted by the statement that merges it with what is committed.
      return {ref, day_of({group.funnel[ref.row].minute_ms}), 0, {}, 0, 0};
  }
  return {ref, 0, 0, {}, 0, 0};
}

// What all texts begin with decides nothing.
std::size_t common_prefix(const std::vector<Placed>& rows) {
  if (rows.empty()) return 0;
  std::string_view common = rows.front().text;
  for (const Placed& row : rows) {
    const std::size_t limit = std::min(common.size(), row.text.size());
    std::size_t same = 0;
    while (same < limit && common[same] == row.text[same]) ++same;
    common = common.substr(0, same);
    if (common.empty()) break;
  }
  return common.size();
}

// Sixteen bytes that decide nearly always: rows are looked at only where these are the same.
struct Rank {
  std::uint64_t first = 0;
  std::uint32_t second = 0;
  std::uint32_t row = 0;
  bool operator<(const Rank& other) const {
    return std::tie(first, second) < std::tie(other.first, other.second);
  }
  bool same(const Rank& other) const { return first == other.first && second == other.second; }
};

Rank rank_of(const Placed& placed, std::size_t skipped, std::uint32_t row) {
  char bytes[12] = {};
  const std::string_view text = placed.text.substr(std::min(skipped, placed.text.size()));
  if (!text.empty()) std::memcpy(bytes, text.data(), std::min<std::size_t>(text.size(), sizeof bytes));
  Rank rank{0, 0, row};
  std::memcpy(&rank.first, bytes, 8);
  std::memcpy(&rank.second, bytes + 8, 4);
  rank.first = __builtin_bswap64(rank.first);
  rank.second = __builtin_bswap32(rank.second);
  // One of `number` and `text` is used by a table.
  rank.first |= placed.text.empty() ? std::uint64_t{placed.number} << 32 : 0;
  return rank;
}

std::vector<Rank> sorted_ranks(const std::vector<Placed>& rows) {
  const std::size_t skipped = common_prefix(rows);
  std::vector<Rank> ranks;
  ranks.reserve(rows.size());
  for (std::uint32_t i = 0; i < rows.size(); ++i) ranks.push_back(rank_of(rows[i], skipped, i));
  std::sort(ranks.begin(), ranks.end());
  for (auto begin = ranks.begin(); begin != ranks.end();) {
    auto end = begin + 1;
    while (end != ranks.end() && end->same(*begin)) ++end;
    if (end - begin > 1) {
      std::sort(begin, end, [&rows](const Rank& a, const Rank& b) {
        if (later_than(rows[b.row], rows[a.row])) return true;
        return !later_than(rows[a.row], rows[b.row]) && a.row < b.row;
      });
    }
    begin = end;
  }
  return ranks;
}

template <class Column>
void write_table(Table table, std::span<const RowRef> rows, std::span<Column> columns,
                 const SourceNames& sources) {
  switch (table) {
    case Table::events: return write_event_rows(rows, columns, sources);
    case Table::raw_events: return write_raw_rows(rows, columns, sources);
    case Table::quarantine: return write_quarantine_rows(rows, columns, sources);
    case Table::sessions: return write_session_rows(rows, columns);
    case Table::orders: return write_order_rows(rows, columns, sources);
    case Table::funnel: return write_funnel_rows(rows, columns);
  }
}

}  // namespace

void write_rows(Table table, std::span<const RowRef> rows, std::span<DuckColumn> columns,
                const SourceNames& sources) {
  write_table(table, rows, columns, sources);
}
void write_rows(Table table, std::span<const RowRef> rows, std::span<FileColumn> columns,
                const SourceNames& sources) {
  write_table(table, rows, columns, sources);
}

RowsByDay sort_rows(Table table, const std::vector<RowRef>& rows) {
  std::map<std::int32_t, std::vector<Placed>> days;
  RowsByDay out;
  for (const RowRef& ref : rows) {
    const Placed placed = place(table, ref);
    out.json_bytes += placed.json_bytes;
    auto& of_day = days[placed.day];
    if (days.size() == 1 && of_day.empty()) of_day.reserve(rows.size());  // Most commits are of one day.
    of_day.push_back(placed);
  }
  for (const auto& [day, placed] : days) {
    auto& sorted = out.days[day];
    sorted.reserve(placed.size());
    for (const Rank& rank : sorted_ranks(placed)) sorted.push_back(placed[rank.row].ref);
  }
  return out;
}

std::vector<RowRef> rows_of(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to) {
  std::vector<RowRef> rows;
  std::size_t count = 0;
  for (const auto& generation : snapshot) {
    if (generation.id < from || generation.id > to) continue;
    for (const auto& segment : generation.segments) count += segment->rows[index_of(table)].size();
  }
  rows.reserve(count);
  for (const auto& generation : snapshot) {
    if (generation.id < from || generation.id > to) continue;
    for (const auto& segment : generation.segments) {
      for (const auto row : segment->rows[index_of(table)]) rows.push_back(row_ref(table, *segment, row));
    }
  }
  return rows;
}

}  // namespace millrace::lake
