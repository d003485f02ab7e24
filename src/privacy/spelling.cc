#include "privacy/spelling.h"

#include <cstdint>

#include "privacy/glyph.h"
#include "privacy/personal_forms.h"

namespace millrace::privacy {

namespace {

bool is_word(char c) { return is_digit(c) || is_letter(c); }
bool begins_escape(char c) { return c == '\\' || c == '%' || c == '&'; }

// The character as UTF-8, which ends at what is returned.
char* append_utf8(std::uint32_t code, char* out) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
    return out;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::uint32_t kLeads[] = {0, 0xc0, 0xe0, 0xf0};
  *out++ = static_cast<char>(kLeads[more] | code >> (6 * more));
  for (int i = more; i-- > 0;) *out++ = static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
  return out;
}

// Where the value that begins at `at` ends; `at` when another one stands there.
std::size_t spelling_end(std::string_view text, std::size_t at, std::string_view value) {
  std::size_t to = at;
  while (!value.empty()) {
    if (to >= text.size()) return at;
    const char c = text[to];
    if (begins_escape(c)) {
      const Character character = read_character(text, to);
      char bytes[4];
      const auto size = static_cast<std::size_t>(append_utf8(character.code, bytes) - bytes);
      if (character.code != Character{}.code && value.starts_with(std::string_view(bytes, size))) {
        value.remove_prefix(size);
        to += character.size;
        continue;
      }
    }
    if (c != value.front() && !(c == '+' && value.front() == ' ')) return at;
    value.remove_prefix(1);
    ++to;
  }
  return to;
}

}  // namespace

std::optional<Spelling> find_spelling(std::string_view text, std::string_view value, std::size_t from) {
  if (value.empty()) return std::nullopt;
  for (; from < text.size(); ++from) {
    const char c = text[from];
    if (c != value.front() && !begins_escape(c) && !(c == '+' && value.front() == ' ')) continue;
    const std::size_t to = spelling_end(text, from, value);
    if (to == from || (to < text.size() && is_word(text[to]))) continue;
    if (from > 0 && is_word(text[from - 1]) && !is_behind_escape(text, from)) continue;
    return Spelling{from, to};
  }
  return std::nullopt;
}

}  // namespace millrace::privacy
