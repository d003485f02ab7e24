#include "app/import_query.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>

#include "lake/duck.h"

namespace millrace::app {

namespace {

using collect::MappingSettings;
using collect::Target;

base::Error wrong(std::string message) { return {base::ErrorCode::invalid_argument, std::move(message)}; }

// An object of the item under construction: SQL expressions by key, in order of the keys.
struct Node {
  std::map<std::string, std::unique_ptr<Node>> members;
  std::string expression;  // Of a leaf.

  std::string sql() const {
    if (!expression.empty()) return expression;
    std::string text = "{";
    for (const auto& [key, member] : members) {
      if (text.size() > 1) text += ", ";
      text += lake::sql_quote(key) + ": " + member->sql();
    }
    return text + "}";
  }
};

void put(Node& root, std::string_view path, std::string expression) {
  Node* at = &root;
  while (true) {
    const std::size_t dot = path.find('.');
    auto& member = at->members[std::string(path.substr(0, dot))];
    if (member == nullptr) member = std::make_unique<Node>();
    at = member.get();
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  at->expression = std::move(expression);
}

// What a pointer such as "/a/b" leads to in a row. Rows of JSON are read as they are written: DuckDB's own reading guesses types, and what
// it takes for a UUID, a date or a fraction comes out as another text than went in.
class Row {
 public:
  static Row of_file(ImportFormat format) { return {"t", format == ImportFormat::json ? "t.json" : ""}; }
  // An element of an array in this one, by the name of the variable that holds it.
  Row element(const std::string& name) const { return {name, json_.empty() ? "" : name}; }

  base::Result<std::string> text(std::string_view pointer) const {
    if (json_.empty()) {
      TRY_ASSIGN(const auto column, value(pointer));
      return "CAST(" + column + " AS VARCHAR)";
    }
    TRY(check(pointer));
    return "(" + json_ + " ->> " + lake::sql_quote(pointer) + ")";
  }
  base::Result<std::string> array(std::string_view pointer) const {
    if (json_.empty()) return value(pointer);
    TRY(check(pointer));
    return "TRY_CAST(" + json_ + " -> " + lake::sql_quote(pointer) + " AS JSON[])";
  }

 private:
  Row(std::string columns, std::string json) : columns_(std::move(columns)), json_(std::move(json)) {}

  static base::Status check(std::string_view pointer) {
    if (pointer.size() >= 2 && pointer[0] == '/') return base::Ok{};
    return wrong(fmt::format("\"{}\" is no pointer to a column such as /order_id", pointer));
  }

  // t."a"."b" of "/a/b".
  base::Result<std::string> value(std::string_view pointer) const {
    TRY(check(pointer));
    std::string column = columns_;
    while (!pointer.empty()) {
      pointer.remove_prefix(1);
      const std::size_t end = std::min(pointer.find('/'), pointer.size());
      column += "." + lake::sql_identifier(pointer.substr(0, end));
      pointer.remove_prefix(end);
    }
    return column;
  }

  std::string columns_;
  std::string json_;  // Empty: the row has columns.
};

// Where an item of Segment's has the value that becomes this.
base::Result<std::string_view> segment_path(const Target& target) {
  for (const collect::FieldRow& row : collect::field_rows()) {
    const bool same = row.target.kind == target.kind && row.target.index == target.index;
    const bool inside = row.path.find("[]") != std::string_view::npos;
    if (same && !inside && (row.scope == collect::Scope::any || row.scope == collect::Scope::track)) {
      return row.path;
    }
  }
  return wrong("nothing but a page's address gives " + to_string(target));
}

std::string event_expression(const MappingSettings& mapping, const std::string& column) {
  if (mapping.event.empty()) {
    return lake::sql_quote(mapping.events.empty() ? "other" : mapping.events.front().second);
  }
  std::string text = "CASE " + column;
  for (const auto& [theirs, canonical] : mapping.events) {
    text += " WHEN " + lake::sql_quote(theirs) + " THEN " + lake::sql_quote(canonical);
  }
  return mapping.events.empty() ? column : text + " ELSE " + column + " END";
}

base::Result<std::string> line_expression(const MappingSettings& mapping, const Row& row) {
  Node line;
  for (const auto& [field, pointer] : mapping.line_fields) {
    if (!collect::parse_line_target(field)) return wrong("lines: a line has no field \"" + field + "\"");
    TRY_ASSIGN(auto value, row.text(pointer));
    put(line, field, std::move(value));
  }
  return line.sql();
}

}  // namespace

base::Result<std::string> import_query(const MappingSettings& mapping, const ImportFile& file) {
  const Row row = Row::of_file(file.format);
  const bool grouped = !mapping.group.empty();
  const auto one_of = [grouped](std::string expression) {
    return grouped ? "any_value(" + expression + ")" : expression;
  };
  std::string event_column;
  if (!mapping.event.empty()) {
    TRY_ASSIGN(event_column, row.text(mapping.event));
  }
  const std::string event = one_of(event_expression(mapping, event_column));
  Node item;
  put(item, "type",
      "CASE " + event +
          " WHEN 'page_viewed' THEN 'page' WHEN 'screen_viewed' THEN 'screen' WHEN 'identified' THEN "
          "'identify' "
          "ELSE 'track' END");
  put(item, "event", event);
  std::string order, time = "CAST(NULL AS VARCHAR)";
  if (!mapping.time.empty()) {
    TRY_ASSIGN(const auto column, row.text(mapping.time));
    time = one_of(column);
    put(item, "timestamp", time);
    order = grouped ? " ORDER BY min(" + column + ")" : "";
  }
  for (const auto& [field, pointer] : mapping.fields) {
    const auto target = collect::parse_target(field);
    if (!target) return wrong("fields: there is no field \"" + field + "\"");
    TRY_ASSIGN(const auto item_path, segment_path(*target));
    TRY_ASSIGN(const auto column, row.text(pointer));
    put(item, item_path, one_of(column));
  }
  if (!mapping.line_fields.empty() && mapping.lines.empty()) {
    TRY_ASSIGN(const auto line, line_expression(mapping, row));
    put(item, "properties.products", grouped ? "list(" + line + ")" : "[" + line + "]");
  } else if (!mapping.line_fields.empty()) {
    if (grouped) return wrong("lines.array and group exclude each other");
    TRY_ASSIGN(const auto line, line_expression(mapping, row.element("x")));
    TRY_ASSIGN(const auto array, row.array(mapping.lines));
    put(item, "properties.products", "list_transform(" + array + ", lambda x: " + line + ")");
  }
  std::string query = "SELECT CAST(to_json(" + item.sql() + ") AS VARCHAR) AS item, " + time +
                      " AS item_time FROM " + import_source(file) + " AS t";
  if (file.format == ImportFormat::json) query += " WHERE t.json IS NOT NULL";
  if (grouped) {
    TRY_ASSIGN(const auto column, row.text(mapping.group));
    query += " GROUP BY " + column + order;
  }
  return query;
}

std::vector<MappingUse> mapping_uses(const MappingSettings& mapping) {
  using Kind = MappingUse::Kind;
  std::vector<MappingUse> uses;
  const auto add = [&uses](Kind kind, std::string name, const std::string& pointer) {
    if (!pointer.empty()) uses.push_back({kind, std::move(name), pointer});
  };
  add(Kind::value, "event", mapping.event);
  add(Kind::value, "time", mapping.time);
  add(Kind::value, "group", mapping.group);
  for (const auto& [field, pointer] : mapping.fields) add(Kind::value, "fields." + field, pointer);
  add(Kind::array, "lines.array", mapping.lines);
  const Kind inside = mapping.lines.empty() ? Kind::value : Kind::element;
  for (const auto& [field, pointer] : mapping.line_fields) add(inside, "lines." + field, pointer);
  return uses;
}

base::Result<std::string> probe_query(const MappingSettings& mapping, const MappingUse& use,
                                      const ImportFile& file) {
  const Row row = Row::of_file(file.format);
  std::string expression;
  if (use.kind == MappingUse::Kind::value) {
    TRY_ASSIGN(expression, row.text(use.pointer));
  } else {
    TRY_ASSIGN(const auto array, row.array(mapping.lines));
    std::string element = "1";
    if (use.kind == MappingUse::Kind::element) {
      TRY_ASSIGN(element, row.element("x").text(use.pointer));
    }
    expression = "list_transform(" + array + ", lambda x: " + element + ")";
  }
  return "SELECT " + expression + " FROM " + import_source(file) + " AS t LIMIT 0";
}

std::string import_doubts_query(const MappingSettings& mapping, const ImportFile& file) {
  std::set<std::string> pointers;
  for (const auto& use : mapping_uses(mapping)) {
    if (use.kind != MappingUse::Kind::element) pointers.insert(use.pointer);
  }
  std::string absent = "NULL";
  for (const auto& pointer : pointers) {
    const std::string text = lake::sql_quote(pointer);
    absent += ", CASE WHEN count(json -> " + text + ") = 0 THEN " + text + " END";
  }
  return fmt::format(
      "SELECT count(*) - count(json), nullif(CASE WHEN count(json) > 0 THEN concat_ws(', ', {}) END, '') "
      "FROM {}",
      absent, import_source(file));
}

std::string import_members_query(const ImportFile& file) {
  return "SELECT array_to_string(list_sort(list_distinct(flatten(list(json_keys(json)))))[1:40], ', ') FROM "
         "(SELECT json FROM " +
         import_source(file) + " WHERE json_type(json) = 'OBJECT' LIMIT 1000)";
}

}  // namespace millrace::app
