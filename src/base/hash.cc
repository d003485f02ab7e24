#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace millrace::base {

namespace {
constexpr std::uint64_t kSeed = 0x6d696c6c72616365ULL;  // "millrace"
}

std::uint64_t hash64(std::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), kSeed);
}

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed ^ kSeed);
}

Hash128 hash128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), kSeed);
  return {hash.high64, hash.low64};
}

}  // namespace millrace::base
