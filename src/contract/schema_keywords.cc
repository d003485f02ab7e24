#include "contract/schema_keywords.h"

namespace millrace::contract {

namespace {

using enum KeywordShape;

constexpr KeywordRow kRows[] = {
    {"$schema", Keyword::schema_dialect, value},
    {"$id", Keyword::id, value},
    {"$anchor", Keyword::anchor, value},
    {"$dynamicAnchor", Keyword::dynamic_anchor, value},
    {"$ref", Keyword::ref, value},
    {"$dynamicRef", Keyword::dynamic_ref, value},
    {"$defs", Keyword::definitions, schema_map},
    {"definitions", Keyword::definitions, schema_map},
    // These say something to people and assert nothing.
    {"$comment", Keyword::annotation, value},
    {"title", Keyword::annotation, value},
    {"description", Keyword::annotation, value},
    {"default", Keyword::annotation, value},
    {"examples", Keyword::annotation, value},
    {"deprecated", Keyword::annotation, value},
    {"readOnly", Keyword::annotation, value},
    {"writeOnly", Keyword::annotation, value},
    {"self", Keyword::self, value},  // Iglu: who the schema is.
    {"type", Keyword::type, value},
    {"enum", Keyword::enumeration, value},
    {"const", Keyword::constant, value},
    {"minimum", Keyword::minimum, value},
    {"maximum", Keyword::maximum, value},
    {"exclusiveMinimum", Keyword::exclusive_minimum, value},
    {"exclusiveMaximum", Keyword::exclusive_maximum, value},
    {"multipleOf", Keyword::multiple_of, value},
    {"minLength", Keyword::min_length, value},
    {"maxLength", Keyword::max_length, value},
    {"pattern", Keyword::pattern, value},
    {"format", Keyword::format, value},
    {"minItems", Keyword::min_items, value},
    {"maxItems", Keyword::max_items, value},
    {"uniqueItems", Keyword::unique_items, value},
    {"prefixItems", Keyword::prefix_items, schema_list},
    {"items", Keyword::items, schema},
    {"contains", Keyword::contains, schema},
    {"minContains", Keyword::min_contains, value},
    {"maxContains", Keyword::max_contains, value},
    {"properties", Keyword::properties, schema_map},
    {"patternProperties", Keyword::pattern_properties, schema_map},
    {"additionalProperties", Keyword::additional_properties, schema},
    {"required", Keyword::required, value},
    {"minProperties", Keyword::min_properties, value},
    {"maxProperties", Keyword::max_properties, value},
    {"propertyNames", Keyword::property_names, schema},
    {"dependentRequired", Keyword::dependent_required, value},
    {"dependentSchemas", Keyword::dependent_schemas, schema_map},
    {"allOf", Keyword::all_of, schema_list},
    {"anyOf", Keyword::any_of, schema_list},
    {"oneOf", Keyword::one_of, schema_list},
    {"not", Keyword::negation, schema},
    {"if", Keyword::if_schema, schema},
    {"then", Keyword::then_schema, schema},
    {"else", Keyword::else_schema, schema},
    {"unevaluatedProperties", Keyword::unevaluated_properties, schema},
    {"unevaluatedItems", Keyword::unevaluated_items, schema},
};

}  // namespace

const KeywordRow* find_keyword(std::string_view name) {
  for (const KeywordRow& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace millrace::contract
