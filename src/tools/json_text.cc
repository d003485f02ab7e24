#include "tools/json_text.h"

#include <cstdint>

namespace millrace::tools {

namespace {

// Length of the valid UTF-8 sequence at the front (RFC 3629: no surrogates, no overlong forms); 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  const auto second = length > 1 ? static_cast<std::uint8_t>(text[1]) : std::uint8_t{0};
  const bool excluded = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  if (excluded) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<std::uint8_t>(text[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string json_text(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const auto byte = static_cast<std::uint8_t>(text.front());
    const std::size_t length = sequence_length(text);
    if (byte < 0x20 || length == 0) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      text.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') out += '\\';
    out.append(text.substr(0, length));
    text.remove_prefix(length);
  }
  out += '"';
  return out;
}

}  // namespace millrace::tools
