#include "privacy/key_ring.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>

namespace millrace::privacy {

using base::Error;
using base::ErrorCode;

namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kTokenStart = "tok_";
constexpr std::size_t kTokenDigits = 32;
constexpr std::size_t kKeyDigitsMax = 10;

void append_hex(std::string& out, const std::uint8_t* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
}

bool parse_hex(std::string_view text, KeyBytes& into) {
  if (text.size() != into.size() * 2) return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto* from = text.data() + i * 2;
    const auto [end, error] = std::from_chars(from, from + 2, into[i], 16);
    if (error != std::errc() || end != from + 2) return false;
  }
  return true;
}

KeyBytes random_bytes(base::Random& random) {
  KeyBytes bytes;
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    const std::uint64_t word = random.next();
    for (std::size_t j = 0; j < 8; ++j) bytes[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
  }
  return bytes;
}

std::string_view take_word(std::string_view& line) {
  const auto end = line.find(' ');
  const auto word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Keys Keys::make(base::Random& random, base::WallTime now) {
  Keys keys;
  keys.suppression = random_bytes(random);
  keys.rotate(random, now);
  return keys;
}

void Keys::rotate(base::Random& random, base::WallTime now) {
  const std::uint32_t id = tokens.empty() ? 1 : tokens.back().id + 1;
  tokens.push_back({id, now, random_bytes(random)});
}

void Keys::make_vault_key(base::Random& random) { vault = random_bytes(random); }

base::Result<Keys> Keys::parse(std::string_view text) {
  const Error bad(ErrorCode::corrupt, "the key file cannot be read");
  Keys keys;
  bool suppression = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return bad;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto word = take_word(line);
    if (word == "suppression") {
      if (!parse_hex(take_word(line), keys.suppression)) return bad;
      suppression = true;
    } else if (word == "vault") {
      if (!parse_hex(take_word(line), keys.vault.emplace())) return bad;
    } else if (word == "token") {
      TokenKey key;
      if (!parse_number(take_word(line), key.id) || !parse_number(take_word(line), key.made_at.ms))
        return bad;
      if (!parse_hex(take_word(line), key.bytes)) return bad;
      if (!keys.tokens.empty() && key.id <= keys.tokens.back().id) return bad;
      keys.tokens.push_back(key);
    } else {
      return bad;
    }
  }
  if (keys.tokens.empty() || !suppression) return bad;
  return keys;
}

std::string Keys::text() const {
  std::string out = "suppression ";
  append_hex(out, suppression.data(), suppression.size());
  out += '\n';
  if (vault) {
    out += "vault ";
    append_hex(out, vault->data(), vault->size());
    out += '\n';
  }
  for (const auto& key : tokens) {
    out += "token " + std::to_string(key.id) + ' ' + std::to_string(key.made_at.ms) + ' ';
    append_hex(out, key.bytes.data(), key.bytes.size());
    out += '\n';
  }
  return out;
}

void KeyRing::replace(Keys keys) {
  auto next = std::make_shared<const Keys>(std::move(keys));
  const std::lock_guard lock(mutex_);
  keys_ = std::move(next);
  generation_.fetch_add(1, std::memory_order_release);
}

std::string token_of(const TokenKey& key, std::string_view kind, std::string_view value) {
  std::string message(kind);
  message.append(":").append(value);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const unsigned char* done =
      HMAC(EVP_sha256(), key.bytes.data(), static_cast<int>(key.bytes.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest, &size);
  INVARIANT(done != nullptr && size == 32);
  std::string token(kTokenStart);
  token += std::to_string(key.id);
  token += '_';
  append_hex(token, digest, kTokenDigits / 2);
  return token;
}

bool is_token(std::string_view text) {
  if (!text.starts_with(kTokenStart) || text.size() < kTokenStart.size() + 2 + kTokenDigits) return false;
  const auto digits = text.substr(text.size() - kTokenDigits);
  const auto key = text.substr(kTokenStart.size(), text.size() - kTokenDigits - 1 - kTokenStart.size());
  return key.size() <= kKeyDigitsMax && text[text.size() - kTokenDigits - 1] == '_' &&
         key.find_first_not_of("0123456789") == std::string_view::npos &&
         digits.find_first_not_of(kHex) == std::string_view::npos;
}

}  // namespace millrace::privacy
