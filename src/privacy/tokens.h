#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "privacy/key_ring.h"

namespace millrace::privacy {

// Tokens of values under the newest key, those made last kept: the same addresses and ids come again and
// again. For one thread.
class Tokens {
 public:
  explicit Tokens(const KeyRing& ring) : ring_(ring) { refresh(); }

  // Follows the ring; before the items of each request.
  void refresh() {
    if (const auto generation = ring_.generation(); generation != generation_) take(generation);
  }
  // Holds until the next call.
  const std::string& token(std::string_view kind, std::string_view value);

 private:
  static constexpr std::size_t kKept = 4096;
  struct Kept {
    std::string_view kind;
    std::string value;
    std::string token;
  };
  void take(std::uint64_t generation);

  const KeyRing& ring_;
  std::uint64_t generation_ = 0;
  std::shared_ptr<const Keys> keys_;
  std::vector<Kept> kept_;  // By hash.
};

}  // namespace millrace::privacy
