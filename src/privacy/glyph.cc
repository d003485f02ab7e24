#include "privacy/glyph.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "privacy/personal_forms.h"

namespace millrace::privacy {

namespace {

constexpr std::uint32_t kNone = Character{}.code;
constexpr std::size_t kBackslashesMax = 16;
constexpr std::size_t kMantissaDigitsMin = 12;

// The zeros of all scripts' decimal digits beyond ASCII (Unicode 15, general category Nd).
constexpr auto kZeros = std::to_array<std::uint32_t>(
    {0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,   0xc66,   0xce6,
     0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,  0x1810,  0x1946,  0x19d0,
     0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,  0xa8d0,  0xa900,  0xa9d0,  0xa9f0,
     0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450,
     0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
     0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0});

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// Blanks, dashes and what has no width.
constexpr auto kBlanks = std::to_array<Range>({{0xa0, 0xa0},
                                               {0xad, 0xad},
                                               {0x180e, 0x180e},
                                               {0x2000, 0x2015},
                                               {0x2028, 0x202f},
                                               {0x2043, 0x2043},
                                               {0x205f, 0x2064},
                                               {0x2212, 0x2212},
                                               {0x3000, 0x3000},
                                               {0xfe58, 0xfe58},
                                               {0xfe63, 0xfe63},
                                               {0xfeff, 0xfeff},
                                               {0xff0b, 0xff0b},
                                               {0xff0d, 0xff0d},
                                               {0xff3f, 0xff3f}});
// Punctuation and symbols.
constexpr auto kMarks = std::to_array<Range>(
    {{0x80, 0xbf}, {0x2016, 0x2bff}, {0x3001, 0x303f}, {0x30fb, 0x30fb}, {0xfe10, 0xfe6f}, {0xff01, 0xff0f}});

template <std::size_t N>
bool lies_in(const std::array<Range, N>& ranges, std::uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// A byte of the text, percent escapes undone however often they were applied: "%2534" is '4'.
Character coded_byte(std::string_view text, std::size_t at) {
  const int code = percent_code(text, at);
  if (code < 0) return {static_cast<unsigned char>(text[at]), 1};
  Character out{static_cast<std::uint32_t>(code), 3};
  while (out.code == '%') {
    const auto digits = text.substr(std::min(at + out.size, text.size()), 2);
    if (digits.size() < 2 || !is_hex(digits[0]) || !is_hex(digits[1])) break;
    std::from_chars(digits.data(), digits.data() + 2, out.code, 16);
    out.size += 2;
  }
  return out;
}

// "\u0034" at the backslash, with as many of those as strings in strings need.
Character json_escape(std::string_view text, std::size_t at) {
  std::size_t size = 0;
  while (size < kBackslashesMax && at + size < text.size() && text[at + size] == '\\') ++size;
  const char kind = at + size < text.size() ? text[at + size] : '\0';
  if (kind == 'n' || kind == 'r' || kind == 't') return {'\n', size + 1};
  if (kind == '/') return {'/', size + 1};
  if (kind != 'u' || at + size + 5 > text.size()) return {'\\', size};
  std::uint32_t code = 0;
  const char* const digits = text.data() + at + size + 1;
  const auto [end, error] = std::from_chars(digits, digits + 4, code, 16);
  if (error != std::errc() || end != digits + 4) return {kNone, size};
  return {code, size + 5};
}

// Of two escapes that are halves of one character.
Character json_character(std::string_view text, std::size_t at) {
  Character high = json_escape(text, at);
  if (high.code < 0xd800 || high.code > 0xdbff) return high;
  if (at + high.size >= text.size() || text[at + high.size] != '\\') return {kNone, high.size};
  const Character low = json_escape(text, at + high.size);
  if (low.code < 0xdc00 || low.code > 0xdfff) return {kNone, high.size};
  return {0x10000 + ((high.code - 0xd800) << 10) + (low.code - 0xdc00), high.size + low.size};
}

// "&#52;", "&#x34;", "&nbsp;"
Character character_reference(std::string_view text, std::size_t at) {
  if (text.substr(at, 6) == "&nbsp;") return {0xa0, 6};
  if (text.substr(at, 2) != "&#") return {kNone, 1};
  const bool hex = at + 2 < text.size() && (text[at + 2] == 'x' || text[at + 2] == 'X');
  const std::size_t from = at + (hex ? 3 : 2);
  const auto digits = text.substr(std::min(from, text.size()), 8);
  std::uint32_t code = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  const auto used = static_cast<std::size_t>(end - digits.data());
  if (error != std::errc() || used == 0 || used >= digits.size() || digits[used] != ';') return {kNone, 1};
  return {code, from - at + used + 1};
}

}  // namespace

Character read_character(std::string_view text, std::size_t at) {
  if (text[at] == '\\') return json_character(text, at);
  if (text[at] == '&') return character_reference(text, at);
  Character first = coded_byte(text, at);
  if (first.code < 0x80) return first;
  const int more = first.code >= 0xf5 ? -1 : first.code >= 0xf0 ? 3 : first.code >= 0xe0 ? 2 : 1;
  if (more < 0 || first.code < 0xc2) return {kNone, first.size};
  Character out{first.code & (0x3fu >> more), first.size};
  for (int i = 0; i < more; ++i) {
    if (at + out.size >= text.size()) return {kNone, first.size};
    const Character next = coded_byte(text, at + out.size);
    if ((next.code & 0xc0u) != 0x80u || next.code > 0xff) return {kNone, first.size};
    out.code = out.code << 6 | (next.code & 0x3fu);
    out.size += next.size;
  }
  return out;
}

namespace {

Glyph classified(std::uint32_t code, std::size_t size) {
  const auto bytes = static_cast<std::uint32_t>(size);
  if (code >= '0' && code <= '9') return {Glyph::Kind::digit, static_cast<std::uint8_t>(code - '0'), bytes};
  if (code < 0x80) {
    if (code == ' ' || code == '-' || code == '+' || code == '_') return {Glyph::Kind::blank, 0, bytes};
    const bool mark =
        code == '.' || code == '/' || code == '\\' || code == '\n' || code == '\r' || code == '\t';
    return {mark ? Glyph::Kind::mark : Glyph::Kind::other, 0, bytes};
  }
  const auto above = std::upper_bound(kZeros.begin(), kZeros.end(), code);
  if (above != kZeros.begin() && code - *std::prev(above) < 10) {
    return {Glyph::Kind::digit, static_cast<std::uint8_t>(code - *std::prev(above)), bytes};
  }
  if (lies_in(kBlanks, code)) return {Glyph::Kind::blank, 0, bytes};
  return {code != kNone && lies_in(kMarks, code) ? Glyph::Kind::mark : Glyph::Kind::other, 0, bytes};
}

}  // namespace

Glyph read_glyph(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (is_digit(c)) return {Glyph::Kind::digit, static_cast<std::uint8_t>(c - '0'), 1};
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x80 && c != '\\' && c != '&' && c != '%') return classified(byte, 1);
  const Character character = read_character(text, at);
  return classified(character.code, character.size);
}

bool expand_exponent(std::string_view text, std::size_t from, std::size_t& to, std::string& digits) {
  digits.clear();
  std::size_t at = from, point = std::string::npos;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && point == std::string::npos)); ++at) {
    if (text[at] == '.') {
      point = digits.size();
    } else {
      digits += text[at];
    }
  }
  if (digits.size() < kMantissaDigitsMin || at >= text.size() || (text[at] != 'e' && text[at] != 'E'))
    return false;
  ++at;
  const bool minus = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  int exponent = 0, given = 0;
  for (; at < text.size() && is_digit(text[at]) && given < 3; ++at, ++given)
    exponent = exponent * 10 + (text[at] - '0');
  if (given == 0 || given == 3) return false;
  to = at;
  const auto places =
      static_cast<int>(point == std::string::npos ? digits.size() : point) + (minus ? -exponent : exponent);
  if (places < 13 || places > 40) return false;
  digits.resize(static_cast<std::size_t>(places), '0');
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.size() >= 13 && digits.size() <= 19;
}

void normalise_card(std::string_view written, std::string& out) {
  std::size_t to = 0;
  if (expand_exponent(written, 0, to, out) && to == written.size()) return;
  out.clear();
  for (std::size_t at = 0; at < written.size();) {
    const Glyph glyph = read_glyph(written, at);
    at += glyph.size;
    if (glyph.kind == Glyph::Kind::digit) {
      out += static_cast<char>('0' + glyph.digit);
    } else if (glyph.kind == Glyph::Kind::other) {
      out = written;
      return;
    }
  }
  const std::size_t zeros = std::min(out.find_first_not_of('0'), out.size());
  if (out.size() - zeros >= 13) out.erase(0, zeros);
}

}  // namespace millrace::privacy
