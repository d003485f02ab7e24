#include "privacy/personal_scan.h"

#include <algorithm>
#include <bit>

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

// Whether N set bits in a row begin in `now`; N is 9 to 16.
template <int N>
bool has_run(std::uint64_t now, std::uint64_t next) {
  if (std::countl_one(now) + std::countr_one(next) >= N) return true;
  std::uint64_t bits = now & (now >> 1);
  bits &= bits >> 2;
  bits &= bits >> 4;
  return (bits & (bits >> (N - 8))) != 0;
}

// Places right behind a word, unless what looks like its end may be that of an escape: \n, %3D, %253D, \u00e9.
std::uint64_t behind_words(const ByteClasses& now, const ByteClasses& before) {
  const std::uint64_t words = now.word << 1 | before.word >> 63;
  const std::uint64_t escapes = (now.rare << 2 | before.rare >> 62) | (now.rare << 3 | before.rare >> 61) |
                                (now.rare << 5 | before.rare >> 59) | (now.rare << 6 | before.rare >> 58);
  return words & ~escapes;
}

}  // namespace

std::string_view to_string(Personal kind) {
  constexpr std::string_view kNames[] = {"card", "email", "phone", "iban", "ip"};
  return kNames[static_cast<std::size_t>(kind)];
}

void PersonalScan::classify(std::string_view text) {
  const std::size_t whole = text.size() / 64;
  count_ = whole + 1;
  // One more stays empty, so that a block always has a next.
  if (blocks_.size() < count_ + 1) blocks_.resize(count_ + 1);
  classify_bytes(text.data(), whole, blocks_.data());
  char last[64] = {};
  text.substr(whole * 64).copy(last, sizeof last);
  classify_bytes(last, 1, &blocks_[whole]);
  blocks_[count_] = {};
}

void PersonalScan::classify_escapes() {
  for (std::size_t block = 0; block < count_; ++block) {
    std::uint64_t starts = blocks_[block].rare;
    while (starts != 0) {
      const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
      starts &= starts - 1;
      if (text_[at] == '@' || text_[at] == '+') continue;
      const Glyph glyph = read_glyph(text_, at);
      if (glyph.kind == Glyph::Kind::other) continue;
      for (std::size_t i = at; i < at + glyph.size; ++i) blocks_[i / 64].card |= std::uint64_t{1} << i % 64;
    }
  }
}

// `word_before`: places right behind a word.
inline void PersonalScan::look_for_ibans(const ByteClasses& now, const ByteClasses& next,
                                         std::uint64_t word_before, std::size_t at) {
  const std::uint64_t letter = now.word & ~now.digit;
  const std::uint64_t second = letter >> 1 | (next.word & ~next.digit) << 63;
  std::uint64_t starts = letter & second & (now.digit >> 2 | next.digit << 62) &
                         (now.digit >> 3 | next.digit << 61) & ~word_before;
  while (starts != 0) {
    check_iban(at + static_cast<std::size_t>(std::countr_zero(starts)));
    starts &= starts - 1;
  }
}

