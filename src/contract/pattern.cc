#include "contract/pattern.h"

#include <re2/re2.h>

#include <charconv>
#include <cstdio>
#include <utility>

namespace millrace::contract {

namespace {

constexpr std::int64_t kProgramBytesMax = 1 << 20;
// ECMA-262's WhiteSpace and LineTerminator; RE2's own \s is narrower.
constexpr std::string_view kBlanks = R"(\t\n\v\f\r \x{a0}\x{feff}\p{Z})";

base::Error refused(std::string message) {
  return base::Error(base::ErrorCode::invalid_argument, std::move(message));
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Translation {
 public:
  explicit Translation(std::string_view from) : from_(from) {}

  base::Result<std::string> run() {
    while (at_ < from_.size()) {
      const char c = from_[at_++];
      if (c == '\\') {
        TRY(escape());
      } else if (in_class_) {
        if (c == ']') in_class_ = false;
        if (c == '[') out_ += '\\';  // RE2 would read [: as a POSIX class.
        out_ += c;
      } else if (c == '[') {
        TRY(open_class());
      } else if (c == '.') {
        out_ += R"([^\n\r\x{2028}\x{2029}])";
      } else if (c == '(' && from_.substr(at_).starts_with("?")) {
        TRY(group());
      } else {
        out_ += c;
      }
    }
    return std::move(out_);
  }

 private:
  base::Status open_class() {
    in_class_ = true;
    out_ += '[';
    if (at_ < from_.size() && from_[at_] == '^') {
      ++at_;
      out_ += '^';
    }
    if (at_ < from_.size() && from_[at_] == ']') return refused("an empty character class");
    return base::Ok{};
  }

  base::Status group() {
    const std::string_view rest = from_.substr(at_);
    if (rest.starts_with("?:")) {
      out_ += "(?:";
      at_ += 2;
      return base::Ok{};
    }
    if (rest.starts_with("?<") && !rest.starts_with("?<=") && !rest.starts_with("?<!")) {
      out_ += "(?P<";
      at_ += 2;
      return base::Ok{};
    }
    return refused("look-around or inline flags");
  }

  base::Status escape() {
    if (at_ == from_.size()) return refused("a backslash at the end");
    const char c = from_[at_++];
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 't':
      case 'n':
      case 'v':
      case 'f':
      case 'r': return keep(c);
      case 'b':
      case 'B':
        if (in_class_ && c == 'B') return refused("\\B in a character class");
        if (!in_class_) return keep(c);
        out_ += R"(\x08)";
        return base::Ok{};
      case 's': return in_class_ ? append(kBlanks) : append("[" + std::string(kBlanks) + "]");
      case 'S':
        if (in_class_) return refused("\\S in a character class");
        return append("[^" + std::string(kBlanks) + "]");
      case 'x': return code_point(2);
      case 'u': return code_point(4);
      case 'c': return control();
      case 'p':
      case 'P': return property(c);
      case '0': return append(R"(\x00)");
      default: break;
    }
    if (is_letter_or_digit(c)) return refused(std::string("the escape \\") + c);
    return keep(c);
  }

  base::Status keep(char c) {
    out_ += '\\';
    out_ += c;
    return base::Ok{};
  }
  base::Status append(std::string_view text) {
    out_ += text;
    return base::Ok{};
  }

  // \xHH, \uHHHH, \u{H...}, and pairs of surrogates.
  base::Status code_point(std::size_t digits) {
    std::uint32_t code = 0;
    if (digits == 4 && at_ < from_.size() && from_[at_] == '{') {
      const auto close = from_.find('}', at_);
      if (close == std::string_view::npos || !hex(from_.substr(at_ + 1, close - at_ - 1), code))
        return refused("an escape without hexadecimal digits");
      at_ = close + 1;
    } else {
      if (!hex(from_.substr(at_, digits), code) || from_.size() - at_ < digits)
        return refused("an escape without hexadecimal digits");
      at_ += digits;
    }
    std::uint32_t low = 0;
    if (code >= 0xd800 && code < 0xdc00 && from_.substr(at_).starts_with("\\u") &&
        hex(from_.substr(at_ + 2, 4), low) && low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at_ += 6;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return refused("an escape of no character");
    char buffer[16];
    std::snprintf(buffer, sizeof(buffer), "\\x{%x}", code);
    return append(buffer);
  }

  static bool hex(std::string_view text, std::uint32_t& code) {
    code = 0;
    for (const char c : text) {
      int digit = -1;
      if (c >= '0' && c <= '9') digit = c - '0';
      if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
      if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
      if (digit < 0 || code > 0x10ffff) return false;
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    return !text.empty();
  }

  base::Status control() {
    if (at_ == from_.size() || !is_letter_or_digit(from_[at_]) || from_[at_] <= '9')
      return refused("\\c without a letter");
    char buffer[8];
    std::snprintf(buffer, sizeof(buffer), "\\x%02x", static_cast<unsigned>(from_[at_++]) & 31u);
    return append(buffer);
  }

  // ECMA-262 names general categories in full too.
  base::Status property(char kind) {
    const auto close = from_.find('}', at_);
    if (at_ >= from_.size() || from_[at_] != '{' || close == std::string_view::npos)
      return refused("a property without braces");
    std::string_view name = from_.substr(at_ + 1, close - at_ - 1);
    for (const std::string_view prefix : {"Script=", "sc=", "General_Category=", "gc="}) {
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    }
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {{"Letter", "L"},
                                                                               {"Lowercase_Letter", "Ll"},
                                                                               {"Uppercase_Letter", "Lu"},
                                                                               {"Number", "N"},
                                                                               {"digit", "Nd"},
                                                                               {"Decimal_Number", "Nd"},
                                                                               {"Punctuation", "P"},
                                                                               {"Symbol", "S"},
                                                                               {"Separator", "Z"},
                                                                               {"Mark", "M"},
                                                                               {"Other", "C"},
                                                                               {"Space_Separator", "Zs"},
                                                                               {"Currency_Symbol", "Sc"}};
    for (const auto& [full, brief] : kNames) {
      if (name == full) name = brief;
    }
    at_ = close + 1;
    out_.append("\\").append(1, kind).append("{").append(name).append("}");
    return base::Ok{};
  }

  std::string_view from_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

Pattern::Pattern(std::unique_ptr<re2::RE2> program) : program_(std::move(program)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

base::Result<std::string> translate_pattern(std::string_view expression) {
  return Translation(expression).run();
}

base::Result<Pattern> Pattern::compile(std::string_view expression) {
  if (expression.size() > kBytesMax)
    return refused("an expression of more than " + std::to_string(kBytesMax) + " bytes");
  TRY_ASSIGN(const std::string translated, translate_pattern(expression));
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kProgramBytesMax);
  options.set_never_capture(true);
  auto program = std::make_unique<re2::RE2>(translated, options);
  if (!program->ok()) return refused(program->error());
  Pattern pattern(std::move(program));
  pattern.run_ = parse_run(expression);
  return pattern;
}

std::optional<Pattern::Run> Pattern::parse_run(std::string_view expression) {
  if (!expression.starts_with("^[") || !expression.ends_with('$')) return std::nullopt;
  expression = expression.substr(2, expression.size() - 3);
  Run run;
  std::size_t at = 0;
  const auto plain = [&](std::size_t i) {
    return i < expression.size() && (is_letter_or_digit(expression[i]) || expression[i] == '_' ||
                                     expression[i] == ' ' || expression[i] == '.' || expression[i] == ',');
  };
  while (plain(at)) {
    const char from = expression[at++];
    const bool range = at < expression.size() && expression[at] == '-' && plain(at + 1);
    const char to = range ? expression[at + 1] : from;
    if (range) at += 2;
    for (int c = from; c <= to; ++c) run.set.set(static_cast<std::size_t>(c));
  }
  if (at < expression.size() && expression[at] == '-') {
    run.set.set('-');
    ++at;
  }
  if (at >= expression.size() || expression[at] != ']') return std::nullopt;
  expression.remove_prefix(at + 1);
  run.min = run.max = 1;
  if (expression.empty()) return run;
  if (expression == "+" || expression == "*") {
    run.min = expression == "+" ? 1 : 0;
    run.max = SIZE_MAX;
    return run;
  }
  if (expression.front() != '{' || expression.back() != '}') return std::nullopt;
  expression = expression.substr(1, expression.size() - 2);
  const auto comma = expression.find(',');
  const auto count = [](std::string_view digits, std::size_t& value) {
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return read.ec == std::errc() && read.ptr == digits.data() + digits.size();
  };
  if (!count(expression.substr(0, comma), run.min)) return std::nullopt;
  run.max = run.min;
  if (comma == std::string_view::npos) return run;
  const auto upper = expression.substr(comma + 1);
  if (upper.empty()) {
    run.max = SIZE_MAX;
  } else if (!count(upper, run.max)) {
    return std::nullopt;
  }
  return run;
}

bool Pattern::matches(std::string_view text) const {
  if (run_) {
    if (text.size() < run_->min || text.size() > run_->max) return false;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte >= 128 || !run_->set[byte]) return false;
    }
    return true;
  }
  return program_->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

}  // namespace millrace::contract
