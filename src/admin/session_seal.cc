#include "admin/session_seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>

#include "base/result.h"

namespace millrace::admin {

std::string SessionSeal::mac_of(std::string_view text) const {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const auto* const done =
      HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  INVARIANT(done != nullptr && size == 32);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kHex[digest[i] >> 4];
    hex += kHex[digest[i] & 15];
  }
  return hex;
}

std::string SessionSeal::seal(std::string_view token_id, base::WallTime until) const {
  const std::string text = std::string(token_id) + "." + std::to_string(until.ms);
  return text + "." + mac_of(text);
}

std::optional<SessionSeal::Session> SessionSeal::open(std::string_view sealed, base::WallTime now) const {
  const std::size_t last = sealed.rfind('.');
  if (last == std::string_view::npos || sealed.size() > 256) return std::nullopt;
  const std::string_view text = sealed.substr(0, last);
  const std::string right = mac_of(text);
  const std::string_view given = sealed.substr(last + 1);
  if (given.size() != right.size() || CRYPTO_memcmp(given.data(), right.data(), right.size()) != 0) {
    return std::nullopt;
  }
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  base::WallTime until;
  const auto [end, error] = std::from_chars(text.data() + dot + 1, text.data() + text.size(), until.ms);
  if (error != std::errc() || end != text.data() + text.size() || until <= now) return std::nullopt;
  return Session{std::string(text.substr(0, dot)), until};
}

}  // namespace millrace::admin
