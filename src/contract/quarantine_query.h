#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "contract/json_document.h"
#include "contract/quarantine_marks.h"
#include "http/http.h"

namespace millrace::contract {

// A WHERE over conformed.quarantine, made of the parameters of a request.
class QuarantineFilter {
 public:
  // False when the filter has no such name or the value does not fit it.
  bool add(std::string_view name, std::string_view value);
  // " WHERE ...", or nothing. Without a state being asked for, that of `otherwise`.
  std::string where(const QuarantineMarks& marks, std::optional<QuarantineState> otherwise) const;

 private:
  std::string conditions_;
  std::optional<QuarantineState> state_;
};

bool is_whole_number(std::string_view text);
// The rows of an SQL answer as objects: [{"source":...}]. Nothing when it is none.
std::optional<std::string> rows_as_objects(const JsonDocument& answer);
QuarantinePlace place_of(const JsonTape& tape, std::uint32_t row);

std::string json_text(std::string_view text);
http::Response json_response(std::string body);

}  // namespace millrace::contract
