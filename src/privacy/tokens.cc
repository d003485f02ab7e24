#include "privacy/tokens.h"

#include "base/hash.h"

namespace millrace::privacy {

void Tokens::take(std::uint64_t generation) {
  keys_ = ring_.keys();
  generation_ = generation;
  kept_.clear();
}

const std::string& Tokens::token(std::string_view kind, std::string_view value) {
  if (kept_.empty()) kept_.resize(kKept);
  Kept& kept = kept_[base::hash64(value) % kKept];
  if (kept.token.empty() || kept.value != value || kept.kind != kind) {
    kept.kind = kind;
    kept.value = value;
    kept.token = token_of(keys_->tokens.back(), kind, value);
  }
  return kept.token;
}

}  // namespace millrace::privacy
