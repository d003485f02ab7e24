#include "contract/quarantine_query.h"

#include <fmt/format.h>

#include <vector>

#include "base/iso_time.h"
#include "contract/fault_text.h"
#include "contract/number.h"

namespace millrace::contract {

namespace {

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

}  // namespace

bool is_whole_number(std::string_view text) {
  if (text.empty() || text.size() > 18) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

bool QuarantineFilter::add(std::string_view name, std::string_view value) {
  if (name == "state") {
    state_ = parse_quarantine_state(value);
    return state_.has_value();
  }
  std::string condition;
  if (name == "source" || name == "reason" || name == "pointer") {
    if (value.size() > 512) return false;
    condition = std::string(name) + " = " + sql_text(value);
  } else if (name == "from" || name == "to") {
    const auto time = base::parse_iso_time(value);
    if (!time.ok()) return false;
    std::string iso;
    base::append_iso_time(iso, *time);
    condition = fmt::format("received_at {} TIMESTAMPTZ '{}'", name == "from" ? ">=" : "<", iso);
  } else if (name == "partition" || name == "offset") {
    if (!is_whole_number(value)) return false;
    condition = fmt::format("\"{}\" = {}", name, value);
  } else if (name == "after") {  // "partition/offset"
    const auto slash = value.find('/');
    if (slash == std::string_view::npos || !is_whole_number(value.substr(0, slash)) ||
        !is_whole_number(value.substr(slash + 1)))
      return false;
    condition = fmt::format(R"(("partition" > {0} OR ("partition" = {0} AND "offset" > {1})))",
                            value.substr(0, slash), value.substr(slash + 1));
  } else {
    return false;
  }
  conditions_ += (conditions_.empty() ? "" : " AND ") + condition;
  return true;
}

std::string QuarantineFilter::where(const QuarantineMarks& marks,
                                    std::optional<QuarantineState> otherwise) const {
  std::string all = conditions_;
  const auto state = state_ ? state_ : otherwise;
  if (state) all += (all.empty() ? "" : " AND ") + marks.condition(*state);
  return all.empty() ? "" : " WHERE " + all;
}

std::optional<std::string> rows_as_objects(const JsonDocument& answer) {
  const JsonTape& tape = answer.tape();
  const std::uint32_t columns = find_member(tape, 0, "columns");
  const std::uint32_t rows = find_member(tape, 0, "rows");
  if (columns == kNoNode || rows == kNoNode) return std::nullopt;
  std::vector<std::string_view> names;
  for (std::uint32_t i = columns + 1; i < tape[columns].end; i = tape[i].end)
    names.push_back(text_of(tape, i, "name"));
  std::string out = "[";
  for (std::uint32_t row = rows + 1; row < tape[rows].end; row = tape[row].end) {
    out += row == rows + 1 ? "{" : ",{";
    std::size_t column = 0;
    for (std::uint32_t i = row + 1; i < tape[row].end && column < names.size(); i = tape[i].end, ++column) {
      if (column > 0) out += ',';
      append_quoted(out, names[column]);
      out += ':';
      out += tape[i].raw;
    }
    out += '}';
  }
  return out + "]";
}

QuarantinePlace place_of(const JsonTape& tape, std::uint32_t row) {
  QuarantinePlace place;
  std::uint64_t partition = 0;
  const auto read = [&](std::string_view name, std::uint64_t& into) {
    const std::uint32_t node = find_member(tape, row, name);
    if (node != kNoNode) (void)Number(tape[node].text).to_count(INT64_MAX, into);
  };
  read("partition", partition);
  read("offset", place.offset);
  place.partition = static_cast<std::uint32_t>(partition);
  return place;
}

std::string json_text(std::string_view text) {
  std::string out;
  http::append_json_string(out, text);
  return out;
}

http::Response json_response(std::string body) {
  http::Response response;
  response.body = std::move(body);
  return response;
}

}  // namespace millrace::contract
