#include "contract/fault_text.h"

#include "contract/format_check.h"

namespace millrace::contract {

namespace {

constexpr std::size_t kShownBytesMax = 200;

std::string_view last_step(std::string_view location) {
  const auto slash = location.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : location.substr(slash + 1);
}

std::string type_names(std::uint32_t mask) {
  static constexpr std::pair<std::uint32_t, std::string_view> kNames[] = {
      {kind_bit(JsonKind::object), "an object"}, {kind_bit(JsonKind::array), "an array"},
      {kind_bit(JsonKind::string), "a string"},  {kind_bit(JsonKind::number), "a number"},
      {kIntegerBit, "a whole number"},           {kind_bit(JsonKind::boolean), "true or false"},
      {kind_bit(JsonKind::null), "null"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((mask & bit) == 0) continue;
    if (!text.empty()) text += " or ";
    text += name;
  }
  return text;
}

std::string_view name_of_kind(JsonKind kind) {
  static constexpr std::string_view kNames[] = {"an object", "an array",  "a string",
                                                "a number",  "a boolean", "null"};
  return kNames[static_cast<std::size_t>(kind)];
}

// The keyword's value as the schema writes it.
std::string schema_text(const Program& program, const Step& step) {
  std::string text;
  for (std::uint32_t i = 0; i < step.b && text.size() < kShownBytesMax; ++i) {
    if (i > 0) text += ", ";
    const Constant& each = program.constants[step.a + i];
    text += (*each.tape)[each.node].raw.substr(0, kShownBytesMax);
  }
  if (text.size() < kShownBytesMax) return text;
  text.resize(kShownBytesMax);
  text += "...";
  return text;
}

std::string number_text(const Program& program, const Step& step) {
  // Locations name the keyword, whose value is on the schema's tape.
  const std::string_view location = program.locations[step.keyword];
  if (!location.starts_with('/')) return "what its schema says";
  const JsonTape& tape = program.documents[0]->tape();
  const std::uint32_t node = node_at(tape, 0, location);
  return node == kNoNode ? "what its schema says" : std::string(tape[node].raw.substr(0, 64));
}

}  // namespace

std::string_view keyword_of(const Program& program, const Step& step) {
  switch (step.op) {
    case Op::dependent_required: return "dependentRequired";
    case Op::dependent_schema: return "dependentSchemas";
    default: return last_step(program.locations[step.keyword]);
  }
}

std::string sentence_for(const Program& program, const Step& step, const JsonTape& tape, std::uint32_t node) {
  const auto count = [&](std::string_view what, std::string_view unit) {
    return "There must be " + std::string(what) + " " + std::to_string(step.a) + " " + std::string(unit) +
           ".";
  };
  switch (step.op) {
    case Op::type:
      return "This must be " + type_names(step.a) + ", and is " + std::string(name_of_kind(tape[node].kind)) +
             ".";
    case Op::equals:
      return step.b == 1 ? "This must be " + schema_text(program, step) + "."
                         : "This must be one of " + schema_text(program, step) + ".";
    case Op::minimum: return "This must be at least " + number_text(program, step) + ".";
    case Op::maximum: return "This must be at most " + number_text(program, step) + ".";
    case Op::exclusive_minimum: return "This must be above " + number_text(program, step) + ".";
    case Op::exclusive_maximum: return "This must be below " + number_text(program, step) + ".";
    case Op::multiple_of: return "This must be a multiple of " + number_text(program, step) + ".";
    case Op::min_length: return count("at least", "characters");
    case Op::max_length: return count("at most", "characters");
    case Op::pattern: return "This text does not match the pattern " + number_text(program, step) + ".";
    case Op::format: return "This text is no " + std::string(to_string(static_cast<Format>(step.a))) + ".";
    case Op::min_items: return count("at least", "elements");
    case Op::max_items: return count("at most", "elements");
    case Op::unique_items: return "Two elements are equal.";
    case Op::contains: return "The number of elements that fit \"contains\" is not as wanted.";
    case Op::min_members: return count("at least", "members");
    case Op::max_members: return count("at most", "members");
    case Op::member_names: return "This member's name is not allowed.";
    case Op::dependent_required: return "A member that another one asks for is missing.";
    case Op::dependent_schema: return "A member is there that must not be.";
    case Op::any_of: return "None of the alternatives fits.";
    case Op::one_of: return "Not exactly one of the alternatives fits.";
    case Op::negate: return "This must not fit, and does.";
    case Op::unevaluated_members: return "No schema knows this member.";
    case Op::unevaluated_elements: return "No schema knows this element.";
    default: return "No value is allowed here.";
  }
}

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace millrace::contract
