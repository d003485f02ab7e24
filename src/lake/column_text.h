#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::lake {

// What columns of text share.

inline bool is_ascii(std::string_view value) {
  std::uint64_t seen = 0;
  std::size_t i = 0;
  for (; i + 8 <= value.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, value.data() + i, 8);
    seen |= word;
  }
  for (; i < value.size(); ++i) seen |= static_cast<std::uint8_t>(value[i]);
  return (seen & 0x8080808080808080ULL) == 0;
}
bool is_utf8(std::string_view value);
// '?' for each byte that is not ASCII.
std::string ascii_of(std::string_view value);

using HexDigits = std::array<char, 16>;
inline HexDigits hex_digits(std::uint64_t value) {
  HexDigits digits;
  for (std::size_t i = 0; i < digits.size(); ++i)
    digits[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
  return digits;
}

}  // namespace millrace::lake
