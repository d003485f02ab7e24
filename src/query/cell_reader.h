#pragma once

#include <duckdb.h>

#include <string>

#include "base/result.h"
#include "query/sql_result.h"

namespace millrace::query {

// The value at `row` of a vector of a DuckDB result. invalid_argument when its type has no form here.
base::Result<SqlCell> read_cell(duckdb_vector vector, idx_t row);

// "DECIMAL(18,6)", "VARCHAR[]".
std::string type_name(duckdb_logical_type type);

}  // namespace millrace::query
