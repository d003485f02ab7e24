#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "lake/duck.h"
#include "lake/table_rows.h"
#include "lake/tail.h"

// The callbacks by which DuckDB reads the tail. DuckDB keeps what the bind step made for as long as the plan lives, so
// text in chunks may point into the segments.
namespace millrace::lake {

namespace {

enum class Scan : std::uint8_t { tail, sorted };

struct Function {
  const Tail& tail;
  Table table;
  Scan scan;
};

struct Bound {
  Tail::Input input;
  std::uint64_t from_generation = 0;
};

struct Cursor {
  std::vector<std::size_t>
      columns;  // By position in the chunk; at or past column_count: nothing is asked for.
  std::size_t generation = 0;
  std::size_t segment = 0;
  std::size_t row = 0;
  std::vector<RowRef> rows;  // Of the chunk.
};

duckdb_logical_type logical_type(ColumnType type) {
  switch (type) {
    case ColumnType::boolean: return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    case ColumnType::int32: return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case ColumnType::int64: return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case ColumnType::float64: return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    case ColumnType::decimal18_6: return duckdb_create_decimal_type(18, 6);
    case ColumnType::date: return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
    case ColumnType::timestamptz: return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ);
    case ColumnType::string: return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    case ColumnType::binary: return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
  }
  return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}

std::size_t column_count(Table table) {
  return spec_of(table).columns.size() + (table == Table::funnel ? 1 : 0);
}

std::int64_t count_rows(const Function& function, const Bound& bound) {
  if (function.scan == Scan::sorted) return static_cast<std::int64_t>(bound.input.sorted->rows.size());
  std::size_t count = 0;
  for (const auto& generation : *bound.input.snapshot) {
    if (generation.id < bound.from_generation) continue;
    for (const auto& segment : generation.segments) count += segment->rows[index_of(function.table)].size();
  }
  return static_cast<std::int64_t>(count);
}

void bind(duckdb_bind_info info) {
  const auto& function = *static_cast<const Function*>(duckdb_bind_get_extra_info(info));
  duckdb_client_context context = nullptr;
  duckdb_table_function_get_client_context(info, &context);
  const auto connection_id = duckdb_client_context_get_connection_id(context);
  duckdb_destroy_client_context(&context);

  auto bound = std::make_unique<Bound>();
  bound->input = function.tail.input_of(connection_id);
  if (function.scan == Scan::tail ? bound->input.snapshot == nullptr : bound->input.sorted == nullptr) {
    return duckdb_bind_set_error(info, "this connection has no hold on the tail");
  }
  if (function.scan == Scan::tail) {
    auto value = duckdb_bind_get_parameter(info, 0);
    bound->from_generation = static_cast<std::uint64_t>(duckdb_get_int64(value));
    duckdb_destroy_value(&value);
  }
  const auto add_column = [info](const std::string& name, ColumnType column_type) {
    auto type = logical_type(column_type);
    duckdb_bind_add_result_column(info, name.c_str(), type);
    duckdb_destroy_logical_type(&type);
  };
  for (const auto& column : spec_of(function.table).columns) add_column(column.name, column.type);
  if (function.table == Table::funnel) add_column("tail_order", ColumnType::int64);
  duckdb_bind_set_cardinality(info, static_cast<idx_t>(count_rows(function, *bound)), false);
  duckdb_bind_set_bind_data(info, bound.release(), duck_delete<Bound>);
}

void init(duckdb_init_info info) {
  auto cursor = std::make_unique<Cursor>();
  const idx_t count = duckdb_init_get_column_count(info);
  for (idx_t i = 0; i < count; ++i) cursor->columns.push_back(duckdb_init_get_column_index(info, i));
  duckdb_init_set_init_data(info, cursor.release(), duck_delete<Cursor>);
}

void next_tail_rows(const Bound& bound, Table table, std::size_t limit, Cursor& cursor) {
  const TailSnapshot& generations = *bound.input.snapshot;
  while (cursor.rows.size() < limit && cursor.generation < generations.size()) {
    const Generation& generation = generations[cursor.generation];
    if (generation.id < bound.from_generation || cursor.segment == generation.segments.size()) {
      ++cursor.generation;
      cursor.segment = cursor.row = 0;
      continue;
    }
    const Segment& segment = *generation.segments[cursor.segment];
    const auto& rows = segment.rows[index_of(table)];
    const std::size_t end = std::min(rows.size(), cursor.row + limit - cursor.rows.size());
    for (; cursor.row < end; ++cursor.row) cursor.rows.push_back(row_ref(table, segment, rows[cursor.row]));
    if (cursor.row == rows.size()) {
      ++cursor.segment;
      cursor.row = 0;
    }
  }
}

void next_sorted_rows(const Bound& bound, std::size_t limit, Cursor& cursor) {
  const auto& rows = bound.input.sorted->rows;
  const std::size_t end = std::min(rows.size(), cursor.row + limit);
  cursor.rows.assign(rows.begin() + static_cast<std::ptrdiff_t>(cursor.row),
                     rows.begin() + static_cast<std::ptrdiff_t>(end));
  cursor.row = end;
}

void scan(duckdb_function_info info, duckdb_data_chunk chunk) {
  const auto& function = *static_cast<const Function*>(duckdb_function_get_extra_info(info));
  const auto& bound = *static_cast<const Bound*>(duckdb_function_get_bind_data(info));
  auto& cursor = *static_cast<Cursor*>(duckdb_function_get_init_data(info));
  cursor.rows.clear();
  const std::size_t limit = duckdb_vector_size();
  if (function.scan == Scan::tail) {
    next_tail_rows(bound, function.table, limit, cursor);
  } else {
    next_sorted_rows(bound, limit, cursor);
  }
  std::vector<DuckColumn> writers;
  for (std::size_t i = 0; i < cursor.columns.size(); ++i) {
    if (cursor.columns[i] >= column_count(function.table)) continue;
    writers.emplace_back(cursor.columns[i], duckdb_data_chunk_get_vector(chunk, i));
  }
  if (!writers.empty())
    write_rows(function.table, cursor.rows, std::span(writers), *function.tail.source_names());
  duckdb_data_chunk_set_size(chunk, cursor.rows.size());
}

base::Status register_function(DuckConnection& connection, const Tail& tail, Table table, Scan scan_kind) {
  const auto& spec = spec_of(table);
  const std::string name =
      fmt::format("{}_{}_{}", scan_kind == Scan::tail ? "tail" : "sorted", spec.name_space, spec.name);
  auto function = duckdb_create_table_function();
  if (scan_kind == Scan::tail) {
    auto type = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_add_parameter(function, type);
    duckdb_destroy_logical_type(&type);
  }
  auto extra = std::make_unique<Function>(Function{tail, table, scan_kind});
  duckdb_table_function_set_extra_info(function, extra.release(), duck_delete<Function>);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, scan);
  duckdb_table_function_supports_projection_pushdown(function, true);
  return connection.add(function, name);
}

}  // namespace

base::Status Tail::register_functions(DuckConnection& connection) {
  for (const Table table : kTables) {
    TRY(register_function(connection, *this, table, Scan::tail));
  }
  return register_function(connection, *this, Table::funnel, Scan::sorted);
}

}  // namespace millrace::lake
