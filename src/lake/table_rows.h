#pragma once

#include <cstdint>
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

// Whether the generations [from, to] of a snapshot have rows of a table.
bool has_rows(const TailSnapshot& snapshot, Table table, std::uint64_t from, std::uint64_t to);

}  // namespace millrace::lake
