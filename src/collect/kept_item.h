#pragma once

#include <string>
#include <string_view>

#include "collect/json_index.h"
#include "collect/json_tape.h"

namespace millrace::collect {

// Adds to an item that goes into quarantine what reading it again takes. Reused from item to item.
class KeptItem {
 public:
  // The item `raw` with `members` ("a":1,"b":{...}) behind its own. An object that it has of that name gets what it lacks instead, as
  // EventMapper merges them. What is no JSON object is as it was. Holds until the next call.
  std::string_view with(std::string_view raw, std::string_view members);

 private:
  void copy_up_to(const char* end);
  void append(const JsonNode& member, bool is_first);
  void merge(std::uint32_t own, std::uint32_t given);

  JsonIndex index_, given_index_;
  JsonTape item_, given_;
  std::string given_text_;
  std::string bytes_;
  const char* copied_ = nullptr;  // Of the item, up to where it is in `bytes_`.
};

}  // namespace millrace::collect
