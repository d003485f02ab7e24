#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::privacy {

// What 64 bytes of a text are, one bit a byte.
struct ByteClasses {
  std::uint64_t card = 0;  // Digits, and what stands between those of a card: beyond ASCII all.
  std::uint64_t digit = 0, dot = 0, colon = 0;
  std::uint64_t word = 0;      // Letters and digits.
  std::uint64_t hex_word = 0;  // Those of them that are hexadecimal.
  std::uint64_t rare = 0;      // What something may begin with or be hidden in: @ + % & and the backslash.
};

// Fills `out` for so many times 64 bytes, with the widest vectors that the machine has. Y, Z, ] and two control characters count as
// of a card too: they cost a closer look and nothing else.
void classify_bytes(const char* text, std::size_t blocks, ByteClasses* out);
// The same with the vectors that every machine has.
void classify_bytes_narrow(const char* text, std::size_t blocks, ByteClasses* out);

}  // namespace millrace::privacy
