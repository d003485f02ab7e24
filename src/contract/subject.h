#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/json_document.h"
#include "contract/schema_key.h"

namespace millrace::contract {

// A value of an item that a contract speaks of.
struct Subject {
  const JsonTape* tape = nullptr;
  std::uint32_t node = 0;
  std::string prefix;            // Pointer of the document within the item's raw bytes.
  std::optional<SchemaKey> key;  // Named by the item itself (Iglu); else the contract is the event's.
  std::string invalid_key;       // What it named is no schema's name.
};

// Finds what contracts speak of in the raw bytes of an item: the properties or traits of a call, the data of an Iglu
// self-describing event and its contexts, wherever a dialect puts them (a bare {schema, data}, Snowplow's ue_pr, ue_px, co and
// cx). Reused from item to item; what it finds holds until the next read().
class SubjectFinder {
 public:
  static constexpr std::size_t kSubjectsMax = 32;
  static constexpr std::size_t kDocumentsMax = 2;  // Payloads that an item carries as text.

  SubjectFinder();
  // Empty when the bytes are no JSON object: such an item has nothing that a contract could speak of.
  const std::vector<Subject>& read(std::string_view raw);
  // The same for an item that somebody has laid out.
  const std::vector<Subject>& read(const JsonTape& item);

 private:
  enum class Coding : std::uint8_t { plain, base64 };
  void add_event(const JsonTape& tape, std::uint32_t node, const std::string& prefix);
  void add_contexts(const JsonTape& tape, std::uint32_t list, const std::string& prefix);
  void add_self_describing(const JsonTape& tape, std::uint32_t node, const std::string& prefix);
  const JsonTape* carried(std::string_view text, Coding coding);

  JsonDocument item_;
  JsonDocument carried_[kDocumentsMax];
  std::size_t carried_count_ = 0;
  JsonDocument nothing_;  // An empty object: what a call without properties has.
  std::vector<Subject> subjects_;
};

// Standard or URL-safe, padded or not; nothing when it is neither.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace millrace::contract
