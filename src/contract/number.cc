#include "contract/number.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/hash.h"
#include "base/result.h"

namespace millrace::contract {

namespace {

using Wide = unsigned __int128;

constexpr std::int32_t kExponentMax = 100'000'000;
constexpr int kExactDigits = 19;  // 10^19 - 1 < 2^64

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::int32_t read_exponent(std::string_view text) {
  if (text.empty()) return 0;
  const bool negative = text.front() == '-';
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  std::int32_t value = 0;
  for (const char c : text) value = std::min(kExponentMax, value * 10 + (c - '0'));
  return negative ? -value : value;
}

Wide power_of_ten(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

std::uint64_t power_of_ten_modulo(std::int64_t exponent, std::uint64_t modulus) {
  Wide result = 1 % modulus;
  Wide square = 10 % modulus;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = result * square % modulus;
    square = square * square % modulus;
  }
  return static_cast<std::uint64_t>(result);
}

}  // namespace

// The significant digits of a number, one by one.
class Digits {
 public:
  explicit Digits(const Number& number) : left_(number.digits_) {
    if (number.exact_) {
      std::uint64_t rest = number.mantissa_;
      for (int i = left_; i > 0; --i, rest /= 10) buffer_[i - 1] = static_cast<char>('0' + rest % 10);
      text_ = {buffer_, static_cast<std::size_t>(left_)};
    } else {
      text_ = number.text_;
    }
  }
  // '0' past the end.
  char next() {
    if (left_ == 0) return '0';
    if (text_[at_] == '.') ++at_;
    --left_;
    return text_[at_++];
  }
  bool at_end() const { return left_ == 0; }

 private:
  char buffer_[kExactDigits + 1];
  std::string_view text_;
  std::size_t at_ = 0;
  std::int32_t left_;
};

Number::Number(std::string_view text) {
  if (read_short(text)) return;
  if (!text.empty() && text.front() == '-') {
    negative_ = true;
    text.remove_prefix(1);
  }
  const std::size_t mark = text.find_first_of("eE");
  if (mark != std::string_view::npos) {
    scale_ = read_exponent(text.substr(mark + 1));
    text = text.substr(0, mark);
  }
  const std::size_t point = text.find('.');
  std::size_t first = std::string_view::npos, last = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i]) || text[i] == '0') continue;
    if (first == std::string_view::npos) first = i;
    last = i;
  }
  if (first == std::string_view::npos) {
    *this = Number();
    return;
  }
  const std::size_t whole = point == std::string_view::npos ? text.size() : point;
  scale_ += static_cast<std::int32_t>(last < whole ? whole - last - 1 : 0) -
            static_cast<std::int32_t>(last > whole ? last - whole : 0);
  text_ = text.substr(first, last - first + 1);
  const bool has_point = first < whole && last > whole;
  digits_ = static_cast<std::int32_t>(text_.size()) - (has_point ? 1 : 0);
  exact_ = digits_ <= kExactDigits;
  if (!exact_) return;
  for (const char c : text_) {
    if (c != '.') mantissa_ = mantissa_ * 10 + static_cast<std::uint64_t>(c - '0');
  }
  text_ = {};
}

// The usual case in one pass: digits, perhaps with a point, that fit 64 bits.
bool Number::read_short(std::string_view text) {
  if (text.size() > 18) return false;
  std::uint64_t mantissa = 0;
  std::int32_t decimals = -1;
  for (std::size_t i = !text.empty() && text.front() == '-' ? 1 : 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      decimals = 0;
      continue;
    }
    if (!is_digit(text[i])) return false;
    mantissa = mantissa * 10 + static_cast<std::uint64_t>(text[i] - '0');
    if (decimals >= 0) ++decimals;
  }
  if (mantissa == 0) return true;
  scale_ = decimals > 0 ? -decimals : 0;
  for (; mantissa % 10 == 0; mantissa /= 10) ++scale_;
  mantissa_ = mantissa;
  negative_ = text.front() == '-';
  for (; mantissa != 0; mantissa /= 10) ++digits_;
  return true;
}

