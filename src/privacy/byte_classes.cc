#include "privacy/byte_classes.h"

#include <immintrin.h>

namespace millrace::privacy {

namespace {

// The classes of a byte are those that its two halves share.
constexpr int kDigit = 1, kSeparator = 2, kUnderscore = 4, kColon = 8, kHex = 16, kLow = 32, kHigh = 64;
constexpr int kOfCard = kDigit | kSeparator | kUnderscore;
constexpr int kOfWord = kDigit | kLow | kHigh;
constexpr int kOfHexWord = kDigit | kHex;

__m128i by_high_half() {
  return _mm_setr_epi8(kUnderscore, 0, kSeparator, kDigit | kColon, kHex | kLow, kHigh | kUnderscore,
                       kHex | kLow, kHigh, 0, 0, 0, 0, 0, 0, 0, 0);
}

__m128i by_low_half() {
  constexpr int d = kDigit | kHigh;
  return _mm_setr_epi8(d | kSeparator, d | kHex | kLow, d | kHex | kLow, d | kHex | kLow, d | kHex | kLow,
                       d | kHex | kLow | kSeparator, d | kHex | kLow, d | kLow, d | kLow,
                       d | kLow | kUnderscore, kHigh | kLow | kColon | kUnderscore, kLow | kSeparator, kLow,
                       kLow | kSeparator | kUnderscore, kLow | kSeparator, kLow | kSeparator | kUnderscore);
}

// The rare ones, each where its low half points; at all others, what cannot be there.
__m128i rare_by_low_half() {
  return _mm_setr_epi8('@', 0, 0, 0, 0, '%', '&', 0, 0, 0, 0, '+', '\\', 0, 0, 0);
}

std::uint64_t mask(__m128i bytes) { return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)); }

// Bytes that are of none of the classes.
__m128i of_none(__m128i classes, int wanted) {
  return _mm_cmpeq_epi8(_mm_and_si128(classes, _mm_set1_epi8(static_cast<char>(wanted))),
                        _mm_setzero_si128());
}

#define MILLRACE_WIDE __attribute__((target("avx2"), always_inline)) inline

MILLRACE_WIDE std::uint64_t wide_mask(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

MILLRACE_WIDE __m256i wide_of_none(__m256i classes, int wanted) {
  return _mm256_cmpeq_epi8(_mm256_and_si256(classes, _mm256_set1_epi8(static_cast<char>(wanted))),
                           _mm256_setzero_si256());
}

MILLRACE_WIDE __m256i wide_classes(__m256i bytes, __m256i high_table, __m256i low_table) {
  const __m256i half = _mm256_set1_epi8(0x0f);
  return _mm256_and_si256(
      _mm256_shuffle_epi8(high_table, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)),
      _mm256_shuffle_epi8(low_table, _mm256_and_si256(bytes, half)));
}

MILLRACE_WIDE __m256i wide_rare(__m256i bytes, __m256i rare_table) {
  return _mm256_cmpeq_epi8(bytes,
                           _mm256_shuffle_epi8(rare_table, _mm256_and_si256(bytes, _mm256_set1_epi8(0x0f))));
}

__attribute__((target("avx2"))) void classify_wide(const char* text, std::size_t blocks, ByteClasses* out) {
  const __m256i high_table = _mm256_broadcastsi128_si256(by_high_half());
  const __m256i low_table = _mm256_broadcastsi128_si256(by_low_half());
  const __m256i rare_table = _mm256_broadcastsi128_si256(rare_by_low_half());
  const __m256i dots = _mm256_set1_epi8('.');
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto* const from = reinterpret_cast<const __m256i*>(text + block * 64);
    const __m256i a = _mm256_loadu_si256(from);
    const __m256i b = _mm256_loadu_si256(from + 1);
    const __m256i of_a = wide_classes(a, high_table, low_table);
    const __m256i of_b = wide_classes(b, high_table, low_table);
    ByteClasses& classes = out[block];
    // Bytes beyond ASCII have their highest bit set, and no class.
    classes.card = ~wide_mask(_mm256_andnot_si256(a, wide_of_none(of_a, kOfCard)),
                              _mm256_andnot_si256(b, wide_of_none(of_b, kOfCard)));
    classes.digit = wide_mask(_mm256_slli_epi16(of_a, 7), _mm256_slli_epi16(of_b, 7));
    classes.dot = wide_mask(_mm256_cmpeq_epi8(a, dots), _mm256_cmpeq_epi8(b, dots));
    classes.colon = wide_mask(_mm256_slli_epi16(of_a, 4), _mm256_slli_epi16(of_b, 4));
    classes.word = ~wide_mask(wide_of_none(of_a, kOfWord), wide_of_none(of_b, kOfWord));
    classes.hex_word = ~wide_mask(wide_of_none(of_a, kOfHexWord), wide_of_none(of_b, kOfHexWord));
    classes.rare = wide_mask(wide_rare(a, rare_table), wide_rare(b, rare_table));
  }
}

#undef MILLRACE_WIDE

}  // namespace

void classify_bytes_narrow(const char* text, std::size_t blocks, ByteClasses* out) {
  const __m128i high_table = by_high_half();
  const __m128i low_table = by_low_half();
  const __m128i rare_table = rare_by_low_half();
  const __m128i half = _mm_set1_epi8(0x0f);
  const __m128i dots = _mm_set1_epi8('.');
  for (std::size_t block = 0; block < blocks; ++block) {
    ByteClasses classes;
    std::uint64_t no_card = 0, no_word = 0, no_hex_word = 0;
    for (int part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + block * 64 + part * 16));
      const __m128i low_half = _mm_and_si128(bytes, half);
      const __m128i of =
          _mm_and_si128(_mm_shuffle_epi8(high_table, _mm_and_si128(_mm_srli_epi16(bytes, 4), half)),
                        _mm_shuffle_epi8(low_table, low_half));
      const int shift = part * 16;
      no_card |= mask(_mm_andnot_si128(bytes, of_none(of, kOfCard))) << shift;
      no_word |= mask(of_none(of, kOfWord)) << shift;
      no_hex_word |= mask(of_none(of, kOfHexWord)) << shift;
      classes.digit |= mask(_mm_slli_epi16(of, 7)) << shift;
      classes.dot |= mask(_mm_cmpeq_epi8(bytes, dots)) << shift;
      classes.colon |= mask(_mm_slli_epi16(of, 4)) << shift;
      classes.rare |= mask(_mm_cmpeq_epi8(bytes, _mm_shuffle_epi8(rare_table, low_half))) << shift;
    }
    classes.card = ~no_card;
    classes.word = ~no_word;
    classes.hex_word = ~no_hex_word;
    out[block] = classes;
  }
}

void classify_bytes(const char* text, std::size_t blocks, ByteClasses* out) {
  static const bool kHasWide = __builtin_cpu_supports("avx2");
  kHasWide ? classify_wide(text, blocks, out) : classify_bytes_narrow(text, blocks, out);
}

}  // namespace millrace::privacy
