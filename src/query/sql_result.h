#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::query {

struct SqlColumn {
  std::string name;
  std::string type;  // As DuckDB writes it: "BIGINT", "DECIMAL(18,6)".
};

// A value as JSON would have it. Text and numbers hold their plain form, json its JSON.
struct SqlCell {
  enum class Kind : std::uint8_t { null, boolean, number, text, json };
  Kind kind = Kind::null;
  std::string text;
};

struct SqlResult {
  std::vector<SqlColumn> columns;
  std::vector<std::vector<SqlCell>> rows;
  std::int64_t took_ms = 0;
  bool truncated = false;  // There was more than the limits let through.
};

// {"columns":[{"name","type"}],"rows":[[...]],"took_ms":3,"truncated":false}. Numbers that a double cannot hold exactly
// (integers beyond 2^53, decimals of more than 15 digits, NaN and infinities) are strings. Times are ISO 8601.
std::string to_json(const SqlResult& result);
// What to_json() wrote, or another server of the same interface.
base::Result<SqlResult> parse_json_result(std::string_view json);
// RFC 4180 with a header line; null is empty, empty text is "".
std::string to_csv(const SqlResult& result);
// Columns aligned for a terminal, numbers to the right, long text cut to `cell_width_max`; ends with the count of rows.
std::string to_table(const SqlResult& result, std::size_t cell_width_max = 60);

}  // namespace millrace::query
