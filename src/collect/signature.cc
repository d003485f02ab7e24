#include "collect/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/result.h"

namespace millrace::collect {

namespace {

std::string to_hex(const unsigned char* bytes, unsigned size) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[bytes[i] >> 4];
    text += kHex[bytes[i] & 15];
  }
  return text;
}

std::string to_base64(const unsigned char* bytes, unsigned size) {
  unsigned char text[4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1];
  const int written = EVP_EncodeBlock(text, bytes, static_cast<int>(size));
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(written)};
}

}  // namespace

std::string signature_of(std::string_view body, std::string_view secret, SignatureCoding coding) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const unsigned char* const done =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest, &size);
  INVARIANT(done != nullptr && size == 32);
  return coding == SignatureCoding::hex ? to_hex(digest, size) : to_base64(digest, size);
}

bool equals_in_constant_time(std::string_view given, std::string_view right) {
  unsigned difference = given.size() == right.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(right.empty() ? 0 : right[i % right.size()]);
  }
  return difference == 0;
}

}  // namespace millrace::collect
