// The card numbers in a run of digits and what may stand between them.
#include <array>

#include "privacy/personal_forms.h"
#include "privacy/personal_scan.h"

namespace millrace::privacy {

namespace {

constexpr std::size_t kCardDigitsMin = 13;
constexpr std::size_t kCardDigitsMax = 19;
constexpr int kGapMax = 3;  // Characters between two groups.

// Bytes of the separator at `at`, 0 when it is none.
std::size_t separator_size(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c == '%') {
    const int code = percent_code(text, at);
    // %C2%A0 is a blank in two steps.
    return code == ' ' || code == '-' || code == '+' || code == 0xc2 || code == 0xa0 ? 3 : 0;
  }
  if (c == ' ' || c == '-' || c == '+' || c == '_' || c == '.') return 1;
  const auto next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
  if (c == 0xc2) return next == 0xa0 || next == 0xad ? 2 : 0;  // No-break space, soft hyphen.
  if (c != 0xe2 || at + 2 >= text.size()) return 0;
  const auto third = static_cast<unsigned char>(text[at + 2]);
  if (next == 0x80) return (third >= 0x80 && third <= 0x95) || third == 0xaf ? 3 : 0;  // Spaces, dashes.
  return next == 0x88 && third == 0x92 ? 3 : 0;                                        // Minus.
}

struct Group {
  std::size_t from = 0;   // In the text.
  std::size_t first = 0;  // In the digits.
  std::size_t size = 0;
  bool after_dot = false;
  bool follows = false;  // The gap before it does not end a number.
};

// Digits of the last groups, as many as a number can have.
class Window {
 public:
  static constexpr std::size_t kGroups = kCardDigitsMax;

  void clear() { count_ = 0; }
  void add(const Group& group) {
    if (count_ == kGroups) {
      for (std::size_t i = 1; i < kGroups; ++i) groups_[i - 1] = groups_[i];
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

// Dots separate what is no card as often: they count only where a card has its gaps.
bool dots_as_on_card(const Window& window, std::size_t first) {
  bool dots = false;
  for (std::size_t i = first + 1; i < window.count(); ++i) dots = dots || window[i].after_dot;
  if (!dots) return true;
  const std::size_t groups = window.count() - first;
  if (groups == 3) return window[first].size == 4 && window[first + 1].size == 6;
  bool fours = groups == 4 || groups == 5;
  for (std::size_t i = first; i < first + 4 && fours; ++i) fours = window[i].size == 4;
  return fours;
}

}  // namespace

bool PersonalScan::inside_hexadecimal(std::size_t from, std::size_t to) const {
  std::size_t begin = from, end = to;
  const auto belongs = [](char c) { return is_hex(c) || c == '-'; };
  while (begin > 0 && from - begin < 64 && belongs(text_[begin - 1])) --begin;
  while (end < text_.size() && end - to < 64 && belongs(text_[end])) ++end;
  if (begin >= 4 && text_.substr(begin - 4, 4) == "tok_") return true;  // The key's number of a token.
  const auto word = text_.substr(begin, end - begin);
  bool letters = false;
  std::size_t dashes = 0;
  for (const char c : word) {
    letters = letters || is_letter(c);
    dashes += c == '-' ? 1 : 0;
  }
  if (!letters) return false;
  if (dashes == 0) return word.size() == 32 || word.size() == 40 || word.size() == 64;
  return word.size() == 36 && dashes == 4 && word[8] == '-' && word[13] == '-' && word[18] == '-' &&
         word[23] == '-';
}

void PersonalScan::check_card_run(std::size_t from) {
  Window window;
  Group group;
  std::array<char, kCardDigitsMax> digits{};
  std::size_t at = from;
  int gap = 0;
  bool dot = false;
  while (at < text_.size()) {
    if (is_digit(text_[at])) {
      group = {at, 0, 0, dot, gap > 0 && gap <= kGapMax};
      while (at < text_.size() && is_digit(text_[at])) ++at;
      group.size = at - group.from;
      if (!group.follows) window.clear();
      gap = 0;
      dot = false;
      if (group.size > kCardDigitsMax) {
        window.clear();
        continue;
      }
      window.add(group);
      // The longest number that ends with this group wins.
      for (std::size_t first = 0; first < window.count(); ++first) {
        std::size_t count = 0;
        for (std::size_t i = first; i < window.count(); ++i) count += window[i].size;
        if (count < kCardDigitsMin) break;
        if (count > kCardDigitsMax || !dots_as_on_card(window, first)) continue;
        std::size_t filled = 0;
        for (std::size_t i = first; i < window.count(); ++i) {
          for (std::size_t j = 0; j < window[i].size; ++j) digits[filled++] = text_[window[i].from + j];
        }
        if (!is_card({digits.data(), filled}) || inside_hexadecimal(window[first].from, at)) continue;
        // Not the end: 16 digits may begin one of 19, and overlapping finds become one.
        add(window[first].from, at, Personal::card);
        break;
      }
      continue;
    }
    const std::size_t size = separator_size(text_, at);
    if (size == 0) {
      // The run that the classes see may go on behind what separates nothing.
      const auto c = static_cast<unsigned char>(text_[at]);
      if (c < 0x80 && c != '%') break;
      window.clear();
      gap = kGapMax + 1;
      at += percent_code(text_, at) >= 0 ? 3 : 1;
      continue;
    }
    dot = dot || text_[at] == '.';
    ++gap;
    at += size;
  }
  card_done_ = at;
}

}  // namespace millrace::privacy
