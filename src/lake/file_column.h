#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "event/money.h"
#include "lake/column_text.h"
#include "parquet/column_chunk.h"

namespace millrace::lake {

// Writes one column of a Parquet file, rows in growing order from 0 at `first_row`. A row that is not written is null. Values
// are copied.
class FileColumn {
 public:
  FileColumn(std::size_t column, parquet::ColumnChunk& chunk, std::size_t first_row)
      : column_(column), chunk_(chunk), first_row_(first_row) {}

  std::size_t column() const { return column_; }  // Position in the table's spec.

  void null(std::size_t) {}
  void boolean(std::size_t row, bool value) { int64(row, value ? 1 : 0); }
  void int32(std::size_t row, std::int64_t value) { int64(row, static_cast<std::int32_t>(value)); }
  void int64(std::size_t row, std::int64_t value) { chunk_.number(first_row_ + row, value); }
  void time(std::size_t row, base::WallTime value) { int64(row, value.ms * 1000); }
  // What DECIMAL(18,6) does not hold is null: records of earlier versions have some.
  void money(std::size_t row, event::Money value) {
    event::fits(value) ? int64(row, value.micros) : null(row);
  }
  // Empty is null. Bytes that are no UTF-8 become '?'.
  void text(std::size_t row, std::string_view value) {
    if (value.empty()) return;
    if (!is_ascii(value) && !is_utf8(value)) return chunk_.text(first_row_ + row, ascii_of(value));
    chunk_.text(first_row_ + row, value);
  }
  void copied_text(std::size_t row, std::string_view value) {
    if (!value.empty()) chunk_.text(first_row_ + row, value);
  }
  // Empty is empty.
  void binary(std::size_t row, std::string_view value) { chunk_.text(first_row_ + row, value); }
  // Zero is null.
  void hex(std::size_t row, std::uint64_t value) {
    if (value == 0) return;
    const HexDigits digits = hex_digits(value);
    chunk_.text(first_row_ + row, {digits.data(), digits.size()});
  }

 private:
  std::size_t column_;
  parquet::ColumnChunk& chunk_;
  std::size_t first_row_;
};

}  // namespace millrace::lake
