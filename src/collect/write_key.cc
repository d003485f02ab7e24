#include "collect/write_key.h"

#include <cstdint>

namespace millrace::collect {

namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

Credential split_at_colon(std::string_view text) {
  const std::size_t colon = text.find(':');
  Credential credential;
  credential.write_key = text.substr(0, colon);
  if (colon != std::string_view::npos) credential.secret = text.substr(colon + 1);
  return credential;
}

}  // namespace

bool decode_base64(std::string_view text, std::string& out) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return false;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return false;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xff);
    }
  }
  return true;
}

Credential credential_of(const http::Request& request) {
  if (const auto own = request.header("x-write-key"); !own.empty()) return split_at_colon(own);
  const auto authorization = request.header("authorization");
  if (authorization.size() > 6 && http::equals_ignoring_case(authorization.substr(0, 6), "basic ")) {
    std::string decoded;
    if (decode_base64(authorization.substr(6), decoded)) {
      if (auto credential = split_at_colon(decoded); credential.present()) return credential;
    }
  }
  Credential credential;
  credential.write_key = request.query_value("writeKey");
  return credential;
}

}  // namespace millrace::collect
