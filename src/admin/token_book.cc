#include "admin/token_book.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace millrace::admin {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view kHead = "millrace tokens 1\n";
constexpr std::string_view kPrefix = "mr_";
constexpr std::size_t kShownBytesMax = 256;

Digest digest_of(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string to_hex(const Digest& digest) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

bool from_hex(std::string_view text, Digest& digest) {
  if (text.size() != 2 * digest.size()) return false;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    unsigned byte = 0;
    const char* const begin = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
    if (error != std::errc() || end != begin + 2) return false;
    digest[i] = static_cast<unsigned char>(byte);
  }
  return true;
}

// The next word of a line; empty at its end.
std::string_view next_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return word;
}

bool read_time(std::string_view text, base::WallTime& time) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time.ms);
  return error == std::errc() && end == text.data() + text.size() && time.ms >= 0;
}

std::optional<Token> read_token(std::string_view line) {
  Token token;
  if (next_word(line) != "token") return std::nullopt;
  token.id = next_word(line);
  const auto role = parse_role(next_word(line));
  const bool times =
      read_time(next_word(line), token.created_at) && read_time(next_word(line), token.expires_at);
  const bool digest = from_hex(next_word(line), token.digest);
  token.name = line;
  if (!role || !times || !digest || token.id.empty() || !usable_name(token.name, TokenBook::kNameBytesMax)) {
    return std::nullopt;
  }
  token.role = *role;
  return token;
}

}  // namespace

bool usable_name(std::string_view name, std::size_t bytes_max) {
  if (name.empty() || name.size() > bytes_max || name.front() == ' ' || name.back() == ' ') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
           c == '.' || c == '_' || c == '@' || c == '-';
  });
}

base::Result<TokenBook> TokenBook::parse(std::string_view text) {
  TokenBook book;
  if (text.empty()) return book;
  const auto corrupt = [] { return Error(ErrorCode::corrupt, "not a file of tokens, or cut off"); };
  if (!text.starts_with(kHead) || !text.ends_with('\n')) return corrupt();
  text.remove_prefix(kHead.size());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    auto token = read_token(text.substr(0, end));
    if (!token || book.tokens_.size() == kTokensMax) return corrupt();
    book.tokens_.push_back(*std::move(token));
    text.remove_prefix(end + 1);
  }
  return book;
}

std::string TokenBook::text() const {
  std::string text(kHead);
  for (const Token& token : tokens_) {
    text += "token " + token.id + " ";
    text += to_string(token.role);
    text += " " + std::to_string(token.created_at.ms) + " " + std::to_string(token.expires_at.ms) + " " +
            to_hex(token.digest) + " " + token.name + "\n";
  }
  return text;
}

base::Result<std::string> TokenBook::create(Role role, std::string_view name, base::WallTime now,
                                            base::WallTime expires_at, const TokenSeed& seed) {
  INVARIANT(role != Role::none && seed.id.size() == 12 && seed.secret.size() == 64);
  if (!usable_name(name, kNameBytesMax)) {
    return Error(ErrorCode::invalid_argument,
                 "A name has 1 to 64 letters, digits, blanks and ._@-, and no blank at its ends.");
  }
  if (expires_at.ms != 0 && expires_at <= now) {
    return Error(ErrorCode::invalid_argument, "A token expires in the future.");
  }
  if (tokens_.size() >= kTokensMax) {
    return Error(ErrorCode::exhausted, "There are " + std::to_string(kTokensMax) + " tokens already.");
  }
  const bool taken = std::any_of(tokens_.begin(), tokens_.end(),
                                 [&](const Token& token) { return token.name == name || token.id == name; });
  if (taken) return Error(ErrorCode::conflict, "There is a token of this name.");
  std::string shown = std::string(kPrefix) + seed.secret;
  tokens_.push_back({seed.id, std::string(name), role, now, expires_at, digest_of(shown)});
  return shown;
}

base::Result<Token> TokenBook::revoke(std::string_view which) {
  const auto found = std::find_if(tokens_.begin(), tokens_.end(), [&](const Token& token) {
    return token.id == which || token.name == which;
  });
  if (found == tokens_.end()) return Error(ErrorCode::not_found, "There is no token of this id or name.");
  Token revoked = std::move(*found);
  tokens_.erase(found);
  return revoked;
}

const Token* TokenBook::find(std::string_view shown, base::WallTime now) const {
  if (!shown.starts_with(kPrefix) || shown.size() > kShownBytesMax) return nullptr;
  const Digest digest = digest_of(shown);
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    if (CRYPTO_memcmp(token.digest.data(), digest.data(), digest.size()) == 0) found = &token;
  }
  return found == nullptr || found->expired(now) ? nullptr : found;
}

const Token* TokenBook::by_id(std::string_view id, base::WallTime now) const {
  for (const Token& token : tokens_) {
    if (token.id == id) return token.expired(now) ? nullptr : &token;
  }
  return nullptr;
}

}  // namespace millrace::admin
