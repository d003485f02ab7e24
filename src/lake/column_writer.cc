#include "lake/column_writer.h"

#include <simdjson.h>

#include <string>

namespace millrace::lake {

bool ColumnWriter::is_utf8(std::string_view value) {
  return simdjson::validate_utf8(value.data(), value.size());
}

void ColumnWriter::repaired(std::size_t row, std::string_view value) {
  std::string ascii(value);
  for (char& c : ascii) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  copied_text(row, ascii);
}

void ColumnWriter::hex(std::size_t row, std::uint64_t value) {
  if (value == 0) return null(row);
  char digits[16];
  for (int i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[(value >> (60 - 4 * i)) & 15];
  duckdb_vector_assign_string_element_len(vector_, row, digits, sizeof(digits));
}

}  // namespace millrace::lake