Number Number::of(std::uint64_t count) {
  Number number;
  if (count == 0) return number;
  while (count % 10 == 0) {
    count /= 10;
    ++number.scale_;
  }
  number.mantissa_ = count;
  for (; count != 0; count /= 10) ++number.digits_;
  return number;
}

bool Number::is_integer() const { return is_zero() || scale_ >= 0; }

bool Number::to_count(std::uint64_t max, std::uint64_t& count) const {
  if (is_zero()) {
    count = 0;
    return true;
  }
  if (negative_ || !exact_ || scale_ < 0 || scale_ + digits_ > kExactDigits) return false;
  count = mantissa_ * static_cast<std::uint64_t>(power_of_ten(scale_));
  return count <= max;
}

double Number::to_double() const {
  Digits digits(*this);
  double value = 0;
  const int used = std::min(digits_, 18);
  for (int i = 0; i < used; ++i) value = value * 10 + (digits.next() - '0');
  value *= std::pow(10.0, static_cast<double>(scale_ + digits_ - used));
  return negative_ ? -value : value;
}

std::uint64_t Number::hash() const {
  if (is_zero()) return 0;
  std::uint64_t hash = base::mix(negative_ ? 1 : 0, static_cast<std::uint64_t>(scale_));
  if (exact_) return base::mix(hash, mantissa_);
  for (Digits digits(*this); !digits.at_end();)
    hash = base::mix(hash, static_cast<std::uint64_t>(digits.next()));
  return hash;
}

bool Number::is_multiple_of(const Number& divisor) const {
  INVARIANT(divisor.is_divisor());
  if (is_zero()) return true;
  const std::int64_t shift = static_cast<std::int64_t>(scale_) - divisor.scale_;
  const std::uint64_t modulus = divisor.mantissa_;
  // One that needs a multiple of ten ends in zeros, which a significand does not.
  if (shift < 0) return false;
  Wide rest = 0;
  if (exact_) {
    rest = mantissa_ % modulus;
  } else {
    for (Digits digits(*this); !digits.at_end();) {
      rest = (rest * 10 + static_cast<unsigned>(digits.next() - '0')) % modulus;
    }
  }
  return rest * power_of_ten_modulo(shift, modulus) % modulus == 0;
}

std::strong_ordering compare(const Number& a, const Number& b) {
  if (a.is_zero() || b.is_zero() || a.negative_ != b.negative_) {
    const int sign_a = a.is_zero() ? 0 : a.negative_ ? -1 : 1;
    const int sign_b = b.is_zero() ? 0 : b.negative_ ? -1 : 1;
    return sign_a <=> sign_b;
  }
  const Number& low = a.negative_ ? b : a;
  const Number& high = a.negative_ ? a : b;
  const std::int64_t low_end = static_cast<std::int64_t>(low.scale_) + low.digits_;
  const std::int64_t high_end = static_cast<std::int64_t>(high.scale_) + high.digits_;
  if (low_end != high_end) return low_end <=> high_end;
  if (low.exact_ && high.exact_) {
    const int shift = low.scale_ - high.scale_;
    const Wide low_value = static_cast<Wide>(low.mantissa_) * power_of_ten(std::max(shift, 0));
    const Wide high_value = static_cast<Wide>(high.mantissa_) * power_of_ten(std::max(-shift, 0));
    if (low_value == high_value) return std::strong_ordering::equal;
    return low_value < high_value ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  Digits low_digits(low);
  Digits high_digits(high);
  while (!low_digits.at_end() || !high_digits.at_end()) {
    const auto order = low_digits.next() <=> high_digits.next();
    if (order != 0) return order;
  }
  return std::strong_ordering::equal;
}

}  // namespace millrace::contract
