#include "collect/write_key.h"

#include <smmintrin.h>

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

// What sixteen letters stand for; where one is of no alphabet, `strange` is not zero after. A byte's high half tells what to add, but for
// the four letters that are neither digits nor of A to Z. After Wojciech Mula, http://0x80.pl/notesen/2016-01-17-sse-base64-decoding.html
__m128i digits_of(__m128i letters, __m128i& strange) {
  // By the low half of a letter, a bit for each high half that makes a letter of it.
  const __m128i known =
      _mm_setr_epi8(static_cast<char>(0xa8), static_cast<char>(0xf8), static_cast<char>(0xf8),
                    static_cast<char>(0xf8), static_cast<char>(0xf8), static_cast<char>(0xf8),
                    static_cast<char>(0xf8), static_cast<char>(0xf8), static_cast<char>(0xf8),
                    static_cast<char>(0xf8), static_cast<char>(0xf0), 0x54, 0x50, 0x54, 0x50, 0x74);
  const __m128i bits = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, static_cast<char>(0x80), 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i steps =
      _mm_setr_epi8(0, 0, 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const __m128i high = _mm_and_si128(_mm_srli_epi16(letters, 4), nibble);
  const __m128i low = _mm_and_si128(letters, nibble);
  const __m128i is_known = _mm_and_si128(_mm_shuffle_epi8(known, low), _mm_shuffle_epi8(bits, high));
  strange = _mm_or_si128(strange, _mm_cmpeq_epi8(is_known, _mm_setzero_si128()));
  const auto other = [letters](char letter, int step) {
    return _mm_and_si128(_mm_cmpeq_epi8(letters, _mm_set1_epi8(letter)),
                         _mm_set1_epi8(static_cast<char>(step)));
  };
  __m128i step = _mm_add_epi8(_mm_shuffle_epi8(steps, high), other('-', '+' - '-'));
  step = _mm_add_epi8(step, other('/', 63 - '/' - (62 - '+')));
  step = _mm_add_epi8(step, other('_', 63 - '_' + 'A'));
  return _mm_add_epi8(letters, step);
}

// Sixteen times six bits, as twelve bytes and four that are zero.
__m128i join_digits(__m128i digits) {
  const __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi32(0x01400140));
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
  return _mm_shuffle_epi8(fours, _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
}

Credential split_at_colon(std::string_view text) {
  const std::size_t colon = text.find(':');
  Credential credential;
  credential.write_key = text.substr(0, colon);
  if (colon != std::string_view::npos) credential.secret = text.substr(colon + 1);
  return credential;
}

}  // namespace

char* decode_base64(std::string_view text, char* out) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return nullptr;
  const auto digit = [&text](std::size_t i) {
    return static_cast<std::int32_t>(kBase64Digits[static_cast<unsigned char>(text[i])]);
  };
  __m128i strange = _mm_setzero_si128();  // Not zero once anything was no digit.
  std::size_t i = 0;
  for (; i + 16 <= text.size(); i += 16, out += 12) {
    const __m128i letters = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), join_digits(digits_of(letters, strange)));
  }
  std::int32_t seen = 0;  // Negative once anything was no digit.
  for (; i + 4 <= text.size(); i += 4) {
    const std::int32_t a = digit(i), b = digit(i + 1), c = digit(i + 2), d = digit(i + 3);
    seen |= a | b | c | d;
    const auto bits = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6 | d);
    *out++ = static_cast<char>(bits >> 16);
    *out++ = static_cast<char>(bits >> 8);
    *out++ = static_cast<char>(bits);
  }
  if (i < text.size()) {
    const std::int32_t a = digit(i), b = digit(i + 1), c = i + 2 < text.size() ? digit(i + 2) : 0;
    seen |= a | b | c;
    const auto bits = static_cast<std::uint32_t>(a << 18 | b << 12 | c << 6);
    *out++ = static_cast<char>(bits >> 16);
    if (i + 2 < text.size()) *out++ = static_cast<char>(bits >> 8);
  }
  return seen < 0 || !_mm_testz_si128(strange, strange) ? nullptr : out;
}

bool decode_base64(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + text.size() / 4 * 3 + 19);
  const char* const end = decode_base64(text, out.data() + before);
  out.resize(end == nullptr ? before : static_cast<std::size_t>(end - out.data()));
  return end != nullptr;
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
