// Whatever is sent as SQL: what passes the guard reads, and leaves the database as it was; what does not parse is refused. Without DuckDB the
// guard gets whatever stands where a syntax tree should. The first bit chooses.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/duck.h"
#include "query/cell_reader.h"
#include "query/sql_guard.h"
#include "query/sql_result.h"

namespace {

using namespace millrace;

const std::vector<std::string>& tables() {
  static const std::vector<std::string> names = {"conformed.events", "information_schema.tables"};
  return names;
}

lake::DuckConnection& connection() {
  static const auto database = *lake::DuckDatabase::open({});
  static const auto made = *database->connect();
  return *made;
}

// The guard's own refusals are of statements; that a statement which it lets through is a SELECT to DuckDB too is the second wall.
void read_statement(const std::string& sql) {
  if (sql.find('\0') != std::string::npos) return;
  auto result = connection().query("SELECT json_serialize_sql(" + lake::sql_quote(sql) + ")");
  if (!result.ok()) return;
  const lake::DuckChunk chunk(result->next_chunk());
  if (!chunk) return;
  const auto tree = query::read_cell(duckdb_data_chunk_get_vector(chunk.get(), 0), 0);
  INVARIANT(tree.ok());
  if (!query::check_syntax_tree(tree->text, tables()).ok()) return;
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(connection().handle(), sql.c_str(), &statement) == DuckDBSuccess) {
    const auto type = duckdb_prepared_statement_type(statement);
    // DESCRIBE, SHOW and EXPLAIN have types of their own, and the engine refuses those.
    INVARIANT(type != DUCKDB_STATEMENT_TYPE_INSERT && type != DUCKDB_STATEMENT_TYPE_UPDATE &&
              type != DUCKDB_STATEMENT_TYPE_DELETE && type != DUCKDB_STATEMENT_TYPE_COPY &&
              type != DUCKDB_STATEMENT_TYPE_CREATE && type != DUCKDB_STATEMENT_TYPE_ATTACH &&
              type != DUCKDB_STATEMENT_TYPE_SET && type != DUCKDB_STATEMENT_TYPE_LOAD);
  }
  duckdb_destroy_prepare(&statement);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) {
    (void)query::check_syntax_tree(text, tables()).ok();
    (void)query::parse_json_result(text).ok();
    return 0;
  }
  read_statement(text);
  return 0;
}
