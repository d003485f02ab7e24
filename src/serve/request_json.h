#pragma once

#include <simdjson.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http.h"

namespace millrace::serve {

// Reads one JSON object of a request's body strictly: a member that is missing, of another type, out of range
// or of an unknown name is refused. Readers return a default after the first thing that is wrong; ask
// refusal() after the last of them.
class RequestJson {
 public:
  // The body of a request; an empty one reads as {}.
  explicit RequestJson(std::string_view body);

  std::string text(std::string_view name, std::size_t bytes_max);
  std::string text_or(std::string_view name, std::string_view preset, std::size_t bytes_max);
  // The same where "" is a value too.
  std::string any_text_or(std::string_view name, std::string_view preset, std::size_t bytes_max);
  std::int64_t number(std::string_view name, std::int64_t min, std::int64_t max);
  std::int64_t number_or(std::string_view name, std::int64_t preset, std::int64_t min, std::int64_t max);
  // The members of an array of objects, each read by `read`.
  template <class Read>
  void each(std::string_view name, std::size_t entries_max, Read read) {
    simdjson::dom::array array;
    if (!require(name) || !expect(name, object_[name].get(array), "a list")) return;
    if (array.size() == 0 || array.size() > entries_max) {
      refuse(name, "Give between 1 and " + std::to_string(entries_max) + " entries.");
      return;
    }
    for (const simdjson::dom::element element : array) {
      RequestJson entry(element, std::string(name));
      read(entry);
      entry.finish();
      if (message_.empty() && !entry.message_.empty()) {
        message_ = entry.message_;
        hint_ = entry.hint_;
      }
    }
  }
  // Whether the member is there at all.
  bool has(std::string_view name);
  // The members of an array of texts.
  void texts(std::string_view name, std::size_t entries_max, std::size_t bytes_max,
             std::vector<std::string>& out, std::size_t entries_min = 1);
  void refuse(std::string_view name, std::string_view hint);

  // 400 when anything was wrong, unknown members included.
  std::optional<http::Response> refusal();

 private:
  RequestJson(simdjson::dom::element element, std::string where);
  bool require(std::string_view name);
  bool expect(std::string_view name, simdjson::error_code error, std::string_view type);
  void finish();

  simdjson::dom::parser parser_;
  simdjson::dom::object object_;
  bool parsed_ = false;
  std::string where_;
  std::string known_;
  std::string message_;
  std::string hint_;
};

}  // namespace millrace::serve