void PersonalScan::find(std::string_view text, PersonalSet kinds, std::vector<PersonalSpan>& found) {
  found.clear();
  if (text.size() < 6 || text.size() > UINT32_MAX) return;
  text_ = text;
  found_ = &found;
  card_done_ = coded_done_ = ipv4_done_ = ipv6_done_ = 0;
  has_tokens_.reset();
  classify(text);
  const bool cards = (kinds & bit(Personal::card)) != 0;
  if (cards) classify_escapes();
  std::size_t dots = 0, colons = 0;  // Between digits; behind hexadecimal digits.
  std::uint64_t doubled = 0;
  ByteClasses before;
  for (std::size_t block = 0; block < count_; ++block) {
    const ByteClasses& now = blocks_[block];
    const ByteClasses& next = blocks_[block + 1];
    if (now.rare != 0) look_for_emails_and_phones(block, kinds);
    if (cards && has_run<13>(now.card, next.card)) look_for_cards(block);
    if (cards && has_run<16>(now.word, next.word)) look_for_coded(block);
    if (kinds & bit(Personal::iban)) look_for_ibans(now, next, behind_words(now, before), block * 64);
    dots += static_cast<std::size_t>(
        std::popcount(now.dot & (now.digit << 1 | before.digit >> 63) & (now.digit >> 1 | next.digit << 63)));
    colons +=
        static_cast<std::size_t>(std::popcount(now.colon & (now.hex_word << 1 | before.hex_word >> 63)));
    doubled |= now.colon & (now.colon << 1 | before.colon >> 63);
    before = now;
  }
  if (kinds & bit(Personal::ip)) {
    if (dots >= 3) look_for_ipv4();
    // Eight groups, of which the last two may be an IPv4 address, have six colons before the last.
    if (doubled != 0 || colons >= 6) look_for_ipv6();
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
  std::uint64_t starts = runs<13>(joined(blocks_[block].card, blocks_[block + 1].card));
  // Of each run, its first bit here is enough: the check goes to its end.
  while (starts != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
    starts &= starts - 1;
    if (at >= card_done_) check_card_run(at);
  }
}

void PersonalScan::look_for_coded(std::size_t block) {
  const ByteClasses& now = blocks_[block];
  const ByteClasses& next = blocks_[block + 1];
  // 13 digits are 16 characters at least, of which some are no hexadecimal digits.
  if (((now.word & ~now.hex_word) | (next.word & ~next.hex_word)) == 0) return;
  std::uint64_t starts = runs<16>(joined(now.word, next.word));
  while (starts != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
    starts &= starts - 1;
    if (at >= coded_done_) check_coded(at);
  }
}

void PersonalScan::look_for_ipv4() {
  for (std::size_t block = 0; block < count_; ++block) {
    const ByteClasses& now = blocks_[block];
    const ByteClasses& next = blocks_[block + 1];
    if ((now.dot | next.dot) == 0) continue;
    std::uint64_t starts = runs<7>(joined(now.digit | now.dot, next.digit | next.dot));
    while (starts != 0) {
      const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
      starts &= starts - 1;
      if (at >= ipv4_done_) check_ipv4(at);
    }
  }
}

void PersonalScan::look_for_ipv6() {
  for (std::size_t block = 0; block < count_; ++block) {
    const ByteClasses& now = blocks_[block];
    const ByteClasses& next = blocks_[block + 1];
    if (now.colon == 0) continue;
    const Wide colons = joined(now.colon, next.colon);
    const std::uint64_t doubled = static_cast<std::uint64_t>(colons & (colons >> 1));
    std::uint64_t starts = runs<14>(joined(now.hex_word | now.colon, next.hex_word | next.colon));
    // Eight groups have 14 characters at least from their first colon on.
    starts = doubled | (starts & now.colon);
    while (starts != 0) {
      const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
      starts &= starts - 1;
      if (at >= ipv6_done_) check_ipv6(at);
    }
  }
}

void PersonalScan::look_for_emails_and_phones(std::size_t block, PersonalSet kinds) {
  const bool emails = (kinds & bit(Personal::email)) != 0;
  const bool phones = (kinds & bit(Personal::phone)) != 0;
  std::uint64_t starts = blocks_[block].rare;
  while (starts != 0) {
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(starts));
    starts &= starts - 1;
    if (text_[at] == '@' && emails) check_email(at, 1);
    if (text_[at] == '+' && phones) check_phone(at, 1);
    if (text_[at] != '%') continue;
    // An address inside an address is encoded twice: %2540.
    std::size_t size = 1;
    while (at + size < text_.size() && text_.substr(at + size, 2) == "25") size += 2;
    const auto code = text_.substr(std::min(at + size, text_.size()), 2);
    if (emails && code == "40") check_email(at, size + 2);
    if (phones && (code == "2B" || code == "2b")) check_phone(at, size + 2);
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
  const bool in_word = from > 0 && (is_digit(text_[from - 1]) || is_letter(text_[from - 1]));
  if (in_word && !is_behind_escape(text_, from)) return;
  const std::size_t to = iban_end(text_, from);
  // One id in a thousand would be an account number otherwise. The digits of an escape before it are not of it.
  const std::size_t word = in_word ? from : 0;
  if (to > from && !inside_hexadecimal(text_.substr(word), from - word, to - word))
    add(from, to, Personal::iban);
}

void PersonalScan::check_ipv4(std::size_t from) {
  std::size_t to = from;
  while (to < text_.size() && (is_digit(text_[to]) || text_[to] == '.')) ++to;
  ipv4_done_ = to;
  from = std::min(behind_percent_escape(text_, from), to);
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
  from = std::min(behind_percent_escape(text_, from), to);
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
