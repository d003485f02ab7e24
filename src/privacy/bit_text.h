#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::privacy {

// Bits in base64url, as the IAB's strings are; standard base64 and padding are taken too. Bits past the end
// are 0 and leave ok() false.
class BitText {
 public:
  explicit BitText(std::string_view text);

  bool ok() const { return ok_; }
  std::uint32_t size() const { return size_; }
  std::uint32_t at() const { return at_; }
  void seek(std::uint32_t bit) { at_ = bit; }
  // Up to 32 bits from here, the first the highest.
  std::uint32_t take(unsigned bits);
  bool flag() { return take(1) != 0; }
  // An integer above 0 in Fibonacci coding, which ends with the first two ones in a row; 0 when it does not
  // end.
  std::uint32_t fibonacci();

 private:
  std::string_view text_;
  std::uint32_t size_ = 0;
  std::uint32_t at_ = 0;
  bool ok_ = true;
};

}  // namespace millrace::privacy
