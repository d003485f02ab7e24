#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collect/json_tape.h"
#include "collect/vocabulary.h"
#include "event/event.h"

namespace millrace::collect {

// Why an item cannot become an event. `reason` is a stable code.
struct ItemFault {
  std::string_view reason;
  std::string pointer;  // RFC 6901, relative to the item.
  std::string detail;
};

// What one call is, before its event is known.
enum class Call : std::uint8_t { track, page, screen, identify, group, alias, merge };
std::optional<Call> parse_call(std::string_view name);
std::string_view to_string(Call call);

// What a dialect knows of an item before its values are placed. Views hold as long as those of the event.
struct Subject {
  event::EventType type = event::EventType::other;
  std::string_view name{};     // Text::event_name, when the table places none.
  std::string_view visitor{};  // Text::anonymous_id, when the item names no visitor.
  // What the request says, when the item does not.
  std::string_view message_id{};
  std::string_view page_url{};
  std::string_view user_agent{};
  std::string_view ip{};
  // What has to be worked out from several values of the item.
  std::string_view query{};
  std::optional<event::Money> total{};
};

// Puts the values of one item, laid out on a tape, where the vocabulary says, and what it says nothing of into Text::extra.
// Reused from item to item. Views in the event hold until the next map() or until the tapes change.
class EventMapper {
 public:
  static constexpr std::size_t kIdBytesMax =
      256;  // Keys of state; longer ones are faults, as cut ones would merge visitors.
  static constexpr std::size_t kTextBytesMax = 2048;  // Longer texts are cut and flagged.

  explicit EventMapper(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  // `shared` holds what the batch gave for all its items ("context", "integrations"); the item's own values win. Sets
  // everything but source, times and raw.
  std::optional<ItemFault> map(JsonTape& item, JsonTape& shared, Call call, event::Event& into);
  // The same for an item that is whole by itself and whose dialect says what it is.
  std::optional<ItemFault> map(JsonTape& item, const Subject& subject, event::Event& into);

 private:
  static constexpr std::uint16_t kUnset = 0xffff;
  static constexpr std::int64_t kQuantityMax = 1'000'000'000;
  struct Slot {
    JsonNode* node = nullptr;
    std::uint16_t rank = kUnset;
  };
  struct Line {
    event::ProductLine line;
    std::array<Slot, kLineFieldCount> slots{};
  };

  void reset(event::Event& into);
  std::optional<ItemFault> finish(JsonTape& item, JsonTape& shared);
  bool map_section(JsonTape& tape, std::uint32_t object, Vocabulary::Section section);
  bool map_elements(JsonTape& tape, std::uint32_t array, Vocabulary::Section section);
  bool map_member(JsonTape& tape, std::uint32_t node, Vocabulary::Section section);
  bool place(JsonTape& tape, JsonNode& node, const Vocabulary::Row& row);
  bool claim(Slot& slot, JsonNode& node, std::uint16_t rank);
  bool place_text(JsonNode& node, event::Text field, std::uint16_t rank);
  bool place_amount(JsonNode& node, event::Amount field, std::uint16_t rank);
  bool place_currency(JsonNode& node, std::uint16_t rank);
  bool place_country(JsonTape& tape, JsonNode& node, std::uint16_t rank);
  bool place_line_field(JsonNode& node, LineField field, std::uint16_t rank);
  bool map_lines(JsonTape& tape, std::uint32_t array, Vocabulary::Section section);
  bool map_line(JsonTape& tape, std::uint32_t object, Vocabulary::Section section);
  bool finish_line(Line& line);
  void derive_from_url(JsonTape& tape);

  void append_extra(JsonTape& item, JsonTape& shared);
  void append_merged(JsonTape& item, std::uint32_t own, JsonTape& shared, std::uint32_t common);
  void append_leftovers(JsonTape& tape, std::uint32_t container);
  bool append_leftover(JsonTape& tape, std::uint32_t node);
  void append_separator();

  const Vocabulary& vocabulary_;
  event::Event* event_ = nullptr;
  event::EventType type_ = event::EventType::other;
  std::array<Slot, event::kTextCount> text_slots_{};
  std::array<Slot, event::kAmountCount> amount_slots_{};
  Slot currency_slot_;
  Line own_line_;
  Line* line_ = nullptr;        // The product that line fields go to.
  bool defaults_only_ = false;  // Mapping what the batch gave: fills only what the item left open.
  std::optional<ItemFault> fault_;
  JsonTape nothing_shared_;
  std::string extra_;
  std::vector<std::string_view> own_keys_;  // Of the item, where it is merged with what its batch gave.
};

}  // namespace millrace::collect
