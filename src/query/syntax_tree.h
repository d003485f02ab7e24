#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::query {

// Reading of a statement's tree as DuckDB's json_serialize_sql() gives it. What is not there is empty.

std::string_view text_of(const simdjson::dom::element& object, std::string_view key);
// ASCII alone: names are compared so.
std::string lower(std::string_view text);
std::vector<simdjson::dom::element> arguments_of(const simdjson::dom::element& call);

// An expression's text, when it is a constant that is one.
std::string_view literal_text(const simdjson::dom::element& expression);
// A number as it is written, also with a cast or a sign around it. (A decimal comes without its point: too long, never too short.)
std::optional<double> literal_number(const simdjson::dom::element& expression);

}  // namespace millrace::query
