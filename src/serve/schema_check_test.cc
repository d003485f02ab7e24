#include "serve/schema_check.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/iso_time.h"

namespace millrace::serve {

namespace {

bool has_type(std::string_view type, simdjson::dom::element value) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  return false;
}

std::string type_problem(simdjson::dom::element type, simdjson::dom::element value,
                         const std::string& where) {
  if (type.is_string() && has_type(std::string_view(type), value)) return {};
  if (type.is_array()) {
    for (const auto one : simdjson::dom::array(type)) {
      if (has_type(std::string_view(one), value)) return {};
    }
  }
  return where + ": not of type " + simdjson::to_string(type) + ": " + simdjson::to_string(value);
}

}  // namespace

std::string SchemaCheck::problem(simdjson::dom::element schema, simdjson::dom::element value,
                                 const std::string& where) const {
  simdjson::dom::object object = schema;
  std::string_view reference;
  if (object["$ref"].get(reference) == simdjson::SUCCESS) {
    simdjson::dom::element target;
    if (document_.at_pointer(reference.substr(1)).get(target) != simdjson::SUCCESS)
      return where + ": dangling reference";
    return problem(target, value, where);
  }
  simdjson::dom::array choices;
  if (object["anyOf"].get(choices) == simdjson::SUCCESS) {
    std::string reasons;
    for (const auto choice : choices) {
      const std::string reason = problem(choice, value, where);
      if (reason.empty()) return {};
      reasons += reason + "; ";
    }
    return reasons;
  }
  simdjson::dom::element type;
  if (object["type"].get(type) == simdjson::SUCCESS) {
    if (auto reason = type_problem(type, value, where); !reason.empty()) return reason;
  }
  simdjson::dom::array names;
  if (object["enum"].get(names) == simdjson::SUCCESS && value.is_string()) {
    const auto same = [&](simdjson::dom::element name) {
      return std::string_view(name) == std::string_view(value);
    };
    if (std::none_of(names.begin(), names.end(), same))
      return where + ": not one of the enum: " + simdjson::to_string(value);
  }
  std::string_view format;
  if (object["format"].get(format) == simdjson::SUCCESS && value.is_string() && format == "date-time") {
    if (!base::parse_iso_time(std::string_view(value)).ok()) return where + ": not a time";
  }
  double bound;
  if (object["minimum"].get(bound) == simdjson::SUCCESS && double(value) < bound)
    return where + ": below the minimum";
  if (object["maximum"].get(bound) == simdjson::SUCCESS && double(value) > bound)
    return where + ": above the maximum";
  if (value.is_object()) return object_problem(object, value, where);
  if (value.is_array()) return array_problem(object, value, where);
  return {};
}

std::string SchemaCheck::object_problem(simdjson::dom::object schema, simdjson::dom::element value,
                                        const std::string& where) const {
  simdjson::dom::array required;
  if (schema["required"].get(required) == simdjson::SUCCESS) {
    for (const auto name : required) {
      if (value[std::string_view(name)].error() != simdjson::SUCCESS) {
        return where + ": lacks " + std::string(std::string_view(name));
      }
    }
  }
  for (const auto& [name, member] : simdjson::dom::object(value)) {
    const std::string place = where + "/" + std::string(name);
    simdjson::dom::element member_schema;
    if (schema["properties"][name].get(member_schema) == simdjson::SUCCESS) {
      if (auto reason = problem(member_schema, member, place); !reason.empty()) return reason;
      continue;
    }
    simdjson::dom::element more;
    if (schema["additionalProperties"].get(more) != simdjson::SUCCESS) continue;
    if (more.is_bool()) {
      if (!bool(more)) return place + ": not in the description";
    } else if (auto reason = problem(more, member, place); !reason.empty()) {
      return reason;
    }
  }
  return {};
}

std::string SchemaCheck::array_problem(simdjson::dom::object schema, simdjson::dom::element value,
                                       const std::string& where) const {
  const simdjson::dom::array entries = value;
  std::uint64_t bound;
  if (schema["minItems"].get(bound) == simdjson::SUCCESS && entries.size() < bound)
    return where + ": too few";
  if (schema["maxItems"].get(bound) == simdjson::SUCCESS && entries.size() > bound)
    return where + ": too many";
  simdjson::dom::element items;
  if (schema["items"].get(items) != simdjson::SUCCESS) return {};
  std::size_t index = 0;
  for (const auto entry : entries) {
    if (auto reason = problem(items, entry, where + "/" + std::to_string(index++)); !reason.empty())
      return reason;
  }
  return {};
}

TEST_CASE("the schema check finds what does not fit") {
  simdjson::dom::parser parser;
  const auto schema = R"({"type":"object","required":["a"],"additionalProperties":false,"properties":{
      "a":{"type":"integer","minimum":1},"b":{"type":["string","null"],"enum":["x","y"]},
      "c":{"type":"array","items":{"anyOf":[{"type":"boolean"},{"type":"null"}]},"maxItems":2},
      "d":{"type":"string","format":"date-time"}}})"_padded;
  const simdjson::dom::element document = parser.parse(schema);
  const auto problem = [&](std::string_view json) {
    simdjson::dom::parser value_parser;
    return SchemaCheck(document).problem(document, value_parser.parse(simdjson::padded_string(json)), "");
  };
  CHECK_EQ(problem(R"({"a":1,"b":"x","c":[true,null],"d":"2026-11-21T10:00:00.000Z"})"), "");
  CHECK_EQ(problem(R"({"a":1,"b":null})"), "");
  for (const char* wrong :
       {"{}", "[]", R"({"a":0})", R"({"a":1.5})", R"({"a":1,"e":1})", R"({"a":1,"b":"z"})",
        R"({"a":1,"c":[1]})", R"({"a":1,"c":[true,true,true]})", R"({"a":1,"d":"today"})"}) {
    CHECK_NE(problem(wrong), "");
  }
}

}  // namespace millrace::serve
