#include "query/syntax_tree.h"

#include <algorithm>
#include <cctype>

namespace millrace::query {

using simdjson::dom::element;

std::string_view text_of(const element& object, std::string_view key) {
  std::string_view value;
  if (object[key].get(value) != simdjson::SUCCESS) return {};
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c < 0x80 ? std::tolower(c) : c; });
  return out;
}

std::vector<element> arguments_of(const element& call) {
  std::vector<element> out;
  simdjson::dom::array list;
  if (call["children"].get(list) != simdjson::SUCCESS) return out;
  for (const auto argument : list) out.push_back(argument);
  return out;
}

std::string_view literal_text(const element& expression) {
  element value;
  if (text_of(expression, "class") != "CONSTANT" || expression["value"].get(value) != simdjson::SUCCESS)
    return {};
  return text_of(value, "value");
}

std::optional<double> literal_number(const element& expression) {
  element inner;
  if (text_of(expression, "class") == "CAST" && expression["child"].get(inner) == simdjson::SUCCESS)
    return literal_number(inner);
  if (text_of(expression, "function_name") == "-") {
    const auto arguments = arguments_of(expression);
    if (arguments.size() != 1) return std::nullopt;
    const auto value = literal_number(arguments[0]);
    return value ? std::optional(-*value) : std::nullopt;
  }
  double value = 0;
  if (text_of(expression, "class") != "CONSTANT" || expression["value"].get(inner) != simdjson::SUCCESS ||
      inner["value"].get(value) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return value;
}

}  // namespace millrace::query
