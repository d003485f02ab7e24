#include "privacy/personal_forms.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "privacy/article_number.h"
#include "privacy/glyph.h"
#include "privacy/personal_scan.h"

namespace millrace::privacy {

namespace {

constexpr std::size_t kLocalBytesMax = 64;
constexpr std::size_t kDomainBytesMax = 253;
constexpr int kPhoneDigitsMin = 8;
constexpr int kPhoneDigitsMax = 15;

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

bool is_local(char c) {
  return is_alphanumeric(c) || is_beyond_ascii(c) ||
         std::string_view("._%+-'!#$&*=?^`{|}~").find(c) != std::string_view::npos;
}

// The digit or the blank of another script than ASCII's that stands here, percent escapes undone; of kind `other` when there is none.
Glyph glyph_beyond_ascii(std::string_view text, std::size_t at) {
  const bool is_coded = text[at] == '%' && percent_code(text, at) >= 0x80;
  return is_coded || is_beyond_ascii(text[at]) ? read_glyph(text, at) : Glyph{};
}

// "x204" behind a phone number.
bool is_extension(std::string_view text, std::size_t at) {
  if (text[at] != 'x' && text[at] != 'X') return false;
  std::size_t to = at + 1;
  while (to < text.size() && is_digit(text[to])) ++to;
  return to > at + 1 && to <= at + 7 && (to == text.size() || !is_letter(text[to]));
}

// Of the characters allowed in a local part, those that separate values in a URL or a sentence as well.
bool separates(char c) { return std::string_view("&=?#!$^`{|}~*'").find(c) != std::string_view::npos; }

struct IbanCountry {
  char code[3];
  std::uint8_t length;
};
// Of the SWIFT registry.
constexpr auto kIbanCountries = std::to_array<IbanCountry>({
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24},
    {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18},
    {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27},
    {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27},
    {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20},
    {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20}, {"MR", 27},
    {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24}, {"PL", 28},
    {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31},
    {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28},
    {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30},
});

struct Issuer {
  std::uint32_t first;  // Of the digits it begins with, up to and with `last`.
  std::uint32_t last;
  int digits;
  int shortest;
  int longest;
};
constexpr auto kIssuers = std::to_array<Issuer>({
    {4, 4, 1, 16, 16},            // Visa; 13 digits below.
    {4, 4, 1, 19, 19},            //
    {51, 55, 2, 16, 16},          // Mastercard
    {2221, 2720, 4, 16, 16},      //
    {34, 34, 2, 15, 15},          // American Express
    {37, 37, 2, 15, 15},          //
    {6011, 6011, 4, 16, 19},      // Discover
    {644, 649, 3, 16, 19},        //
    {65, 65, 2, 16, 19},          //
    {300, 305, 3, 14, 19},        // Diners Club
    {3095, 3095, 4, 14, 19},      //
    {36, 36, 2, 14, 19},          //
    {38, 39, 2, 14, 19},          //
    {3528, 3589, 4, 16, 19},      // JCB
    {62, 62, 2, 16, 19},          // UnionPay
    {81, 81, 2, 16, 19},          // RuPay, UnionPay
    {60, 60, 2, 16, 16},          // RuPay
    {82, 82, 2, 16, 16},          //
    {508, 508, 3, 16, 16},        //
    {353, 353, 3, 16, 16},        //
    {356, 356, 3, 16, 16},        //
    {2200, 2204, 4, 16, 19},      // Mir
    {5018, 5018, 4, 13, 19},      // Maestro
    {5020, 5020, 4, 13, 19},      //
    {5038, 5038, 4, 13, 19},      //
    {56, 58, 2, 13, 19},          //
    {5893, 5893, 4, 13, 19},      //
    {6304, 6304, 4, 13, 19},      //
    {6390, 6390, 4, 13, 19},      //
    {6759, 6759, 4, 13, 19},      //
    {6761, 6763, 4, 13, 19},      //
    {676770, 676774, 6, 13, 19},  //
    {9792, 9792, 4, 16, 16},      // Troy
    {5067, 5067, 4, 16, 16},      // Elo
    {636297, 636297, 6, 16, 16},  //
    {636368, 636368, 6, 16, 16},  //
    {1946, 1946, 4, 16, 16},      // BC, Ukraine's Prostir
    {9860, 9860, 4, 16, 16},      // Humo
    {8600, 8600, 4, 16, 16},      // Uzcard
});

}  // namespace

int percent_code(std::string_view text, std::size_t at) {
  if (at + 3 > text.size() || text[at] != '%') return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool is_behind_escape(std::string_view text, std::size_t at) {
  constexpr std::string_view kLetters = "nrtbf";
  if (at >= 2 && text[at - 2] == '\\' && kLetters.find(text[at - 1]) != std::string_view::npos) return true;
  const auto are_hex = [&](std::size_t from) {
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                       text.begin() + static_cast<std::ptrdiff_t>(at), is_hex);
  };
  if (at >= 6 && text.substr(at - 6, 2) == "\\u" && are_hex(at - 4)) return true;
  if (at < 3 || !are_hex(at - 2)) return false;
  return text[at - 3] == '%' || (at >= 5 && text.substr(at - 5, 3) == "%25");
}

