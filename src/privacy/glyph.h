#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::privacy {

// One character of a text as a person would read it who undid what JSON, URLs and HTML did to it: percent escapes
// (repeated ones too), the escapes of JSON strings (in strings of strings too), character references, UTF-8.
struct Glyph {
  enum class Kind : std::uint8_t {
    digit,  // Of any script.
    blank,  // Stands between the groups of a number: blanks, dashes, plus signs, underscores.
    mark,   // May stand between groups, and as well between two numbers: dots, slashes, line ends, symbols.
    other,
  };
  Kind kind = Kind::other;
  std::uint8_t digit = 0;
  std::uint32_t size = 1;  // Bytes of the text.
};

// `at` lies in the text; the glyph ends in it too. Bytes that are no UTF-8 are glyphs of one byte.
Glyph read_glyph(std::string_view text, std::size_t at);

// A character of a text with what JSON, URLs and HTML did to it undone, as of a glyph; U+FFFD for what is none.
struct Character {
  std::uint32_t code = 0xfffd;
  std::size_t size = 1;  // Bytes of the text.
};
Character read_character(std::string_view text, std::size_t at);

// The digits of a card number however it is written, so that the same one written differently has the same token;
// the text itself when it is not written in digits alone (base64).
void normalise_card(std::string_view written, std::string& out);

// The integral part of a decimal number with an exponent, as its digits: "4.11e3" is "4110". Nothing when it has no
// exponent, fewer than twelve digits before it, or not 13 to 19 digits itself. `to` is set to the number's end.
bool expand_exponent(std::string_view text, std::size_t from, std::size_t& to, std::string& digits);

}  // namespace millrace::privacy
