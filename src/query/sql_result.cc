#include "query/sql_result.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "lake/json_text.h"

namespace millrace::query {

namespace {

using Kind = SqlCell::Kind;

void append_cell_json(std::string& out, const SqlCell& cell) {
  if (cell.kind == Kind::null) {
    out += "null";
  } else if (cell.kind == Kind::text) {
    lake::append_json_string(out, cell.text);
  } else {
    out += cell.text;
  }
}

void append_cell_csv(std::string& out, const SqlCell& cell) {
  if (cell.kind == Kind::null) return;
  if (!cell.text.empty() && cell.text.find_first_of(",\"\r\n") == std::string::npos) {
    out += cell.text;
    return;
  }
  out += '"';
  for (const char c : cell.text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// Columns a terminal needs for UTF-8 text, taking every code point for one.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string shown_text(const SqlCell& cell, std::size_t width_max) {
  if (cell.kind == Kind::null) return "NULL";
  std::string out;
  std::size_t width = 0;
  for (std::size_t i = 0; i < cell.text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(cell.text[i]);
    if ((byte & 0xc0) != 0x80 && ++width > width_max) return out + "…";
    out += byte < 0x20 || byte == 0x7f ? ' ' : cell.text[i];
  }
  return out;
}

void append_padded(std::string& out, std::string_view text, std::size_t width, bool right) {
  const std::size_t padding = width - std::min(width, width_of(text));
  if (right) out.append(padding, ' ');
  out += text;
  if (!right) out.append(padding, ' ');
}

base::Error not_a_result(std::string_view what) {
  return base::Error(base::ErrorCode::corrupt, fmt::format("not a SQL result: {}", what));
}

base::Result<SqlCell> parse_cell(const simdjson::dom::element& value) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::NULL_VALUE: return SqlCell{};
    case element_type::STRING: return SqlCell{Kind::text, std::string(std::string_view(value))};
    case element_type::BOOL: return SqlCell{Kind::boolean, simdjson::minify(value)};
    case element_type::INT64:
    case element_type::UINT64: return SqlCell{Kind::number, simdjson::minify(value)};
    case element_type::DOUBLE: return SqlCell{Kind::number, fmt::format("{}", double(value))};
    default: return SqlCell{Kind::json, simdjson::minify(value)};
  }
}

}  // namespace

std::string to_json(const SqlResult& result) {
  std::string out = "{\"columns\":[";
  for (std::size_t i = 0; i < result.columns.size(); ++i) {
    out += i > 0 ? ",{\"name\":" : "{\"name\":";
    lake::append_json_string(out, result.columns[i].name);
    out += ",\"type\":";
    lake::append_json_string(out, result.columns[i].type);
    out += '}';
  }
  out += "],\"rows\":[";
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    out += i > 0 ? ",[" : "[";
    for (std::size_t j = 0; j < result.rows[i].size(); ++j) {
      if (j > 0) out += ',';
      append_cell_json(out, result.rows[i][j]);
    }
    out += ']';
  }
  out += fmt::format("],\"took_ms\":{},\"truncated\":{}}}", result.took_ms, result.truncated);
  return out;
}

base::Result<SqlResult> parse_json_result(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(simdjson::padded_string(json)).get(root) != simdjson::SUCCESS)
    return not_a_result("no JSON");
  simdjson::dom::array columns, rows;
  if (root["columns"].get(columns) != simdjson::SUCCESS || root["rows"].get(rows) != simdjson::SUCCESS) {
    return not_a_result("no columns or no rows");
  }
  SqlResult out;
  for (const auto column : columns) {
    std::string_view name, type;
    if (column["name"].get(name) != simdjson::SUCCESS || column["type"].get(type) != simdjson::SUCCESS) {
      return not_a_result("a column without name or type");
    }
    out.columns.push_back({std::string(name), std::string(type)});
  }
  for (const auto row : rows) {
    simdjson::dom::array values;
    if (row.get(values) != simdjson::SUCCESS || values.size() != out.columns.size())
      return not_a_result("a row");
    auto& cells = out.rows.emplace_back();
    for (const auto value : values) {
      TRY_ASSIGN(auto cell, parse_cell(value));
      cells.push_back(std::move(cell));
    }
  }
  bool truncated = false;
  if (root["truncated"].get(truncated) == simdjson::SUCCESS) out.truncated = truncated;
  std::int64_t took_ms = 0;
  if (root["took_ms"].get(took_ms) == simdjson::SUCCESS) out.took_ms = took_ms;
  return out;
}

std::string to_csv(const SqlResult& result) {
  std::string out;
  for (std::size_t i = 0; i < result.columns.size(); ++i) {
    if (i > 0) out += ',';
    append_cell_csv(out, {Kind::text, result.columns[i].name});
  }
  out += "\r\n";
  for (const auto& row : result.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ',';
      append_cell_csv(out, row[i]);
    }
    out += "\r\n";
  }
  return out;
}

std::string to_table(const SqlResult& result, std::size_t cell_width_max) {
  const std::size_t count = result.columns.size();
  std::vector<std::vector<std::string>> shown(1);
  for (const auto& column : result.columns)
    shown[0].push_back(shown_text({Kind::text, column.name}, cell_width_max));
  for (const auto& row : result.rows) {
    auto& texts = shown.emplace_back();
    for (const auto& cell : row) texts.push_back(shown_text(cell, cell_width_max));
  }
  std::vector<std::size_t> widths(count, 0);
  std::vector<bool> numeric(count, !result.rows.empty());
  for (std::size_t i = 0; i < count; ++i) {
    for (const auto& row : shown) widths[i] = std::max(widths[i], width_of(row[i]));
    for (const auto& row : result.rows) {
      if (row[i].kind != Kind::number && row[i].kind != Kind::null) numeric[i] = false;
    }
  }
  std::string out;
  for (std::size_t r = 0; r < shown.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < count; ++i) {
      line += i > 0 ? " │ " : " ";
      append_padded(line, shown[r][i], widths[i], numeric[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    if (r > 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out += "┼";
      for (std::size_t j = 0; j < widths[i] + 2; ++j) out += "─";
    }
    out += '\n';
  }
  out += fmt::format("({} row{}{})\n", result.rows.size(), result.rows.size() == 1 ? "" : "s",
                     result.truncated ? ", more were cut off" : "");
  return out;
}

}  // namespace millrace::query