std::size_t behind_percent_escape(std::string_view text, std::size_t at) {
  if (at == 0 || text[at - 1] != '%') return at;
  while (text.substr(at, 2) == "25") at += 2;
  return std::min(at + 2, text.size());
}

std::size_t email_begin(std::string_view text, std::size_t at) {
  std::size_t from = at;
  while (from > 0 && at - from < kLocalBytesMax) {
    const char c = text[from - 1];
    if (!is_local(c) || separates(c)) break;
    // "email%3Djoe": what is encoded ends the local part, unless it may be in one.
    if (from >= 3) {
      const int code = percent_code(text, from - 3);
      if (code >= 0) {
        const char decoded = static_cast<char>(code);
        if (code < 0x80 && (!is_local(decoded) || separates(decoded) || decoded == '%')) break;
        from -= 3;
        continue;
      }
    }
    if (c == '%') break;
    --from;
  }
  // An escape of JSON before it is not part of it: "\njoe@".
  std::size_t backslashes = 0;
  while (backslashes < from && text[from - 1 - backslashes] == '\\') ++backslashes;
  if (backslashes % 2 == 1) from += from < at && text[from] == 'u' ? 5 : 1;
  while (from < at && text[from] == '.') ++from;
  return std::min(from, at);
}

std::size_t email_end(std::string_view text, std::size_t from) {
  std::size_t to = from, labels = 0, label = from;
  std::size_t end = from;
  bool letters = true;
  while (to <= text.size() && to - from <= kDomainBytesMax) {
    const char c = to < text.size() ? text[to] : '\0';
    if (is_alphanumeric(c) || is_beyond_ascii(c) || c == '-') {
      letters = letters && !is_digit(c) && c != '-';
      ++to;
      continue;
    }
    // A label ends here. The domain may end with it if it is a top level one: letters, two at least, or
    // punycode.
    if (to == label) break;
    ++labels;
    const auto name = text.substr(label, to - label);
    if (labels >= 2 && ((letters && name.size() >= 2) || name.starts_with("xn--"))) end = to;
    if (c != '.') break;
    label = ++to;
    letters = true;
  }
  if (end == from) return from;
  // "logo@2x.png" names a picture.
  const auto domain = text.substr(from, end - from);
  if (domain.size() >= 4 && is_digit(domain[0]) && domain[1] == 'x' && domain[2] == '.') return from;
  return end;
}

std::size_t phone_end(std::string_view text, std::size_t plus, std::size_t plus_size) {
  const char before = plus == 0 ? ' ' : text[plus - 1];
  if (before == '+' || (is_alphanumeric(before) && !is_behind_escape(text, plus))) return plus;
  int digits = 0;
  std::size_t to = plus, gap = 0;
  for (std::size_t at = plus + plus_size; at < text.size();) {
    const char c = text[at];
    const int code = percent_code(text, at);
    const Glyph other = glyph_beyond_ascii(text, at);
    if (is_digit(c) || other.kind == Glyph::Kind::digit) {
      if (digits == 0 && (c == '0' || (!is_digit(c) && other.digit == 0))) return plus;
      if (++digits > kPhoneDigitsMax) return plus;
      to = at += other.size;
      gap = 0;
      continue;
    }
    const bool between = c == ' ' || c == '-' || c == '(' || c == ')' || c == '/' || c == '.';
    const bool encoded = code == ' ' || code == '(' || code == ')' || code == '-' || code == '/';
    const bool blank = other.kind == Glyph::Kind::blank;
    if ((!between && !encoded && !blank) || ++gap > 3) break;
    at += blank ? other.size : encoded ? 3 : 1;
  }
  if (digits < kPhoneDigitsMin) return plus;
  return to < text.size() && is_letter(text[to]) && !is_extension(text, to) ? plus : to;
}

std::size_t iban_end(std::string_view text, std::size_t from) {
  if (from + 15 > text.size()) return from;
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  const char code[2] = {upper(text[from]), upper(text[from + 1])};
  const auto country = std::find_if(kIbanCountries.begin(), kIbanCountries.end(), [&](const auto& known) {
    return known.code[0] == code[0] && known.code[1] == code[1];
  });
  if (country == kIbanCountries.end()) return from;
  std::array<char, 34> compact{};
  std::size_t size = 0, at = from, gap = 0;
  while (at < text.size() && size < country->length) {
    const int escaped = percent_code(text, at);
    if (is_alphanumeric(text[at])) {
      compact[size++] = upper(text[at++]);
      gap = 0;
    } else if (text[at] == ' ' || text[at] == '-' || text[at] == '+') {
      if (++gap > 1) return from;
      ++at;
    } else if (escaped == ' ' || escaped == '-') {
      if (++gap > 1) return from;
      at += 3;
    } else if (const Glyph blank = glyph_beyond_ascii(text, at); blank.kind == Glyph::Kind::blank) {
      if (++gap > 1) return from;
      at += blank.size;
    } else {
      return from;
    }
  }
  if (size < country->length || (at < text.size() && is_alphanumeric(text[at]))) return from;
  if (!is_digit(compact[2]) || !is_digit(compact[3])) return from;
  // ISO 13616: the first four go behind, letters are 10 to 35, and the whole is 1 modulo 97.
  std::rotate(compact.begin(), compact.begin() + 4, compact.begin() + static_cast<std::ptrdiff_t>(size));
  unsigned rest = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = compact[i];
    rest = is_digit(c) ? (rest * 10 + static_cast<unsigned>(c - '0')) % 97
                       : (rest * 100 + static_cast<unsigned>(c - 'A') + 10) % 97;
  }
  return rest == 1 ? at : from;
}

