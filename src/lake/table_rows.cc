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

// First eight bytes, so that most comparisons of text are one of numbers.
std::uint64_t prefix_of(std::string_view text) {
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, text.data(), std::min<std::size_t>(text.size(), 8));
  return __builtin_bswap64(prefix);
}

struct SortKey {
  std::int32_t day = 0;
  std::uint64_t first = 0;  // A number that decides before `text` does.
  std::string_view text;
  std::int64_t second = 0;
  std::uint64_t offset = 0;
  RowRef ref;
  std::uint32_t json_bytes = 0;

  bool operator<(const SortKey& other) const {
    return std::tie(day, first, text, second, offset) <
           std::tie(other.day, other.first, other.text, other.second, other.offset);
  }
};

SortKey event_key(const RowRef& ref) {
  const RowGroup& group = *ref.segment->group;
  const auto index = group.events[ref.row].index;
  SortKey key;
  key.ref = ref;
  key.offset = group.records->first.value + index;
  const auto head = event::decode_event_head(group.records->payloads[index]);
  if (!head.ok()) return key;
  key.day = day_of(head->event_time);
  key.text = head->visitor_key();
  key.first = prefix_of(key.text);
  key.second = head->event_time.ms;
  return key;
}

SortKey raw_key(const RowRef& ref) {
  const RawRecord record = raw_record(ref);
  const RawFields fields = raw_fields(record);
  SortKey key;
  key.ref = ref;
  key.day = day_of(fields.received_at);
  // Signed order as unsigned.
  key.json_bytes = static_cast<std::uint32_t>(fields.raw.size());
  key.first = static_cast<std::uint32_t>(fields.visitor_key) ^ 0x80000000u;
  key.offset = record.offset;
  return key;
}

SortKey quarantine_key(const RowRef& ref) {
  const RowGroup& group = *ref.segment->group;
  SortKey key;
  key.ref = ref;
  const bool poison = (ref.row & kOfRecords) == 0;
  key.offset = poison ? group.poison[ref.row].first : group.records->first.value + (ref.row & ~kOfRecords);
  const RawRecord record{group.records->payloads[key.offset - group.records->first.value], key.offset};
  key.day = day_of(raw_fields(record).received_at);
  key.first = group.partition;
  return key;
}

SortKey key_of(Table table, const RowRef& ref) {
  const RowGroup& group = *ref.segment->group;
  SortKey key;
  key.ref = ref;
  switch (table) {
    case Table::events: return event_key(ref);
    case Table::raw_events: return raw_key(ref);
    case Table::quarantine: return quarantine_key(ref);
    case Table::sessions: {
      const auto& row = group.sessions[ref.row];
      return {day_of(row.started_at),
              prefix_of(row.visitor_id),
              row.visitor_id,
              row.started_at.ms,
              row.offset,
              ref,
              0};
    }
    case Table::orders: {
      const auto& row = group.orders[ref.row];
      return {day_of(row.ordered_at),
              prefix_of(row.visitor_id),
              row.visitor_id,
              row.ordered_at.ms,
              row.offset,
              ref,
              0};
    }
    case Table::funnel:  // Sorted by the statement that merges it with what is committed.
      key.day = day_of({group.funnel[ref.row].minute_ms});
      return key;
  }
  return key;
}

}  // namespace

void write_rows(Table table, std::span<const RowRef> rows, std::span<ColumnWriter> columns,
                const std::vector<std::string>& source_names) {
  switch (table) {
    case Table::events: return write_event_rows(rows, columns, source_names);
    case Table::raw_events: return write_raw_rows(rows, columns, source_names);
    case Table::quarantine: return write_quarantine_rows(rows, columns, source_names);
    case Table::sessions: return write_session_rows(rows, columns);
    case Table::orders: return write_order_rows(rows, columns, source_names);
    case Table::funnel: return write_funnel_rows(rows, columns);
  }
}

RowsByDay sort_rows(Table table, const std::vector<RowRef>& rows) {
  std::vector<SortKey> keys;
  keys.reserve(rows.size());
  for (const auto& ref : rows) keys.push_back(key_of(table, ref));
  std::stable_sort(keys.begin(), keys.end());
  RowsByDay out;
  for (const auto& key : keys) {
    out.days[key.day].push_back(key.ref);
    out.json_bytes += key.json_bytes;
  }
  return out;
}

std::vector<RowRef> rows_of(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to) {
  std::vector<RowRef> rows;
  for (const auto& generation : snapshot) {
    if (generation.id < from || generation.id > to) continue;
    for (const auto& segment : generation.segments) {
      for (const auto row : segment->rows[index_of(table)]) rows.push_back({segment.get(), row});
    }
  }
  return rows;
}

}  // namespace millrace::lake
