#include "query/growth_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "query/syntax_tree.h"

namespace millrace::query {

namespace {

using simdjson::dom::element;

constexpr double kLengthMax = 100'000;    // Of one value: characters or entries. A chunk has 2,048 of them.
constexpr double kColumnLength = 100;     // What a column's text counts for when it is repeated.
constexpr std::size_t kLiteralUnit = 64;  // Characters of a literal that count for one.
constexpr std::size_t kFormatDigits = 4;  // Of a width in a format.

struct Growing {
  std::string_view name;
  std::size_t count_at;  // Which argument says how long.
};
constexpr std::array<Growing, 6> kGrowing = {
    {{"repeat", 1}, {"lpad", 1}, {"rpad", 1}, {"list_resize", 1}, {"array_resize", 1}, {"bar", 3}}};

constexpr std::array<std::string_view, 5> kJoining = {"concat", "concat_ws", "list_value", "struct_pack",
                                                      "row"};

// A number that the expression does not exceed: a literal, or least(..., literal, ...).
std::optional<double> upper_bound_of(const element& expression) {
  if (const auto value = literal_number(expression)) return value;
  if (element inner;
      text_of(expression, "class") == "CAST" && expression["child"].get(inner) == simdjson::SUCCESS)
    return upper_bound_of(inner);
  if (lower(text_of(expression, "function_name")) != "least") return std::nullopt;
  std::optional<double> least;
  for (const auto& argument : arguments_of(expression)) {
    const auto value = literal_number(argument);
    if (value && (!least || *value < *least)) least = value;
  }
  return least;
}

class GrowthCheck {
 public:
  std::optional<std::string> run(const element& statement) {
    length_of(statement);
    if (problem_.empty()) return std::nullopt;
    return problem_;
  }

 private:
  void forbid(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }

  double checked(double length) {
    if (length > kLengthMax) {
      forbid(fmt::format("values may have {:.0f} characters or entries: such a long answer is not allowed",
                         kLengthMax));
    }
    return length;
  }

  // How long a value may get, in units of what it is made of.
  double length_of(const element& node) {
    if (node.is_array()) return joined(node);
    if (!node.is_object()) return 1;
    element inner;
    if (text_of(node, "class") == "CONSTANT")
      return std::max(1.0, static_cast<double>(literal_text(node).size() / kLiteralUnit));
    if (text_of(node, "type") == "TABLE_FUNCTION") {
      if (node["function"].get(inner) == simdjson::SUCCESS) {
        for (const auto& argument : arguments_of(inner)) length_of(argument);
      }
      return 1;
    }
    const auto name = lower(text_of(node, "function_name"));
    bool is_operator = false;
    if (name.empty() || (node["is_operator"].get(is_operator) == simdjson::SUCCESS && is_operator) ||
        std::find(kJoining.begin(), kJoining.end(), name) != kJoining.end()) {
      return joined(node);
    }
    return checked(call_length(node, name));
  }

  double joined(const element& node) {
    double sum = 0;
    const auto add = [&](const element& child) {
      if (const double length = length_of(child); length > 1) sum += length;
    };
    if (node.is_array()) {
      for (const auto child : simdjson::dom::array(node)) add(child);
    } else {
      for (const auto field : simdjson::dom::object(node)) add(field.value);
    }
    return std::max(1.0, sum);
  }

  double call_length(const element& call, const std::string& name) {
    const auto arguments = arguments_of(call);
    double product = 1;
    for (const auto& argument : arguments) product *= length_of(argument);
    if (name == "range" || name == "generate_series") return series_length(name, arguments);
    if (name == "format" || name == "printf") return format_length(name, arguments, product);
    const auto growing =
        std::find_if(kGrowing.begin(), kGrowing.end(), [&](const Growing& g) { return g.name == name; });
    if (growing == kGrowing.end() || arguments.size() <= growing->count_at) return product;
    const auto count = upper_bound_of(arguments[growing->count_at]);
    if (!count) {
      forbid(
          fmt::format("{}() is only allowed with a length written as a number, or least(..., NUMBER)", name));
      return 1;
    }
    if (name != "repeat") return std::max(*count, 1.0);
    const bool constant = text_of(arguments[0], "class") == "CONSTANT";
    return std::max(*count, 1.0) * (constant ? product : std::max(product, kColumnLength));
  }

  double series_length(const std::string& name, const std::vector<element>& arguments) {
    std::vector<double> numbers;
    for (const auto& argument : arguments) {
      const auto number = literal_number(argument);
      if (!number) {
        forbid(fmt::format("{0}() as a list is only allowed between numbers; FROM {0}(...) takes anything",
                           name));
        return 1;
      }
      numbers.push_back(*number);
    }
    if (numbers.empty()) return 1;
    const double from = numbers.size() > 1 ? numbers[0] : 0;
    const double to = numbers.size() > 1 ? numbers[1] : numbers[0];
    const double step = numbers.size() > 2 && numbers[2] != 0 ? std::abs(numbers[2]) : 1;
    return std::abs(to - from) / step + (name == "range" ? 0 : 1);
  }

  double format_length(const std::string& name, const std::vector<element>& arguments, double product) {
    const auto text = arguments.empty() ? std::string_view() : literal_text(arguments[0]);
    std::size_t digits = 0;
    bool plain = !text.empty();
    for (std::size_t i = 0; i < text.size() && plain; ++i) {
      digits = std::isdigit(static_cast<unsigned char>(text[i])) != 0 ? digits + 1 : 0;
      plain = digits <= kFormatDigits && text[i] != '*' && text.substr(i, 2) != ":{";
    }
    if (!plain)
      forbid(fmt::format("{}() is only allowed with a written format, and widths of at most {} digits", name,
                         kFormatDigits));
    return product;
  }

  std::string problem_;
};

}  // namespace

std::optional<std::string> growth_problem(const element& statement) { return GrowthCheck().run(statement); }

}  // namespace millrace::query
