#include "tools/csv.h"

namespace millrace::tools {

bool CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  if (rest_.empty()) return false;
  std::string field;
  std::size_t at = 0;
  for (; at < rest_.size(); ++at) {
    const char c = rest_[at];
    if (quoted_) {
      if (c != '"') {
        field += c;
      } else if (at + 1 < rest_.size() && rest_[at + 1] == '"') {
        field += c;
        ++at;
      } else {
        quoted_ = false;
      }
    } else if (c == '"' && field.empty()) {
      quoted_ = true;
    } else if (c == delimiter_) {
      fields.push_back(std::move(field));
      field.clear();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      field += c;
    }
  }
  fields.push_back(std::move(field));
  rest_.remove_prefix(at < rest_.size() ? at + 1 : at);
  return true;
}

}  // namespace millrace::tools
