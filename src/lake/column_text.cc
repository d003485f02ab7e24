#include "lake/column_text.h"

#include <simdjson.h>

namespace millrace::lake {

bool is_utf8(std::string_view value) { return simdjson::validate_utf8(value.data(), value.size()); }

std::string ascii_of(std::string_view value) {
  std::string ascii(value);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return ascii;
}

}  // namespace millrace::lake