bool is_ipv4(std::string_view text) {
  int octets = 0;
  std::size_t at = 0;
  while (true) {
    int value = 0;
    std::size_t digits = 0;
    for (; at < text.size() && is_digit(text[at]) && digits < 4; ++at, ++digits)
      value = value * 10 + (text[at] - '0');
    if (digits == 0 || digits > 3 || value > 255) return false;
    ++octets;
    if (at == text.size()) return octets == 4;
    if (text[at] != '.' || octets == 4) return false;
    ++at;
  }
}

bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool compressed = false;
  std::size_t at = 0;
  if (text.starts_with("::")) {
    compressed = true;
    at = 2;
  }
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && is_hex(text[end])) ++end;
    if (end < text.size() && text[end] == '.') {
      if (!is_ipv4(text.substr(at))) return false;
      groups += 2;
      at = text.size();
      break;
    }
    if (end == at || end - at > 4) return false;
    ++groups;
    at = end;
    if (at == text.size()) break;
    if (text[at] != ':') return false;
    ++at;
    if (at < text.size() && text[at] == ':') {
      if (compressed) return false;
      compressed = true;
      ++at;
    } else if (at == text.size()) {
      return false;
    }
  }
  // "::1" says of whom it is as little as "::"; two groups are as likely words.
  return compressed ? groups >= 3 && groups <= 7 : groups == 8;
}

bool may_begin_address(std::string_view text, std::size_t from) {
  if (from == 0) return true;
  const char before = text[from - 1];
  if (is_digit(before)) return is_behind_escape(text, from);
  if (before == '.' || before == '_') return false;
  if (is_letter(before)) return is_behind_escape(text, from);
  if (before == '/') return from >= 2 && text[from - 2] == '/';
  if (before != '"') return true;
  // A member of a JSON object that says that it is a version.
  const auto start = from < 24 ? 0 : from - 24;
  const auto lead = text.substr(start, from - start);
  return lead.find("ersion\"") == std::string_view::npos && lead.find("uild\"") == std::string_view::npos;
}

bool may_end_address(std::string_view text, std::size_t to) {
  if (to >= text.size()) return true;
  const char after = text[to];
  if (after == '.') return to + 1 >= text.size() || !is_alphanumeric(text[to + 1]);
  return !is_alphanumeric(after) && after != '_' && after != '-';
}

bool is_luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (auto c = digits.rbegin(); c != digits.rend(); ++c, twice = !twice) {
    const int digit = *c - '0';
    sum += !twice ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
  }
  return sum % 10 == 0;
}

bool is_card(std::string_view digits) {
  const int size = static_cast<int>(digits.size());
  if (size < 13 || size > 19) return false;
  std::uint32_t lead = 0;
  int taken = 0;
  // Article numbers have 13 or 14 digits too, and so has no card of today's but Diners Club's.
  const bool diners = digits[0] == '3';
  if ((size == 13 || (size == 14 && !diners)) && is_gtin(digits)) return false;
  bool known = size == 13 && digits[0] == '4';
  for (const Issuer& issuer : kIssuers) {
    if (known) break;
    if (size < issuer.shortest || size > issuer.longest) continue;
    if (issuer.digits < taken) lead = 0, taken = 0;
    while (taken < issuer.digits)
      lead = lead * 10 + static_cast<std::uint32_t>(digits[static_cast<std::size_t>(taken++)] - '0');
    known = lead >= issuer.first && lead <= issuer.last;
  }
  return known && is_luhn(digits);
}

void normalise(Personal kind, std::string_view written, std::string& out) {
  if (kind == Personal::card) return normalise_card(written, out);
  out.clear();
  if (kind == Personal::phone) {
    for (std::size_t at = 0; at < written.size();) {
      const Glyph glyph = read_glyph(written, at);
      if (glyph.kind == Glyph::Kind::digit) out += static_cast<char>('0' + glyph.digit);
      at += glyph.size;
    }
    return;
  }
  for (std::size_t at = 0; at < written.size(); ++at) {
    char c = written[at];
    if (const int code = percent_code(written, at); code >= 0) {
      c = static_cast<char>(code);
      at += 2;
    }
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    const bool keep = kind != Personal::iban || is_alphanumeric(c);
    if (keep) out += c;
  }
}

}  // namespace millrace::privacy
