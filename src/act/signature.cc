#include "act/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/result.h"

namespace millrace::act {

std::string sign(std::string_view secret, std::int64_t unix_s, std::string_view body) {
  const std::string time = std::to_string(unix_s);
  std::string message = time;
  message.append(".").append(body);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const unsigned char* done =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest, &size);
  INVARIANT(done != nullptr && size == 32);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string header = "t=" + time + ",v1=";
  for (unsigned i = 0; i < size; ++i) {
    header += kHex[digest[i] >> 4];
    header += kHex[digest[i] & 15];
  }
  return header;
}

}  // namespace millrace::act
