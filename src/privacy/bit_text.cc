#include "privacy/bit_text.h"

namespace millrace::privacy {

namespace {

constexpr std::size_t kCharactersMax = 64 * 1024;

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-' || c == '+') return 62;
  if (c == '_' || c == '/') return 63;
  return -1;
}

}  // namespace

BitText::BitText(std::string_view text) : text_(text) {
  while (!text_.empty() && text_.back() == '=') text_.remove_suffix(1);
  ok_ = !text_.empty() && text_.size() <= kCharactersMax;
  for (const char c : text_) ok_ = ok_ && sextet(c) >= 0;
  if (ok_) size_ = static_cast<std::uint32_t>(text_.size() * 6);
}

std::uint32_t BitText::take(unsigned bits) {
  if (bits > size_ || at_ > size_ - bits) {
    ok_ = false;
    return 0;
  }
  std::uint32_t value = 0;
  for (unsigned i = 0; i < bits; ++i, ++at_) {
    const int six = sextet(text_[at_ / 6]);
    value = value << 1 | ((static_cast<unsigned>(six) >> (5 - at_ % 6)) & 1u);
  }
  return value;
}

std::uint32_t BitText::fibonacci() {
  std::uint64_t low = 1, high = 2, value = 0;
  bool last = false;
  // The sum of the first 40 fits into 32 bits.
  for (int i = 0; i < 40 && ok_; ++i) {
    const bool bit = flag();
    if (bit && last) return static_cast<std::uint32_t>(value);
    if (bit) value += low;
    last = bit;
    const std::uint64_t next = low + high;
    low = high;
    high = next;
  }
  ok_ = false;
  return 0;
}

}  // namespace millrace::privacy
