#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace millrace::serve {

// For tests: checks values against the JSON schemas of an OpenAPI document. Knows the keywords that ours
// uses: $ref, anyOf, type, enum, properties, required, additionalProperties, items, minItems, maxItems,
// minimum, maximum, format date-time.
class SchemaCheck {
 public:
  explicit SchemaCheck(simdjson::dom::element document) : document_(document) {}
  // Empty when the value fits; otherwise where it does not, and why.
  std::string problem(simdjson::dom::element schema, simdjson::dom::element value,
                      const std::string& where) const;

 private:
  std::string object_problem(simdjson::dom::object schema, simdjson::dom::element value,
                             const std::string& where) const;
  std::string array_problem(simdjson::dom::object schema, simdjson::dom::element value,
                            const std::string& where) const;
  simdjson::dom::element document_;
};

}  // namespace millrace::serve
