#include "collect/json_unescape.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace millrace::collect {

namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hexadecimal digits at `at`, or -1.
std::int32_t code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  std::int32_t unit = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

char* write_utf8(char* out, std::uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xc0 | (code >> 6));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xe0 | (code >> 12));
    *out++ = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *out++ = static_cast<char>(0xf0 | (code >> 18));
    *out++ = static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    *out++ = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out++ = static_cast<char>(0x80 | (code & 0x3f));
  }
  return out;
}

char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

// Copies up to the next backslash, which `i` is then at, or to the end. JSON within JSON has one every few bytes: a call of memchr for
// each costs more than the bytes.
char* copy_plain(std::string_view escaped, std::size_t& i, char* out) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
  while (i + 8 <= escaped.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, escaped.data() + i, 8);
    std::memcpy(out, &word, 8);  // What was written is never more than what was read.
    const std::uint64_t differs = word ^ (kOnes * static_cast<unsigned char>('\\'));
    const std::uint64_t found = (differs - kOnes) & ~differs & kHighs;
    const std::size_t plain = found == 0 ? 8 : static_cast<std::size_t>(std::countr_zero(found)) / 8;
    i += plain;
    out += plain;
    if (found != 0) return out;
  }
  while (i < escaped.size() && escaped[i] != '\\') *out++ = escaped[i++];
  return out;
}

}  // namespace

char* unescape_json(std::string_view escaped, char* out) {
  for (std::size_t i = 0;; ++i) {
    out = copy_plain(escaped, i, out);
    if (i == escaped.size()) return out;
    if (++i == escaped.size()) return nullptr;
    if (escaped[i] == '"') [[likely]] {
      *out++ = '"';
      continue;
    }
    if (escaped[i] != 'u') {
      const char single = simple_escape(escaped[i]);
      if (single == '\0') return nullptr;
      *out++ = single;
      continue;
    }
    const std::int32_t unit = code_unit(escaped, i + 1);
    if (unit < 0) return nullptr;
    i += 4;
    auto code = static_cast<std::uint32_t>(unit);
    if (code >= 0xd800 && code < 0xe000) {
      const bool pair = code < 0xdc00 && escaped.substr(i + 1).starts_with("\\u");
      const std::int32_t low = pair ? code_unit(escaped, i + 3) : -1;
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (static_cast<std::uint32_t>(low) - 0xdc00);
        i += 6;
      } else {
        code = kReplacement;
      }
    }
    out = write_utf8(out, code == 0 ? kReplacement : code);
  }
}

}  // namespace millrace::collect
