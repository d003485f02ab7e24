#include "query/side_table.h"

#include <fmt/format.h>

#include <utility>

namespace millrace::query {

namespace {

using Open = decltype(SideTable::open);

struct Cursor {
  std::unique_ptr<SideRows> rows;
  bool asked = true;  // False: only their number counts.
};

std::string fault_text(const base::Error& error) { return std::string(kSideFault) + error.message(); }

void bind(duckdb_bind_info info) {
  auto type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_bind_add_result_column(info, "json", type);
  duckdb_destroy_logical_type(&type);
}

void init(duckdb_init_info info) {
  const auto& open = *static_cast<const Open*>(duckdb_init_get_extra_info(info));
  auto rows = open();
  if (!rows.ok()) return duckdb_init_set_error(info, fault_text(rows.error()).c_str());
  auto cursor = std::make_unique<Cursor>();
  cursor->rows = *std::move(rows);
  cursor->asked = duckdb_init_get_column_count(info) > 0 && duckdb_init_get_column_index(info, 0) == 0;
  duckdb_init_set_max_threads(info, 1);
  duckdb_init_set_init_data(info, cursor.release(), lake::duck_delete<Cursor>);
}

void scan(duckdb_function_info info, duckdb_data_chunk chunk) {
  auto& cursor = *static_cast<Cursor*>(duckdb_function_get_init_data(info));
  const idx_t limit = duckdb_vector_size();
  idx_t count = 0;
  std::string json;
  for (; count < limit; ++count) {
    const auto more = cursor.rows->next(json);
    if (!more.ok()) return duckdb_function_set_error(info, fault_text(more.error()).c_str());
    if (!*more) break;
    if (!cursor.asked) continue;
    duckdb_vector_assign_string_element_len(duckdb_data_chunk_get_vector(chunk, 0), count, json.data(),
                                            json.size());
  }
  duckdb_data_chunk_set_size(chunk, count);
}

}  // namespace

base::Status add_side_table(lake::DuckConnection& connection, const SideTable& table) {
  const std::string rows = fmt::format("side_{}_{}", table.schema, table.name);
  auto function = duckdb_create_table_function();
  duckdb_table_function_set_extra_info(function, std::make_unique<Open>(table.open).release(),
                                       lake::duck_delete<Open>);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, scan);
  duckdb_table_function_supports_projection_pushdown(function, true);
  TRY(connection.add(function, rows));
  std::string columns;
  for (const auto& [name, type, member] : table.columns) {
    if (!columns.empty()) columns += ", ";
    columns += fmt::format("TRY_CAST(json ->> '$.{}' AS {}) AS {}", member, type, lake::sql_identifier(name));
  }
  const auto schema = lake::sql_identifier(table.schema);
  TRY(connection.execute(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", schema)));
  return connection.execute(fmt::format("CREATE VIEW {}.{} AS SELECT {} FROM {}()", schema,
                                        lake::sql_identifier(table.name), columns, rows));
}

}  // namespace millrace::query
