#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collect/event_mapper.h"
#include "collect/vocabulary.h"
#include "contract/json_document.h"
#include "event/event.h"

namespace millrace::contract {

// The text without the members and elements at `pointers`; what is below one of them goes with it. Pointers that lead nowhere
// change nothing.
std::string without_values(const JsonDocument& document, std::span<const std::string> pointers);

// Takes values out of an event: out of its raw bytes, out of the canonical fields they were mapped to, and out of what no field
// holds. Memory that the event then points to lasts until the next drop().
class FieldDrop {
 public:
  FieldDrop() : mapper_(vocabulary_) {}
  // False, with the event as it was, when the rest is no item of the Segment API or cannot be mapped.
  bool drop(const JsonDocument& item, std::span<const std::string> pointers, event::Event& event);

 private:
  collect::Vocabulary vocabulary_;
  collect::EventMapper mapper_;
  std::string raw_;
  std::string extra_;
  JsonDocument before_, after_, leftovers_;
  JsonTape nothing_shared_;
  event::Event mapped_;
  std::vector<std::string> kept_;
};

}  // namespace millrace::contract
