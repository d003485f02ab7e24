#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace millrace::contract {

// A JSON number, exactly as written: 0.1 is a tenth and 1e400 is what it says. Up to 19 significant digits cost no
// memory; longer ones keep a view of their text. Exponents beyond +-10^8 count as 10^8, which no comparison of numbers that
// fit an item can tell.
class Number {
 public:
  Number() = default;
  // `text` follows the grammar of RFC 8259 and outlives this.
  explicit Number(std::string_view text);
  static Number of(std::uint64_t count);

  bool is_integer() const;
  bool is_zero() const { return exact_ && mantissa_ == 0; }
  bool is_positive() const { return !negative_ && !is_zero(); }
  // Whether it can divide: not zero, at most 19 significant digits.
  bool is_divisor() const { return exact_ && mantissa_ != 0; }
  bool is_multiple_of(const Number& divisor) const;
  // The value when it is a whole number from 0 to `max`, else false.
  bool to_count(std::uint64_t max, std::uint64_t& count) const;
  double to_double() const;
  // Of all its digits: the same for every spelling of the same number.
  std::uint64_t hash() const;

  friend std::strong_ordering compare(const Number& a, const Number& b);

 private:
  friend class Digits;
  bool read_short(std::string_view text);

  bool negative_ = false;
  bool exact_ = true;           // value = mantissa_ * 10^scale_; else text_ holds the digits.
  std::int32_t scale_ = 0;      // Of the last significant digit.
  std::int32_t digits_ = 0;     // Significant ones; 0 for zero.
  std::uint64_t mantissa_ = 0;  // Does not end in a decimal zero.
  std::string_view text_;  // From the first significant digit to the last, perhaps with a point among them.
};

std::strong_ordering compare(const Number& a, const Number& b);
inline bool operator==(const Number& a, const Number& b) { return compare(a, b) == 0; }

}  // namespace millrace::contract
