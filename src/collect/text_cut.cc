#include "collect/text_cut.h"

namespace millrace::collect {

namespace {

// As many digits as a card number has, with what may be between them, each escaped twice.
constexpr std::size_t kNumberBytesMax = 320;

// Digits, what stands between them, and what escapes of either are made of.
bool may_be_of_number(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
         static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view(" -+_./%\\u&#;x\n\r\t").find(c) != std::string_view::npos;
}

}  // namespace

std::string_view cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t size = bytes_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  const std::size_t cut = size;
  std::size_t digits = 0;
  while (size > 0 && cut - size < kNumberBytesMax && may_be_of_number(text[size - 1])) {
    --size;
    digits += text[size] >= '0' && text[size] <= '9' ? 1 : 0;
  }
  // Digits of other scripts are known by nothing here but that they are not ASCII.
  const bool foreign = cut > 0 && static_cast<unsigned char>(text[cut - 1]) >= 0x80;
  return text.substr(0, digits == 0 && !foreign ? cut : size);
}

}  // namespace millrace::collect
