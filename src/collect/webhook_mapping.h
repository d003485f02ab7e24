#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "collect/signature.h"
#include "collect/vocabulary.h"

namespace millrace::collect {

// Where the values of somebody's JSON go, as a mapping file says it. Pointers are RFC 6901; those of fields are into the item,
// those of line fields into an element of `lines`. Steps are names: an element of an array cannot be chosen.
struct MappingSettings {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  std::string signature_header = "X-Signature";
  std::string signature_prefix;  // Before the signature in its header, such as "sha256=".
  SignatureCoding signature_coding = SignatureCoding::hex;
  std::string items;  // Pointer to an array of items in the body; empty: the body is the item.
  std::string event;  // Pointer to the name of an item's event.
  std::string time;   // Pointer to when it happened.
  std::string lines;  // Pointer to an array of products.
  std::string group;  // Of a file's rows: those with the same value there are the lines of one item.
  Pairs
      events;  // Their name of an event, the canonical one; names that are not here mean what they mean in Segment's.
  Pairs fields;  // Canonical name, pointer.
  Pairs line_fields;
};

// A mapping, compiled. Immutable; shared by all threads.
class WebhookMapping {
 public:
  // invalid_argument when it names what there is not.
  static base::Result<std::unique_ptr<WebhookMapping>> make(MappingSettings settings);

  const MappingSettings& settings() const { return settings_; }
  const Vocabulary& vocabulary() const { return *vocabulary_; }
  event::EventType event_type(std::string_view name) const;

 private:
  explicit WebhookMapping(MappingSettings settings) : settings_(std::move(settings)) {}
  base::Status add_row(std::string_view pointer, std::string_view prefix, Target target);
  base::Status add_names();

  const MappingSettings settings_;
  std::deque<std::string> paths_;  // What the rows' paths are views of.
  std::vector<FieldRow> rows_;
  std::vector<std::pair<std::string_view, event::EventType>> names_;
  std::unique_ptr<Vocabulary> vocabulary_;
};

}  // namespace millrace::collect
