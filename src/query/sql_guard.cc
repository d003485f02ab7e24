#include "query/sql_guard.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "query/function_list.h"
#include "query/growth_check.h"
#include "query/syntax_tree.h"

namespace millrace::query {

namespace {

using simdjson::dom::element;

constexpr std::array<std::string_view, 8> kTableFunctions = {"range",     "generate_series",    "unnest",
                                                             "repeat",    "repeat_row",         "json_each",
                                                             "json_tree", "generate_subscripts"};

// Their second argument is a type, which nests as deeply as it is written; a type that is made of data has no bound.
constexpr std::array<std::string_view, 4> kTypedByText = {"from_json", "from_json_strict", "json_transform",
                                                          "json_transform_strict"};
constexpr std::size_t kTypeTextMax = 2000;

// Types that the parser does not know by itself. (A VARIANT is made by a function that calls itself for each nested value.)
constexpr std::array<std::string_view, 2> kNamedTypes = {"enum", "json"};

// Of lag() and lead(): with the lowest number there is, DuckDB 1.5 reads where nothing is.
constexpr double kRowsAheadMax = 1e9;

// The search path leads to DuckDB's own views, which tell of the catalog. A WITH of such a name would open it outside of the
// WITH as well.
constexpr std::array<std::string_view, 4> kCatalogNames = {"duckdb_", "pg_", "pragma_", "sqlite_"};

constexpr std::string_view kTakesAdmin = "not allowed: only the role admin may read ";

constexpr std::array<std::string_view, 4> kShown = {"tables", "__show_tables_expanded", "databases",
                                                    "schemas"};

// Of a statement's tree: the places from which rows come.
constexpr std::array<std::string_view, 8> kTableReferences = {
    "BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF"};

bool contains(const auto& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == ' ' || c == '-';
  });
}

class TreeCheck {
 public:
  TreeCheck(const std::vector<std::string>& tables, const std::vector<std::string>& closed)
      : tables_(tables.begin(), tables.end()), closed_(closed.begin(), closed.end()) {}

  base::Status run(const element& statement) {
    collect_names(statement);
    visit(statement);
    if (problem_.empty()) return base::Ok{};
    return base::Error(base::ErrorCode::invalid_argument, problem_);
  }

 private:
  template <class F>
  static void each_child(const element& node, F&& visit_child) {
    if (node.is_object()) {
      for (const auto field : simdjson::dom::object(node)) visit_child(field.value);
    } else if (node.is_array()) {
      for (const auto child : simdjson::dom::array(node)) visit_child(child);
    }
  }

