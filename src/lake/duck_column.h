#pragma once

#include <duckdb.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/clock.h"
#include "event/money.h"
#include "lake/column_text.h"

namespace millrace::lake {

// Writes one column of a DuckDB chunk. Rows not written are undefined: each row gets a value or null().
class DuckColumn {
 public:
  DuckColumn(std::size_t column, duckdb_vector vector)
      : column_(column), vector_(vector), values_(duckdb_vector_get_data(vector)) {
    duckdb_vector_ensure_validity_writable(vector);
    validity_ = duckdb_vector_get_validity(vector);
  }

  std::size_t column() const { return column_; }  // Position in the table's spec.

  void null(std::size_t row) { validity_[row / 64] &= ~(std::uint64_t{1} << (row % 64)); }
  void boolean(std::size_t row, bool value) { static_cast<bool*>(values_)[row] = value; }
  void int32(std::size_t row, std::int64_t value) {
    static_cast<std::int32_t*>(values_)[row] = static_cast<std::int32_t>(value);
  }
  void int64(std::size_t row, std::int64_t value) { static_cast<std::int64_t*>(values_)[row] = value; }
  void time(std::size_t row, base::WallTime value) { int64(row, value.ms * 1000); }
  // What DECIMAL(18,6) does not hold is null: records of earlier versions have some.
  void money(std::size_t row, event::Money value) {
    event::fits(value) ? int64(row, value.micros) : null(row);
  }
  // The text is not copied: it must outlive the query. Empty is null. Bytes that are no UTF-8 are copied as '?'.
  void text(std::size_t row, std::string_view value) {
    if (value.empty()) return null(row);
    if (!is_ascii(value) && !is_utf8(value)) return copied_text(row, ascii_of(value));
    reference(row, value);
  }
  void copied_text(std::size_t row, std::string_view value) {
    if (value.empty()) return null(row);
    duckdb_vector_assign_string_element_len(vector_, row, value.data(), value.size());
  }
  // Not copied either; empty is empty.
  void binary(std::size_t row, std::string_view value) { reference(row, value); }
  // Zero is null.
  void hex(std::size_t row, std::uint64_t value) {
    if (value == 0) return null(row);
    const HexDigits digits = hex_digits(value);
    duckdb_vector_assign_string_element_len(vector_, row, digits.data(), digits.size());
  }

 private:
  void reference(std::size_t row, std::string_view value) {
    auto& out = static_cast<duckdb_string_t*>(values_)[row];
    const auto size = static_cast<std::uint32_t>(value.size());
    if (size <= sizeof(out.value.inlined.inlined)) {
      out.value.inlined.length = size;
      std::memset(out.value.inlined.inlined, 0, sizeof(out.value.inlined.inlined));
      if (size > 0) std::memcpy(out.value.inlined.inlined, value.data(), size);
    } else {
      out.value.pointer.length = size;
      std::memcpy(out.value.pointer.prefix, value.data(), sizeof(out.value.pointer.prefix));
      out.value.pointer.ptr = const_cast<char*>(value.data());
    }
  }

  std::size_t column_;
  duckdb_vector vector_;
  void* values_;
  std::uint64_t* validity_;
};

}  // namespace millrace::lake
