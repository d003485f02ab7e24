#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::contract {

enum class Keyword : std::uint8_t {
  schema_dialect,
  id,
  anchor,
  dynamic_anchor,
  ref,
  dynamic_ref,
  definitions,
  annotation,
  self,
  type,
  enumeration,
  constant,
  minimum,
  maximum,
  exclusive_minimum,
  exclusive_maximum,
  multiple_of,
  min_length,
  max_length,
  pattern,
  format,
  min_items,
  max_items,
  unique_items,
  prefix_items,
  items,
  contains,
  min_contains,
  max_contains,
  properties,
  pattern_properties,
  additional_properties,
  required,
  min_properties,
  max_properties,
  property_names,
  dependent_required,
  dependent_schemas,
  all_of,
  any_of,
  one_of,
  negation,
  if_schema,
  then_schema,
  else_schema,
  unevaluated_properties,
  unevaluated_items,
};

// What a keyword's value holds.
enum class KeywordShape : std::uint8_t { value, schema, schema_list, schema_map };

struct KeywordRow {
  std::string_view name;
  Keyword keyword;
  KeywordShape shape;
};

// Null for a keyword that is not supported: its schema is refused.
const KeywordRow* find_keyword(std::string_view name);

}  // namespace millrace::contract