  void forbid(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  void collect_names(const element& node) {
    simdjson::dom::array names;
    if (node.is_object() && node["cte_map"]["map"].get(names) == simdjson::SUCCESS) {
      for (const auto entry : names) {
        const auto name = text_of(entry, "key");
        if (!is_plain_name(name)) forbid(fmt::format("a WITH name must be a plain word, not \"{}\"", name));
        auto word = lower(name);
        if (std::any_of(kCatalogNames.begin(), kCatalogNames.end(),
                        [&](std::string_view taken) { return word.starts_with(taken); })) {
          forbid(fmt::format("\"{}\" is not allowed as a WITH name", name));
        }
        expressions_.insert(std::move(word));
      }
    }
    each_child(node, [this](const element& child) { collect_names(child); });
  }

  void visit(const element& node) {
    if (node.is_object()) {
      visit_object(node);
      element from;
      if (node["from_table"].get(from) == simdjson::SUCCESS && from.is_object() &&
          !contains(kTableReferences, text_of(from, "type"))) {
        forbid(fmt::format("rows from \"{}\" are not allowed", text_of(from, "type")));
      }
    }
    each_child(node, [this](const element& child) { visit(child); });
  }

  void visit_object(const element& node) {
    const auto type = text_of(node, "type");
    element ignored;
    // A table reference, not a constant that happens to spell like one.
    if (type == "BASE_TABLE" && node["table_name"].get(ignored) == simdjson::SUCCESS)
      return check_table(node);
    if (type == "TABLE_FUNCTION" && node["function"].get(ignored) == simdjson::SUCCESS) {
      const auto name = lower(text_of(ignored, "function_name"));
      if (!contains(kTableFunctions, name))
        forbid(fmt::format("the table function {}() is not allowed", name));
      return;
    }
    if (type == "SHOW_REF") return check_show(node);
    if (node["function_name"].get(ignored) == simdjson::SUCCESS) check_function(node);
    if (node["cast_type"].get(ignored) == simdjson::SUCCESS) check_type(ignored);
  }

  void check_function(const element& node) {
    const auto name = lower(text_of(node, "function_name"));
    if (!is_listed_function(name))
      return forbid(fmt::format("the function {}() is not allowed, or there is none", name));
    if (contains(kTypedByText, name)) {
      const auto arguments = arguments_of(node);
      const auto type = arguments.size() < 2 ? std::string_view() : literal_text(arguments[1]);
      if (type.empty() || type.size() > kTypeTextMax)
        forbid(fmt::format("{}() is only allowed with a written type of at most {} characters", name,
                           kTypeTextMax));
    }
    element rows;
    if (node["offset_expr"].get(rows) != simdjson::SUCCESS || rows.is_null()) return;
    const auto number = literal_number(rows);
    if (!number || std::abs(*number) > kRowsAheadMax)
      forbid(fmt::format("{}() is only allowed with a written number of rows, at most {:.0f}", name,
                         kRowsAheadMax));
  }

  void check_type(const element& node) {
    if (node.is_object()) {
      const auto id = text_of(node, "id");
      const auto name = lower(text_of(node, "name"));
      if (id == "VARIANT") forbid("the type VARIANT is not allowed");
      if (text_of(node, "type") == "UNBOUND_TYPE_INFO" && !contains(kNamedTypes, name))
        forbid(fmt::format("the type {} is not allowed, or there is none", name));
    }
    each_child(node, [this](const element& child) { check_type(child); });
  }

  void check_table(const element& node) {
    const auto schema = lower(text_of(node, "schema_name"));
    const auto name = lower(text_of(node, "table_name"));
    const auto catalog = lower(text_of(node, "catalog_name"));
    if (schema.empty() && catalog.empty() && expressions_.contains(name)) return;
    const auto qualified = schema + "." + name;
    const bool ours = catalog.empty() || catalog == "memory";
    if (ours && tables_.contains(qualified)) return;
    if (ours && closed_.contains(qualified)) return forbid(fmt::format("{}{}", kTakesAdmin, qualified));
    forbid(fmt::format("there is no table \"{}\"; the tables are {}", schema.empty() ? name : qualified,
                       table_list()));
  }

  void check_show(const element& node) {
    element query;
    if (node["query"].get(query) == simdjson::SUCCESS && query.is_object()) return;
    auto name = lower(text_of(node, "table_name"));
    std::erase(name, '"');
    if (!contains(kShown, name)) forbid(fmt::format("SHOW {} is not allowed", name));
  }

  std::string table_list() const {
    std::string out;
    for (const auto& table : tables_) {
      if (!table.starts_with("information_schema")) out += (out.empty() ? "" : ", ") + table;
    }
    return out;
  }

  std::set<std::string> tables_;
  std::set<std::string> closed_;
  std::set<std::string> expressions_;
  std::string problem_;
};

base::Error refused(std::string message) {
  return base::Error(base::ErrorCode::invalid_argument, std::move(message));
}

}  // namespace

bool takes_admin(const base::Error& error) { return error.message().starts_with(kTakesAdmin); }

base::Status check_syntax_tree(std::string_view tree_json, const std::vector<std::string>& tables,
                               const std::vector<std::string>& closed) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(simdjson::padded_string(tree_json)).get(root) != simdjson::SUCCESS) {
    return refused("syntax: the statement is nested too deeply");
  }
  bool failed = true;
  if (root["error"].get(failed) != simdjson::SUCCESS || failed) {
    const auto message = text_of(root, "error_message");
    if (text_of(root, "error_type") == "parser" || text_of(root, "error_type") == "syntax") {
      return refused(fmt::format("syntax: {}", message));
    }
    return refused("only SELECT statements are allowed");
  }
  simdjson::dom::array statements;
  const bool listed = root["statements"].get(statements) == simdjson::SUCCESS;
  if (!listed || statements.size() != 1) {
    return refused(!listed || statements.size() == 0 ? "syntax: there is no statement"
                                                     : "only one statement at a time is allowed");
  }
  TRY(TreeCheck(tables, closed).run(statements.at(0).value()));
  if (auto problem = growth_problem(statements.at(0).value())) return refused(*std::move(problem));
  return base::Ok{};
}

}  // namespace millrace::query
