#pragma once

#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace millrace::privacy {

// SipHash-2-4 with 128 bits (Aumasson, Bernstein): a keyed hash that says nothing of its input to who has no
// key, and is fast enough for every id of every event.
inline base::Hash128 sip_hash(const std::uint8_t* key, std::string_view text) {
  const auto load = [](const void* from) {
    std::uint64_t word;
    std::memcpy(&word, from, 8);
    return word;
  };
  const auto rotate = [](std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); };
  const std::uint64_t k0 = load(key), k1 = load(key + 8);
  std::uint64_t v0 = k0 ^ 0x736f6d6570736575ULL, v1 = k1 ^ 0x646f72616e646f6dULL ^ 0xee;
  std::uint64_t v2 = k0 ^ 0x6c7967656e657261ULL, v3 = k1 ^ 0x7465646279746573ULL;
  const auto round = [&] {
    v0 += v1, v1 = rotate(v1, 13), v1 ^= v0, v0 = rotate(v0, 32);
    v2 += v3, v3 = rotate(v3, 16), v3 ^= v2;
    v0 += v3, v3 = rotate(v3, 21), v3 ^= v0;
    v2 += v1, v1 = rotate(v1, 17), v1 ^= v2, v2 = rotate(v2, 32);
  };
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    const std::uint64_t word = load(text.data() + at);
    v3 ^= word;
    round(), round();
    v0 ^= word;
  }
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
  for (std::size_t i = 0; at + i < text.size(); ++i)
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[at + i])) << (8 * i);
  v3 ^= last;
  round(), round();
  v0 ^= last;
  v2 ^= 0xee;
  round(), round(), round(), round();
  base::Hash128 out;
  out.low = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  round(), round(), round(), round();
  out.high = v0 ^ v1 ^ v2 ^ v3;
  return out;
}

}  // namespace millrace::privacy
