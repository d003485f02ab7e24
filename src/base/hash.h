#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::base {

// XXH3 with a pinned seed. Values are persisted (partition of a visitor, session ids), so neither the function
// nor the seed may change; hash_test.cc holds golden vectors.
std::uint64_t hash64(std::string_view bytes);
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed);

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Hash128&) const = default;
};
Hash128 hash128(std::string_view bytes);

// One more step of mixing, to join two hashes: mix(a, b) != mix(b, a).
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2));
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93ULL;
  x ^= x >> 32;
  return x;
}

}  // namespace millrace::base
