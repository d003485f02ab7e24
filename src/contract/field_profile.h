#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "contract/json_document.h"

namespace millrace::contract {

// What has been seen of one field: types, lengths, a few examples, and the same of what is inside. Bounded: past
// kChildrenMax members of one object the others are counted and not told apart.
class FieldProfile {
 public:
  static constexpr std::size_t kChildrenMax = 100;
  static constexpr std::size_t kExamplesMax = 5;
  static constexpr std::size_t kExampleBytesMax = 80;
  static constexpr int kDepthMax = 6;
  // Kinds as JSON Schema has them: null, boolean, integer, number, string, array, object.
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };
  static constexpr std::size_t kKindCount = 7;

  // `room`: how many fields may be told apart anew, here and below.
  void see(std::string_view name, const JsonTape& tape, std::uint32_t node, int depth, std::size_t& room);

  std::uint64_t count(Kind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }
  std::uint64_t seen() const;
  const std::map<std::string, std::unique_ptr<FieldProfile>>& children() const { return children_; }
  const FieldProfile* elements() const { return elements_.get(); }

  // Appends {"types":{...},"seen":N,"null_rate":R,"examples":[...]} for each field below, by path; `parent_seen`: of how many.
  void append_fields(std::string& out, const std::string& path, std::uint64_t parent_seen) const;
  // A schema that takes all that was seen. A member is required when it came with each of at least kRequiredAfter.
  static constexpr std::uint64_t kRequiredAfter = 100;
  void append_schema(std::string& out) const;

  void encode(base::ByteWriter& writer) const;
  // False when the bytes are none. Counts the fields off `room`.
  static bool decode(base::ByteReader& reader, FieldProfile& into, int depth, std::size_t& room);

 private:
  void add_example(std::string_view name, std::string_view text, bool is_string);

  std::array<std::uint64_t, kKindCount> kinds_{};
  std::uint64_t longest_ = 0;
  std::uint64_t untracked_ = 0;  // Members beyond kChildrenMax.
  std::vector<std::string> examples_;
  std::map<std::string, std::unique_ptr<FieldProfile>> children_;
  std::unique_ptr<FieldProfile> elements_;
};

std::string_view to_string(FieldProfile::Kind kind);
FieldProfile::Kind kind_of(const JsonNode& node);

// Whether a value may be someone's: by the field's name, or by its looks (an address of mail, a long number).
bool looks_personal(std::string_view name, std::string_view text);
// Letters become x, digits 9.
std::string masked(std::string_view text);

}  // namespace millrace::contract
