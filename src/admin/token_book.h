#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "admin/role.h"
#include "base/clock.h"
#include "base/result.h"

namespace millrace::admin {

using Digest = std::array<unsigned char, 32>;

struct Token {
  std::string id;
  std::string name;
  Role role = Role::viewer;
  base::WallTime created_at;
  base::WallTime expires_at;  // 0: never.
  Digest digest{};            // SHA-256 of the token's text, which is kept nowhere.

  bool expired(base::WallTime now) const { return expires_at.ms != 0 && expires_at <= now; }
};

// What a new token is made of: hexadecimal digits that nobody can guess.
struct TokenSeed {
  std::string id;      // 12 digits.
  std::string secret;  // 64 digits.
};

// The tokens of a data directory (docs/formats/admin.md).
class TokenBook {
 public:
  static constexpr std::size_t kTokensMax = 1000;
  static constexpr std::size_t kNameBytesMax = 64;

  // Empty text is an empty book; corrupt for anything that text() did not write.
  static base::Result<TokenBook> parse(std::string_view text);
  std::string text() const;

  // The token's text, for its owner alone. invalid_argument for a name that cannot be shown on one line, conflict for one that
  // another token has, exhausted when there are too many.
  base::Result<std::string> create(Role role, std::string_view name, base::WallTime now,
                                   base::WallTime expires_at, const TokenSeed& seed);
  // By id or name; not_found.
  base::Result<Token> revoke(std::string_view which);

  // Whose text that is; null when nobody's or when it has expired. Takes the same time whatever part of a token is right.
  const Token* find(std::string_view shown, base::WallTime now) const;
  const Token* by_id(std::string_view id, base::WallTime now) const;
  const std::vector<Token>& tokens() const { return tokens_; }

 private:
  std::vector<Token> tokens_;
};

// Letters, digits, blanks and ._@-, not at the ends of blanks.
bool usable_name(std::string_view name, std::size_t bytes_max);

}  // namespace millrace::admin
