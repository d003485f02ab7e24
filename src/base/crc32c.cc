#include "base/crc32c.h"

#include <nmmintrin.h>

#include <cstring>

namespace millrace::base {

std::uint32_t crc32c_extend(std::uint32_t crc, std::span<const std::byte> bytes) {
  std::uint64_t state = ~crc;
  const std::byte* data = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, data += 8) {
    std::uint64_t word;
    std::memcpy(&word, data, 8);
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<std::uint32_t>(state);
  for (; left > 0; --left, ++data) {
    narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*data));
  }
  return ~narrow;
}

}  // namespace millrace::base
