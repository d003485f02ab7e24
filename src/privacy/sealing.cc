#include "privacy/sealing.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace millrace::privacy {

namespace {

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

void fill_random(base::Random& random, std::uint8_t* into, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 8) {
    const std::uint64_t word = random.next();
    for (std::size_t i = 0; i < 8 && at + i < bytes; ++i)
      into[at + i] = static_cast<std::uint8_t>(word >> (8 * i));
  }
}

void wipe(void* bytes, std::size_t size) { OPENSSL_cleanse(bytes, size); }

Sealed seal(const KeyBytes& key, base::Random& random, std::string_view associated, std::string_view plain) {
  Sealed out;
  fill_random(random, out.nonce.data(), out.nonce.size());
  out.bytes.resize(plain.size() + kTagBytes);
  auto* into = reinterpret_cast<unsigned char*>(out.bytes.data());
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  bool done =
      cipher != nullptr &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), out.nonce.data()) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes_of(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), into, &size, bytes_of(plain), static_cast<int>(plain.size())) == 1;
  done = done && EVP_EncryptFinal_ex(cipher.get(), into + plain.size(), &size) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, into + plain.size()) == 1;
  INVARIANT(done);
  return out;
}

base::Result<std::string> unseal(const KeyBytes& key, const Nonce& nonce, std::string_view associated,
                                 std::string_view bytes) {
  const base::Error bad(base::ErrorCode::corrupt, "what was sealed does not open");
  if (bytes.size() < kTagBytes) return bad;
  std::string plain(bytes.size() - kTagBytes, '\0');
  std::array<unsigned char, kTagBytes> tag{};
  std::copy_n(bytes_of(bytes) + plain.size(), kTagBytes, tag.data());
  auto* into = reinterpret_cast<unsigned char*>(plain.data());
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int size = 0;
  const bool opened =
      cipher != nullptr &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes_of(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), into, &size, bytes_of(bytes), static_cast<int>(plain.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), into + plain.size(), &size) == 1;
  if (!opened) return bad;
  return plain;
}

}  // namespace millrace::privacy
