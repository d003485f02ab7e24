#include "privacy/personal_scan.h"

#include <emmintrin.h>
#include <tmmintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "privacy/glyph.h"
#include "privacy/personal_forms.h"

namespace millrace::privacy {

namespace {

using Wide = unsigned __int128;

// Bits where a run of at least N set bits begins; N is a sum of powers of two below it.
template <int N>
std::uint64_t runs(Wide bits) {
  int have = 1;
  while (have * 2 <= N) {
    bits &= bits >> have;
    have *= 2;
  }
  if (have < N) bits &= bits >> (N - have);
  return static_cast<std::uint64_t>(bits);
}

Wide joined(std::uint64_t low, std::uint64_t high) { return static_cast<Wide>(high) << 64 | low; }

// The classes of a byte are those that its two halves share.
constexpr int kDigit = 1, kSeparator = 2, kUnderscore = 4, kColon = 8, kHex = 16, kLow = 32, kHigh = 64,
              kAt = 128;

__m128i by_high_half() {
  return _mm_setr_epi8(kUnderscore, 0, kSeparator, kDigit | kColon, static_cast<char>(kHex | kLow | kAt),
                       kHigh | kUnderscore, kHex | kLow, kHigh, kSeparator, kSeparator, kSeparator,
                       kSeparator, kSeparator, kSeparator, kSeparator, kSeparator);
}

// Bytes beyond ASCII are told apart below: their low half would need every bit. Ends of lines share a class with the
// underscore, and so do Y, Z and ], which cost a closer look and nothing else.
__m128i by_low_half() {
  constexpr int d = kDigit | kHigh;
  return _mm_setr_epi8(static_cast<char>(d | kSeparator | kAt), d | kHex | kLow, d | kHex | kLow,
                       d | kHex | kLow, d | kHex | kLow, d | kHex | kLow | kSeparator, d | kHex | kLow,
                       d | kLow, d | kLow, d | kLow | kUnderscore, kHigh | kLow | kColon | kUnderscore,
                       kLow | kSeparator, kLow, kLow | kSeparator | kUnderscore, kLow,
                       kLow | kSeparator | kUnderscore);
}

// The highest bit of each byte, `shift` moving the wanted one there.
template <int Shift>
std::uint64_t mask(__m128i classes) {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_slli_epi16(classes, Shift)));
}
std::uint64_t equal(__m128i bytes, char c) {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(c))));
}

}  // namespace

std::string_view to_string(Personal kind) {
  constexpr std::string_view kNames[] = {"card", "email", "phone", "iban", "ip"};
  return kNames[static_cast<std::size_t>(kind)];
}

void PersonalScan::classify(std::string_view text) {
  const std::size_t count = text.size() / 64 + 1;
  // One more stays empty, so that a block always has a next.
  if (blocks_.size() < count + 1) blocks_.resize(count + 1);
  blocks_[count] = {};
  count_ = count;
  const __m128i high_table = by_high_half();
  const __m128i low_table = by_low_half();
  const __m128i half = _mm_set1_epi8(0x0f);
  char last[64] = {};
  std::uint64_t any = 0;
  for (std::size_t block = 0; block < count; ++block) {
    const char* from = text.data() + block * 64;
    if (block + 1 == count) {
      std::memcpy(last, from, text.size() - block * 64);
      from = last;
    }
    Classes out;
    for (int part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + part * 16));
      const __m128i high = _mm_shuffle_epi8(high_table, _mm_and_si128(_mm_srli_epi16(bytes, 4), half));
      const __m128i low = _mm_shuffle_epi8(low_table, _mm_and_si128(bytes, half));
      const __m128i classes = _mm_and_si128(high, low);
      const int shift = part * 16;
      const std::uint64_t dot = equal(bytes, '.');
      const std::uint64_t beyond = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
      out.digit |= mask<7>(classes) << shift;
      out.separator |= (mask<6>(classes) | mask<5>(classes) | beyond | dot) << shift;
      out.colon |= mask<4>(classes) << shift;
      out.hex |= mask<3>(classes) << shift;
      out.letter |= (mask<2>(classes) | mask<1>(classes)) << shift;
      out.at |= mask<0>(classes) << shift;
      out.dot |= dot << shift;
      out.percent |= equal(bytes, '%') << shift;
      out.plus |= equal(bytes, '+') << shift;
      const __m128i escape =
          _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('&')));
      out.escape |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(escape)))
                    << shift;
    }
    blocks_[block] = out;
    any |= out.escape | out.percent;
  }
  has_escapes_ = any != 0;
}

