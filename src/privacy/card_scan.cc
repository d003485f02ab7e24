// The card numbers in a run of digits and what may stand between them.
#include <algorithm>
#include <array>
#include <cstdint>

#include "privacy/article_number.h"
#include "privacy/glyph.h"
#include "privacy/key_ring.h"
#include "privacy/personal_forms.h"
#include "privacy/personal_scan.h"

namespace millrace::privacy {

namespace {

constexpr std::size_t kCardDigitsMin = 13;
constexpr std::size_t kCardDigitsMax = 19;
constexpr int kGapMax = 3;  // Characters between two groups.
constexpr std::string_view kLargest64 = "18446744073709551615";
constexpr std::size_t kTokenBytesMax = 4 + 10 + 1 + 32;
constexpr std::size_t kUuidBytes = 36;
constexpr std::size_t kHashBytesMax = 64;

// Without initial values: a window of them is made for every run, and few of them are filled.
struct Group {
  std::size_t from, to;  // In the text.
  std::size_t size;      // Digits; the first kCardDigitsMax of them are kept.
  bool after_mark;       // There is a mark in the gap before it.
  std::array<char, kCardDigitsMax> digits;
};

// The last groups, as many as a number can have.
class Window {
 public:
  static constexpr std::size_t kGroups = kCardDigitsMax;

  void clear() { count_ = 0; }
  void add(const Group& group) {
    if (count_ == kGroups) {
      std::move(groups_.begin() + 1, groups_.end(), groups_.begin());
      --count_;
    }
    groups_[count_++] = group;
  }
  std::size_t count() const { return count_; }
  const Group& operator[](std::size_t i) const { return groups_[i]; }

 private:
  std::array<Group, kGroups> groups_;
  std::size_t count_ = 0;
};

// Marks separate what is no card as often: they count only where a card has its gaps, or where every group is as
// small as the next.
bool marks_as_on_card(const Window& window, std::size_t first) {
  bool marks = false;
  for (std::size_t i = first + 1; i < window.count(); ++i) marks = marks || window[i].after_mark;
  if (!marks) return true;
  const std::size_t groups = window.count() - first;
  if (groups == 3) return window[first].size == 4 && window[first + 1].size == 6;
  const auto all = [&](std::size_t size, std::size_t among) {
    for (std::size_t i = first; i < first + among; ++i) {
      if (window[i].size != size) return false;
    }
    return true;
  };
  if (groups == 4 || groups == 5) return all(4, 4);
  return (groups >= 7 && all(2, groups - 1)) || (groups >= kCardDigitsMin && all(1, groups));
}

// "tok_", by its rarest character.
bool holds_token_mark(std::string_view text) {
  for (std::size_t at = text.find('_'); at != std::string_view::npos; at = text.find('_', at + 1)) {
    if (text.substr(0, at).ends_with("tok")) return true;
  }
  return false;
}

// Where the token that `at` lies in ends; `at` when it lies in none.
std::size_t token_end(std::string_view text, std::size_t at) {
  const std::size_t back = std::min(at, kTokenBytesMax);
  const std::size_t start = text.substr(at - back, back).rfind("tok_");
  if (start == std::string_view::npos) return at;
  const auto rest = text.substr(at - back + start);
  const std::size_t cut = rest.find('_', 4);
  if (cut == std::string_view::npos || cut + 33 > rest.size()) return at;
  const auto token = rest.substr(0, cut + 33);
  const std::size_t end = at - back + start + token.size();
  // A number that only looks like a token has no letters.
  const bool letters = token.find_first_of("abcdef", cut) != std::string_view::npos;
  return end > at && letters && is_token(token) ? end : at;
}

// A card in a row of more digits than numbers have in computers: with others right before or behind it.
bool holds_card(std::string_view digits) {
  for (std::size_t at = 0; at + 15 <= digits.size(); ++at) {
    const auto rest = digits.substr(at);
    const bool express = rest[0] == '3' && (rest[1] == '4' || rest[1] == '7');
    if (is_card(rest.substr(0, express ? 15 : std::min<std::size_t>(rest.size(), 16)))) return true;
  }
  return false;
}

// "0.4111111111111111" as a value of a JSON text.
bool is_fraction(std::string_view json, std::size_t from, std::size_t to) {
  if (from < 2 || json[from - 1] != '.' || !is_digit(json[from - 2])) return false;
  if (json.front() != '{' && json.front() != '[') return false;
  std::size_t before = from - 2;
  while (before > 0 && (is_digit(json[before - 1]) || json[before - 1] == '-')) --before;
  while (before > 0 && (json[before - 1] == ' ' || json[before - 1] == '\n')) --before;
  constexpr std::string_view kBefore = ":,[", kAfter = ",]} \n\r\teE";
  return before > 0 && kBefore.find(json[before - 1]) != std::string_view::npos && to < json.size() &&
         kAfter.find(json[to]) != std::string_view::npos;
}

bool has_letter(std::string_view word) { return std::any_of(word.begin(), word.end(), is_letter); }

bool is_hash(std::string_view word) {
  const std::size_t size = word.size();
  return (size == 24 || size == 32 || size == 40 || size == kHashBytesMax) && has_letter(word);
}

bool is_uuid(std::string_view word) {
  for (std::size_t i = 0; i < kUuidBytes; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? word[i] != '-' : !is_hex(word[i])) return false;
  }
  return has_letter(word);
}

std::size_t read_group(std::string_view text, std::size_t at, Group& group) {
  group.from = at;
  group.size = 0;
  while (at < text.size()) {
    const Glyph glyph = read_glyph(text, at);
    if (glyph.kind != Glyph::Kind::digit) break;
    if (group.size < kCardDigitsMax) group.digits[group.size] = static_cast<char>('0' + glyph.digit);
    ++group.size;
    at += glyph.size;
  }
  group.to = at;
  return at;
}

// Where the longest number that ends with the newest group begins; npos when none does.
std::size_t number_start(std::string_view text, const Window& window) {
  std::array<char, kCardDigitsMax> digits{};
  const std::size_t to = window[window.count() - 1].to;
  for (std::size_t first = 0; first < window.count(); ++first) {
    std::size_t count = 0;
    for (std::size_t i = first; i < window.count(); ++i) count += window[i].size;
    if (count < kCardDigitsMin) break;
    if (count > kCardDigitsMax || !marks_as_on_card(window, first)) continue;
    auto* end = digits.data();
    for (std::size_t i = first; i < window.count(); ++i)
      end = std::copy_n(window[i].digits.data(), window[i].size, end);
    const std::size_t from = window[first].from;
    if (!is_card({digits.data(), count}) || inside_hexadecimal(text, from, to)) continue;
    if (first + 1 == window.count() && (is_fraction(text, from, to) || is_article(text, from, to))) continue;
    return from;
  }
  return std::string_view::npos;
}

}  // namespace

