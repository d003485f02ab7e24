#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

// Splits RFC 4180 text into rows of fields; quoted fields may hold delimiters, quotes and line breaks. A quote inside a field that
// did not begin with one is one.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text, char delimiter = ',') : rest_(text), delimiter_(delimiter) {}
  // The next row into `fields`; false at the end.
  bool next(std::vector<std::string>& fields);
  // Whether the text ended inside a quoted field.
  bool ended_in_quotes() const { return quoted_; }

 private:
  std::string_view rest_;
  char delimiter_;
  bool quoted_ = false;
};

}  // namespace millrace::tools
