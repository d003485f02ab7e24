#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lake/duck_column.h"
#include "lake/file_column.h"
#include "lake/tail.h"

namespace millrace::lake {

using SourceNames = std::vector<std::string>;  // By event::Event::source.

// Writes `rows` of one table into the columns asked for. All but raw bytes and plain numbers of events is decoded from the
// journal record, once per row and call. Text in a chunk points into the segments: they must outlive the query.
void write_rows(Table table, std::span<const RowRef> rows, std::span<DuckColumn> columns,
                const SourceNames& sources);
// The same into a file that is being made, which copies.
void write_rows(Table table, std::span<const RowRef> rows, std::span<FileColumn> columns,
                const SourceNames& sources);

struct RowsByDay {
  std::map<std::int32_t, std::vector<RowRef>> days;  // Days since 1970-01-01 of the partition.
  std::int64_t json_bytes = 0;                       // Of raw.events: what came in.
};
// Each day in the sort order of the table's spec.
RowsByDay sort_rows(Table table, const std::vector<RowRef>& rows);

// All rows of a table in the generations [from, to] of a snapshot, in the order they came.
std::vector<RowRef> rows_of(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to);

}  // namespace millrace::lake
