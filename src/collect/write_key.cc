#include "collect/write_key.h"

#include <array>
#include <cstdint>

namespace millrace::collect {

namespace {

constexpr std::array<std::int8_t, 256> kBase64Digits = [] {
  std::array<std::int8_t, 256> digits{};
  digits.fill(-1);
  for (int i = 0; i < 26; ++i) {
    digits[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(i);
    digits[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(i + 26);
  }
  for (int i = 0; i < 10; ++i) digits[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i + 52);
  digits['+'] = digits['-'] = 62;
  digits['/'] = digits['_'] = 63;
  return digits;
}();

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
  const std::size_t before = out.size();
  out.resize(before + text.size() / 4 * 3 + (text.size() % 4 == 0 ? 0 : text.size() % 4 - 1));
  char* to = out.data() + before;
  const auto digit = [&text](std::size_t i) {
    return static_cast<std::int32_t>(kBase64Digits[static_cast<unsigned char>(text[i])]);
  };
  std::int32_t seen = 0;  // Negative once anything was no digit.
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const std::int32_t a = digit(i), b = digit(i + 1), c = digit(i + 2), d = digit(i + 3);
    seen |= a | b | c | d;
    const auto bits = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6 | d);
    *to++ = static_cast<char>(bits >> 16);
    *to++ = static_cast<char>(bits >> 8);
    *to++ = static_cast<char>(bits);
  }
  if (i < text.size()) {
    const std::int32_t a = digit(i), b = digit(i + 1), c = i + 2 < text.size() ? digit(i + 2) : 0;
    seen |= a | b | c;
    const auto bits = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6);
    *to++ = static_cast<char>(bits >> 16);
    if (i + 2 < text.size()) *to = static_cast<char>(bits >> 8);
  }
  if (seen < 0) out.resize(before);
  return seen >= 0;
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
