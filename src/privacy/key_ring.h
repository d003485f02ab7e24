#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace millrace::privacy {

using KeyBytes = std::array<std::uint8_t, 32>;

struct TokenKey {
  std::uint32_t id = 0;
  base::WallTime made_at;
  KeyBytes bytes{};
};

// The keys of a data directory. Tokens are made with the newest; the older ones stay, so that a value's older
// tokens can be found. The suppression key never changes: a suppressed id must be known again.
// docs/formats/privacy.md
struct Keys {
  std::vector<TokenKey> tokens;  // The newest last; never empty.
  KeyBytes suppression{};
  std::optional<KeyBytes> vault;  // Seals the keys of the persons in the vault; made when there is one.

  static Keys make(base::Random& random, base::WallTime now);
  static base::Result<Keys> parse(std::string_view text);
  void rotate(base::Random& random, base::WallTime now);
  void make_vault_key(base::Random& random);
  std::string text() const;
};

// The keys in use, for any thread; replaced as a whole.
class KeyRing {
 public:
  explicit KeyRing(Keys keys) : keys_(std::make_shared<const Keys>(std::move(keys))) {}

  std::shared_ptr<const Keys> keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
  }
  // Differs after each replacement: cheap enough to be asked for at each request.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  void replace(Keys keys);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;
  std::atomic<std::uint64_t> generation_{1};
};

// "tok_<key id>_<32 hex digits>": the first half of an HMAC-SHA256 over the kind, a colon and the value. The
// kind keeps a token from telling that the same digits are a phone number here and an id there.
std::string token_of(const TokenKey& key, std::string_view kind, std::string_view value);
bool is_token(std::string_view text);

}  // namespace millrace::privacy