void PersonalScan::classify_escapes() {
  for (std::size_t block = 0; block < count_; ++block) {
    std::uint64_t starts = blocks_[block].escape | blocks_[block].percent;
    while (starts != 0) {
      const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
      starts &= starts - 1;
      const Glyph glyph = read_glyph(text_, at);
      if (glyph.kind == Glyph::Kind::other) continue;
      for (std::size_t i = at; i < at + glyph.size; ++i)
        blocks_[i / 64].separator |= std::uint64_t{1} << i % 64;
    }
  }
}

void PersonalScan::find(std::string_view text, PersonalSet kinds, std::vector<PersonalSpan>& found) {
  found.clear();
  if (text.size() < 6 || text.size() > UINT32_MAX) return;
  text_ = text;
  found_ = &found;
  card_done_ = coded_done_ = ipv4_done_ = ipv6_done_ = 0;
  has_tokens_ = text.find("tok_") != std::string_view::npos;
  classify(text);
  if (has_escapes_ && (kinds & bit(Personal::card))) classify_escapes();
  for (std::size_t block = 0; block < count_; ++block) {
    if (kinds & bit(Personal::email)) look_for_emails(block);
    if (kinds & bit(Personal::card)) {
      look_for_cards(block);
      look_for_coded(block);
    }
    if (kinds & bit(Personal::iban)) look_for_ibans(block);
    if (kinds & bit(Personal::phone)) look_for_phones(block);
    if (kinds & bit(Personal::ip)) look_for_ips(block);
  }
  if (found.size() < 2) return;
  // Where two overlap, the one that begins first stays, then the longer one.
  std::sort(found.begin(), found.end(), [](const PersonalSpan& a, const PersonalSpan& b) {
    return a.from != b.from ? a.from < b.from : a.to > b.to;
  });
  // A card that another span covers in part must not survive it: they become one.
  std::size_t kept = 0;
  for (std::size_t i = 1; i < found.size(); ++i) {
    if (found[i].from < found[kept].to) {
      found[kept].to = std::max(found[kept].to, found[i].to);
    } else {
      found[++kept] = found[i];
    }
  }
  found.resize(kept + 1);
}

void PersonalScan::look_for_cards(std::size_t block) {
  const Classes& now = blocks_[block];
  const Classes& next = blocks_[block + 1];
  std::uint64_t starts = runs<13>(joined(now.digit | now.separator, next.digit | next.separator));
  // Of each run, its first bit here is enough: the check goes to its end.
  while (starts != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
    starts &= starts - 1;
    if (at >= card_done_) check_card_run(at);
  }
}

void PersonalScan::look_for_coded(std::size_t block) {
  const Classes& now = blocks_[block];
  const Classes& next = blocks_[block + 1];
  // 13 digits are 16 characters at least, of which some are no hexadecimal digits.
  const Wide word = joined(now.digit | now.letter, next.digit | next.letter);
  const Wide other = word & ~joined(now.digit | now.hex, next.digit | next.hex);
  std::uint64_t starts = runs<16>(word);
  if (starts == 0 || other == 0) return;
  while (starts != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
    starts &= starts - 1;
    if (at >= coded_done_) check_coded(at);
  }
}

void PersonalScan::look_for_ips(std::size_t block) {
  const Classes& now = blocks_[block];
  const Classes& next = blocks_[block + 1];
  if ((now.dot | next.dot) != 0) {
    std::uint64_t starts = runs<7>(joined(now.digit | now.dot, next.digit | next.dot));
    while (starts != 0) {
      const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
      starts &= starts - 1;
      if (at >= ipv4_done_) check_ipv4(at);
    }
  }
  if (now.colon == 0) return;
  const Wide colons = joined(now.colon, next.colon);
  const std::uint64_t doubled = static_cast<std::uint64_t>(colons & (colons >> 1));
  std::uint64_t starts =
      runs<14>(joined(now.hex | now.digit | now.colon, next.hex | next.digit | next.colon));
  // Eight groups have 14 characters at least from their first colon on.
  starts = doubled | (starts & now.colon);
  while (starts != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
    starts &= starts - 1;
    if (at >= ipv6_done_) check_ipv6(at);
  }
}

