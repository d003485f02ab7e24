#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collect/item_form.h"
#include "contract/json_document.h"

namespace millrace::contract {

// A value of an item that a contract speaks of.
struct Subject {
  const JsonTape* tape = nullptr;
  std::uint32_t node = 0;
  std::string_view prefix;  // Pointer of the document within the item's raw bytes.
  std::string_view
      address;  // Of the schema that the item itself names (Iglu), without the scheme; empty: the event's.
};

// Finds what contracts speak of in the raw bytes of an item: the properties or traits of a call, the data of an Iglu
// self-describing event and its contexts, wherever a dialect puts them (a bare {schema, data}, Snowplow's ue_pr and co, opened
// or as text, ue_px and cx). Reused from item to item; what it finds holds until the next read().
class SubjectFinder {
 public:
  static constexpr std::size_t kSubjectsMax = 32;
  static constexpr std::size_t kDocumentsMax = 2;  // Payloads that an item carries as text.

  SubjectFinder();
  // Empty when the bytes are no JSON object: such an item has nothing that a contract could speak of. Of an item in a form of its own
  // only what names its schema itself.
  const std::vector<Subject>& read(std::string_view raw, collect::ItemForm form = collect::ItemForm::call);
  // The same for an item that somebody has laid out.
  const std::vector<Subject>& read(const JsonTape& item, collect::ItemForm form = collect::ItemForm::call);

 private:
  enum class Coding : std::uint8_t { plain, base64 };
  void add_event(const JsonTape& tape, std::uint32_t node, std::string_view prefix);
  void add_contexts(const JsonTape& tape, std::uint32_t list, std::string_view prefix);
  void add_self_describing(const JsonTape& tape, std::uint32_t node, std::string_view prefix);
  void add_snowplow(const JsonTape& item, std::string_view plain, std::string_view coded);
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
