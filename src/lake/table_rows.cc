#include "lake/table_rows.h"

#include "lake/row_writers.h"

namespace millrace::lake {

namespace {

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

bool has_rows(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to) {
  for (const auto& generation : snapshot) {
    if (generation.id < from || generation.id > to) continue;
    for (const auto& segment : generation.segments) {
      if (!segment->rows[index_of(table)].empty()) return true;
    }
  }
  return false;
}

}  // namespace millrace::lake
