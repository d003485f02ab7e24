#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

// Splits RFC 4180 text into rows of fields; quoted fields may hold commas, quotes and line breaks.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}
  // The next row into `fields`; false at the end.
  bool next(std::vector<std::string>& fields);

 private:
  std::string_view rest_;
};

}  // namespace millrace::tools
