#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "privacy/key_ring.h"

namespace millrace::privacy {

// AES-256 in Galois/Counter mode (NIST SP 800-38D). A nonce is random and must not come twice under one key: with 96
// bits that holds for 2^32 messages.
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
using Nonce = std::array<std::uint8_t, kNonceBytes>;

struct Sealed {
  Nonce nonce{};
  std::string bytes;  // As many as were sealed, and the tag.
};

// `associated` is not kept: whoever opens must know it.
Sealed seal(const KeyBytes& key, base::Random& random, std::string_view associated, std::string_view plain);
// corrupt when key, nonce, associated and bytes are not those of one seal().
base::Result<std::string> unseal(const KeyBytes& key, const Nonce& nonce, std::string_view associated,
                                 std::string_view bytes);

void fill_random(base::Random& random, std::uint8_t* into, std::size_t bytes);
// Overwrites memory that held a secret, and is not optimised away.
void wipe(void* bytes, std::size_t size);

}  // namespace millrace::privacy