bool inside_hexadecimal(std::string_view text, std::size_t from, std::size_t to) {
  bool dashes = false;
  for (std::size_t i = from; i < to; ++i) {
    if (!is_hex(text[i]) && text[i] != '-') return false;
    dashes = dashes || text[i] == '-';
  }
  std::size_t begin = from, end = to;
  while (begin > 0 && from - begin < kHashBytesMax && is_hex(text[begin - 1])) --begin;
  while (end < text.size() && end - to < kHashBytesMax && is_hex(text[end])) ++end;
  if (!dashes && is_hash(text.substr(begin, end - begin))) return true;
  // With digits of a UUID's a number is none either, wherever it begins or ends.
  for (std::size_t at = from < kUuidBytes ? 0 : from - kUuidBytes + 1;
       at < to && at + kUuidBytes <= text.size(); ++at) {
    const bool apart = (at == 0 || !is_hex(text[at - 1])) &&
                       (at + kUuidBytes == text.size() || !is_hex(text[at + kUuidBytes]));
    if (apart && is_uuid(text.substr(at, kUuidBytes))) return true;
  }
  return false;
}

// Digits in one row that are more than a number's own: with zeros before it, or others beside it.
void PersonalScan::check_group(std::size_t from, std::size_t to, std::size_t size) {
  if (size <= kCardDigitsMin || (size <= kCardDigitsMax && read_glyph(text_, from).digit != 0)) return;
  if (is_fraction(text_, from, to) || inside_hexadecimal(text_, from, to)) return;
  digits_.clear();
  for (std::size_t at = from; at < to;) {
    const Glyph glyph = read_glyph(text_, at);
    digits_ += static_cast<char>('0' + glyph.digit);
    at += glyph.size;
  }
  std::string_view digits = digits_;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  const bool may_be_64_bits =
      digits_.size() < kLargest64.size() || (digits_.size() == kLargest64.size() && digits_ <= kLargest64);
  if (is_card(digits) || (!may_be_64_bits && holds_card(digits_))) add(from, to, Personal::card);
}

void PersonalScan::check_exponent(std::size_t from) {
  std::size_t to = from;
  if (!expand_exponent(text_, from, to, digits_) || !is_card(digits_)) return;
  const char before = from == 0 ? ' ' : text_[from - 1];
  const char after = to < text_.size() ? text_[to] : ' ';
  if (is_digit(before) || is_letter(before) || before == '.' || is_digit(after) || is_letter(after)) return;
  if (!inside_hexadecimal(text_, from, to)) add(from, to, Personal::card);
}

void PersonalScan::check_card_run(std::size_t from) {
  if (!has_tokens_) has_tokens_ = holds_token_mark(text_);
  Window window;
  Group group;
  std::size_t at = from;
  int gap = kGapMax + 1;  // Characters since the last group, if there is one.
  bool mark = false;
  while (at < text_.size()) {
    const Glyph glyph = read_glyph(text_, at);
    if (glyph.kind == Glyph::Kind::other) {
      at += glyph.size;
      // A run that the classes see may go on behind what separates nothing.
      if (glyph.size == 1 && static_cast<unsigned char>(text_[at - 1]) < 0x80) break;
      gap = kGapMax + 1;
    } else if (glyph.kind != Glyph::Kind::digit) {
      at += glyph.size;
      mark = mark || glyph.kind == Glyph::Kind::mark;
      ++gap;
    } else if (const std::size_t past = *has_tokens_ ? token_end(text_, at) : at; past > at) {
      at = past;
      gap = kGapMax + 1;
    } else {
      if (gap > kGapMax) window.clear();
      at = read_group(text_, at, group);
      group.after_mark = mark;
      gap = 0;
      mark = false;
      check_group(group.from, at, group.size);
      if (at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
        const bool joined = window.count() > 0 && group.from == window[window.count() - 1].to + 1;
        check_exponent(joined ? window[window.count() - 1].from : group.from);
      }
      if (group.size > kCardDigitsMax) {
        window.clear();
        continue;
      }
      window.add(group);
      // Not the end: 16 digits may begin one of 19, and overlapping finds become one.
      if (const std::size_t start = number_start(text_, window); start != std::string_view::npos) {
        add(start, at, Personal::card);
      }
    }
  }
  card_done_ = std::max(at, from + 1);
}

}  // namespace millrace::privacy