void PersonalScan::look_for_ibans(std::size_t block) {
  const Classes& now = blocks_[block];
  const Classes& next = blocks_[block + 1];
  const Wide letter = joined(now.letter, next.letter);
  const Wide digit = joined(now.digit, next.digit);
  std::uint64_t starts = static_cast<std::uint64_t>(letter & (letter >> 1) & (digit >> 2) & (digit >> 3));
  const std::uint64_t word = now.letter | now.digit;
  const std::uint64_t before = block == 0 ? 0 : (blocks_[block - 1].letter | blocks_[block - 1].digit) >> 63;
  starts &= ~(word << 1 | before);
  while (starts != 0) {
    check_iban(block * 64 + static_cast<std::size_t>(std::countr_zero(starts)));
    starts &= starts - 1;
  }
}

void PersonalScan::look_for_emails(std::size_t block) {
  std::uint64_t starts = blocks_[block].at;
  std::uint64_t percents = blocks_[block].percent;
  while (starts != 0) {
    check_email(block * 64 + static_cast<std::size_t>(std::countr_zero(starts)), 1);
    starts &= starts - 1;
  }
  while (percents != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(percents));
    percents &= percents - 1;
    if (text_.substr(at, 3) == "%40") check_email(at, 3);
  }
}

void PersonalScan::look_for_phones(std::size_t block) {
  std::uint64_t starts = blocks_[block].plus;
  std::uint64_t percents = blocks_[block].percent;
  while (starts != 0) {
    check_phone(block * 64 + static_cast<std::size_t>(std::countr_zero(starts)), 1);
    starts &= starts - 1;
  }
  while (percents != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(percents));
    percents &= percents - 1;
    const auto code = text_.substr(at, 3);
    if (code == "%2B" || code == "%2b") check_phone(at, 3);
  }
}

void PersonalScan::check_email(std::size_t at, std::size_t at_size) {
  const std::size_t from = email_begin(text_, at);
  const std::size_t to = email_end(text_, at + at_size);
  if (from < at && to > at + at_size) add(from, to, Personal::email);
}

void PersonalScan::check_phone(std::size_t plus, std::size_t plus_size) {
  const std::size_t to = phone_end(text_, plus, plus_size);
  if (to > plus) add(plus, to, Personal::phone);
}

void PersonalScan::check_iban(std::size_t from) {
  const std::size_t to = iban_end(text_, from);
  // One id in a thousand would be an account number otherwise.
  if (to > from && !inside_hexadecimal(text_, from, to)) add(from, to, Personal::iban);
}

void PersonalScan::check_ipv4(std::size_t from) {
  std::size_t to = from;
  while (to < text_.size() && (is_digit(text_[to]) || text_[to] == '.')) ++to;
  ipv4_done_ = to;
  const auto run = text_.substr(from, to - from);
  const std::size_t trimmed = run.find_last_not_of('.') + 1;  // The end of a sentence.
  if (is_ipv4(run.substr(0, trimmed)) && may_begin_address(text_, from) &&
      may_end_address(text_, from + trimmed)) {
    add(from, from + trimmed, Personal::ip);
  }
}

void PersonalScan::check_ipv6(std::size_t colon) {
  const auto belongs = [](char c) { return is_hex(c) || c == ':' || c == '.'; };
  std::size_t from = colon, to = colon;
  while (from > 0 && belongs(text_[from - 1]) && colon - from < 48) --from;
  while (to < text_.size() && belongs(text_[to]) && to - from < 64) ++to;
  ipv6_done_ = std::max(ipv6_done_, to);
  // A time or a key before it: "at:2001:db8::1" is taken from its first group that fits.
  if (from < to && text_[from] == ':' && text_.substr(from, 2) != "::") ++from;
  while (to > from && (text_[to - 1] == '.' || (text_[to - 1] == ':' && text_.substr(to - 2, 2) != "::")))
    --to;
  if (is_ipv6(text_.substr(from, to - from)) && may_begin_address(text_, from) &&
      may_end_address(text_, to)) {
    add(from, to, Personal::ip);
  }
}

}  // namespace millrace::privacy
