#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/json_index.h"

namespace millrace::collect {

enum class JsonKind : std::uint8_t { object, array, string, number, boolean, null };

// One value with its key. Views point into the text, or for strings with escapes into the tape.
struct JsonNode {
  std::string_view key;          // Unescaped; empty in arrays and at the root.
  std::string_view text;         // Unescaped for strings, else as `raw`.
  std::string_view raw;          // From the first to the last byte of the value.
  const char* member = nullptr;  // Start of the key's quote, or of the value.
  std::uint32_t end = 0;         // Index of the first node that is not below this one.
  JsonKind kind = JsonKind::null;
  bool taken = false;    // A canonical field holds it.
  bool entered = false;  // Something below it is taken.
};

enum class TapeFault : std::uint8_t {
  none,
  invalid_json,
  invalid_utf8,
  nested_too_deep,
  too_many_values,
};

// A JSON value laid out flat, in document order, checked against the grammar of RFC 8259. Duplicate keys are all there.
// U+0000 and lone surrogates, which no text store takes, become U+FFFD.
class JsonTape {
 public:
  static constexpr int kDepthMax = 24;
  static constexpr std::size_t kNodesMax = 20'000;

  // Reads the value at token `first`. `skipped` names a member of the root object that is stepped over unread. On a fault,
  // fault_at() is the path of the value that has it, as an RFC 6901 pointer, and the nodes are undefined.
  TapeFault build(const JsonIndex& index, std::uint32_t first, std::string_view skipped = {});
  void clear() { nodes_.clear(); }

  // The other way to lay out an object: its members one by one. `member` is where the key's quote is; `inside` has its quotes around it.
  // False or null: it is at fault, or nothing that is read quickly; build() would tell.
  void open_object(const char* begin);
  bool add_string(std::string_view key, std::string_view inside, const char* member) {
    if (nodes_.size() == kNodesMax) return false;
    JsonNode& node = nodes_.emplace_back();
    node.key = key;
    node.text = inside;
    node.raw = {inside.data() - 1, inside.size() + 2};
    node.member = member;
    node.end = size();
    node.kind = JsonKind::string;
    return true;
  }
  bool add_escaped_string(std::string_view key, std::string_view inside, const char* member) {
    return add_string(key, inside, member) && unescape(inside, nodes_.back().text);
  }
  // The value is JSON itself, in a string of well-formed text without control characters: it is written unescaped to `place`, with up to 16
  // bytes behind it that mean nothing. Bytes up to `readable_end`, of which the closing quote is one, are looked at. Returns the value's end.
  char* add_escaped_value(std::string_view key, const char* member, std::string_view escaped,
                          const char* readable_end, char* place);
  // The value stands alone in these bytes; 16 more behind them can be written to.
  bool add_plain_value(std::string_view key, const char* member, char* begin, char* end);
  void close_object(const char* end);

  // Token after the value read; where the skipped member's value starts, 0 when there was none.
  std::uint32_t end_token() const { return at_; }
  std::uint32_t skipped_token() const { return skipped_token_; }
  std::string fault_at() const;

  bool empty() const { return nodes_.empty(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }
  JsonNode& operator[](std::uint32_t i) { return nodes_[i]; }
  const JsonNode& operator[](std::uint32_t i) const { return nodes_[i]; }
  // A place for `bytes` characters that lives as long as the nodes.
  char* reserve_text(std::size_t bytes);

 private:
  struct Step {
    std::string_view key;
    std::uint32_t index = 0;
    bool in_array = false;
  };
  void begin(const JsonIndex* index, std::uint32_t first, std::string_view skipped);
  TapeFault value(std::string_view key, const char* member, int depth);
  TapeFault object(int depth);
  TapeFault array(int depth);
  TapeFault scalar(JsonNode& node);
  TapeFault string(std::uint32_t token, std::string_view& raw, std::string_view& text);
  bool unescape(std::string_view escaped, std::string_view& text);
  template <class Text>
  bool read_value(Text& text, std::string_view key, const char* member);
  template <class Text>
  bool read_string(Text& text, JsonNode& node);

  const JsonIndex* index_ = nullptr;
  std::string_view skipped_;
  std::uint32_t at_ = 0;
  std::uint32_t skipped_token_ = 0;
  std::vector<JsonNode> nodes_;
  std::vector<std::unique_ptr<char[]>> chunks_;  // Unescaped text; the last one is being filled.
  std::size_t chunk_used_ = 0;
  std::size_t chunk_size_ = 0;
  Step path_[kDepthMax + 2];
  int path_size_ = 0;
};

inline bool is_container(JsonKind kind) { return kind == JsonKind::object || kind == JsonKind::array; }

// The last of an object's members of that name, as JavaScript has it; 0 when there is none.
std::uint32_t member_of(const JsonTape& tape, std::uint32_t object, std::string_view key);
// The same of the root, null when there is none; its text, if it is a string.
const JsonNode* root_member(const JsonTape& tape, std::string_view key);
std::string_view root_text(const JsonTape& tape, std::string_view key);

// Appends `key` as one step of an RFC 6901 pointer.
void append_pointer_step(std::string& pointer, std::string_view key);

bool is_json_number(std::string_view token);
// Of a token that is neither a string nor a container; nothing when JSON has no such token.
std::optional<JsonKind> kind_of_scalar(std::string_view token);

}  // namespace millrace::collect
