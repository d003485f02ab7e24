#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/json_index.h"
#include "collect/json_tape.h"

namespace millrace::contract {

using collect::JsonKind;
using collect::JsonNode;
using collect::JsonTape;

// A JSON text laid out, reused from text to text. The views of its nodes hold until the next read(). Depth and count of
// values are JsonTape's limits.
class JsonDocument {
 public:
  // `text` must outlive the use of the nodes. invalid_argument says why it is no JSON, with where.
  base::Status read(std::string_view text);
  // The same for a text that this keeps.
  base::Status own(std::string text);

  const JsonTape& tape() const { return tape_; }
  JsonTape& tape() { return tape_; }
  const JsonNode& operator[](std::uint32_t node) const { return tape_[node]; }
  std::string_view text() const { return index_.text(); }

 private:
  std::string owned_;
  collect::JsonIndex index_;
  JsonTape tape_;
};

constexpr std::uint32_t kNoNode = UINT32_MAX;

// The last member of that name, of an object; kNoNode when there is none or it is no object.
std::uint32_t find_member(const JsonTape& tape, std::uint32_t object, std::string_view key);
// Its text when it is a string, else empty.
std::string_view text_of(const JsonTape& tape, std::uint32_t object, std::string_view key);
// RFC 6901, and back; kNoNode when it leads nowhere.
std::string pointer_to(const JsonTape& tape, std::uint32_t node);
std::uint32_t node_at(const JsonTape& tape, std::uint32_t from, std::string_view pointer);
std::uint32_t count_children(const JsonTape& tape, std::uint32_t container);

// As JSON Schema compares: numbers by value, objects without order. `budget` pays for each value looked at; at zero the
// answer is false.
bool equal_values(const JsonTape& a, std::uint32_t node_a, const JsonTape& b, std::uint32_t node_b,
                  std::int64_t& budget);
// Equal values have equal hashes.
std::uint64_t hash_value(const JsonTape& tape, std::uint32_t node);

}  // namespace millrace::contract
