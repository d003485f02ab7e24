#include "collect/event_mapper.h"

#include <charconv>

#include "collect/text_cut.h"
#include "collect/url_query.h"
#include "event/order_amounts.h"

namespace millrace::collect {

using event::Amount;
using event::Event;
using event::EventType;
using event::Flag;
using event::Text;

namespace {

bool is_id(Text field) {
  switch (field) {
    case Text::message_id:
    case Text::anonymous_id:
    case Text::user_id:
    case Text::previous_id:
    case Text::group_id:
    case Text::order_id: return true;
    default: return false;
  }
}

// Values of these decide what the item is; one of the wrong JSON type is a fault, not a leftover.
bool is_decisive(Text field) { return is_id(field) || field == Text::event_name; }

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (rest.starts_with('.')) rest.remove_prefix(1);  // "2.0", as some languages write integers.
  if (rest.find_first_not_of('0') != std::string_view::npos) return std::nullopt;
  return value;
}

EventType type_of(Call call, const Vocabulary& vocabulary, std::string_view name) {
  switch (call) {
    case Call::page: return EventType::page_viewed;
    case Call::screen: return EventType::screen_viewed;
    case Call::identify: return EventType::identified;
    case Call::group: return EventType::grouped;
    case Call::alias:
    case Call::merge: return EventType::aliased;
    case Call::track: break;
  }
  return vocabulary.event_type(name);
}

// The step from a container to the node, as its sender wrote it: dialects may have given the node another key.
std::string pointer_step(const JsonTape& tape, std::uint32_t container, std::uint32_t node) {
  std::string step;
  if (tape[container].kind == JsonKind::array) {
    std::uint32_t index = 0;
    for (std::uint32_t i = container + 1; i != node; i = tape[i].end) ++index;
    return "/" + std::to_string(index);
  }
  std::string_view written(tape[node].member,
                           static_cast<std::size_t>(tape[node].raw.data() - tape[node].member));
  written = written.substr(1, written.rfind('"') - 1);
  append_pointer_step(step, written.find('\\') == std::string_view::npos ? written : tape[node].key);
  return step;
}

}  // namespace

std::optional<Call> parse_call(std::string_view name) {
  if (name == "track") return Call::track;
  if (name == "page") return Call::page;
  if (name == "screen") return Call::screen;
  if (name == "identify") return Call::identify;
  if (name == "group") return Call::group;
  if (name == "alias") return Call::alias;
  if (name == "merge") return Call::merge;
  return std::nullopt;
}

std::string_view to_string(Call call) {
  constexpr std::string_view kNames[] = {"track", "page", "screen", "identify", "group", "alias", "merge"};
  return kNames[static_cast<std::size_t>(call)];
}

void EventMapper::reset(Event& into) {
  event_ = &into;
  into.type = EventType::other;
  into.flags = 0;
  into.present_amounts = 0;
  into.currency = {};
  into.texts = {};
  into.products.clear();
  into.raw = {};
  text_slots_.fill({});
  amount_slots_.fill({});
  currency_slot_ = {};
  own_line_ = {};
  line_ = &own_line_;
  fault_.reset();
  extra_.clear();
}

std::optional<ItemFault> EventMapper::map(JsonTape& item, JsonTape& shared, Call call, Event& into) {
  reset(into);
  const std::uint32_t name = call == Call::track ? member_of(item, 0, "event") : 0;
  if (call == Call::track) {
    if (name == 0 || item[name].kind == JsonKind::null || item[name].text.empty()) {
      return ItemFault{"missing_event_name", "/event", "A track call needs the name of its event."};
    }
    if (item[name].kind != JsonKind::string) {
      return ItemFault{"invalid_type", "/event", "The name of an event is a string."};
    }
  }
  type_ = into.type = type_of(call, vocabulary_, name == 0 ? std::string_view{} : item[name].text);
  if (!map_section(item, 0, Vocabulary::kRoot)) return std::move(fault_);
  if (const std::uint32_t context = member_of(shared, 0, "context"); context != 0) {
    for (std::uint32_t i = context; i < shared[context].end; ++i) shared[i].taken = shared[i].entered = false;
    defaults_only_ = true;
    map_member(shared, context, Vocabulary::kRoot);
    defaults_only_ = false;
    if (fault_) {
      fault_->pointer.insert(0, "/context");
      return std::move(fault_);
    }
  }
  return finish(item, shared);
}

std::optional<ItemFault> EventMapper::map(JsonTape& item, const Subject& subject, Event& into) {
  reset(into);
  nothing_shared_.clear();
  type_ = into.type = subject.type;
  if (!map_section(item, 0, Vocabulary::kRoot)) return std::move(fault_);
  const auto fill = [&into](Text field, std::string_view text) {
    if (into[field].empty()) into[field] = cut_text(text, kTextBytesMax);
  };
  fill(Text::event_name, subject.name);
  fill(Text::message_id, subject.message_id);
  fill(Text::page_url, subject.page_url);
  fill(Text::user_agent, subject.user_agent);
  fill(Text::ip, subject.ip);
  fill(Text::query, subject.query);
  if (subject.total && !into.has(Amount::total)) into.set(Amount::total, *subject.total);
  if (into.visitor_key().empty()) into[Text::anonymous_id] = cut_text(subject.visitor, kIdBytesMax);
  return finish(item, nothing_shared_);
}

std::optional<ItemFault> EventMapper::finish(JsonTape& item, JsonTape& shared) {
  Event& into = *event_;
  if (into.visitor_key().empty()) {
    return ItemFault{"missing_identity", "", "An item needs an anonymous id or a user id of its visitor."};
  }
  finish_line(own_line_);
  if (event::totals_differ(into)) into.set(Flag::totals_differ);
  derive_from_url(item);
  append_extra(item, shared);
  into[Text::extra] = extra_;
  return std::nullopt;
}

bool EventMapper::map_section(JsonTape& tape, std::uint32_t object, Vocabulary::Section section) {
  bool any = false;
  for (std::uint32_t i = object + 1; i < tape[object].end; i = tape[i].end) {
    any |= map_member(tape, i, section);
    if (fault_) {
      fault_->pointer.insert(0, pointer_step(tape, object, i));
      return false;
    }
  }
  if (any) tape[object].entered = true;
  return object == 0 || any;
}

// True when the node or something below it was taken.
bool EventMapper::map_member(JsonTape& tape, std::uint32_t i, Vocabulary::Section section) {
  JsonNode& node = tape[i];
  const Vocabulary::Entry* const entry = vocabulary_.find(section, node.key);
  if (entry == nullptr) return false;
  const Vocabulary::Row* const row = vocabulary_.row_for(*entry, type_);
  if (row != nullptr && row->target.kind == Target::Kind::lines) {
    return node.kind == JsonKind::array && map_lines(tape, i, entry->opens);
  }
  if (row != nullptr && row->target.kind == Target::Kind::one_line) {
    return node.kind == JsonKind::object && map_line(tape, i, entry->opens);
  }
  if (row != nullptr) return place(tape, node, *row);
  if (entry->opens == 0) return false;
  if (node.kind == JsonKind::array) return map_elements(tape, i, entry->opens);
  return node.kind == JsonKind::object && map_section(tape, i, entry->opens);
}

// Elements go by the name that the dialect gave them, the others by "[]".
bool EventMapper::map_elements(JsonTape& tape, std::uint32_t array, Vocabulary::Section section) {
  for (std::uint32_t i = array + 1; i < tape[array].end; i = tape[i].end) {
    if (tape[i].key.empty()) tape[i].key = "[]";
  }
  return map_section(tape, array, section);
}

bool EventMapper::place(JsonTape& tape, JsonNode& node, const Vocabulary::Row& row) {
  const std::uint8_t index = row.target.index;
  switch (row.target.kind) {
    case Target::Kind::envelope: return node.taken = true;
    case Target::Kind::text: return place_text(node, static_cast<Text>(index), row.rank);
    case Target::Kind::amount: return place_amount(node, static_cast<Amount>(index), row.rank);
    case Target::Kind::line: return place_line_field(node, static_cast<LineField>(index), row.rank);
    case Target::Kind::currency: return place_currency(node, row.rank);
    case Target::Kind::country: return place_country(tape, node, row.rank);
    case Target::Kind::lines:
    case Target::Kind::one_line: break;
  }
  return false;
}

bool EventMapper::claim(Slot& slot, JsonNode& node, std::uint16_t rank) {
  if (slot.rank != kUnset && (defaults_only_ || slot.rank < rank)) return false;
  if (slot.node != nullptr) slot.node->taken = false;  // Gives way, and is kept among the leftovers.
  slot = {&node, rank};
  return node.taken = true;
}

bool EventMapper::place_text(JsonNode& node, Text field, std::uint16_t rank) {
  if (node.kind == JsonKind::null) return false;
  std::string_view text = node.text;
  if (is_container(node.kind) || node.kind == JsonKind::boolean) {
    if (is_decisive(field)) fault_ = ItemFault{"invalid_type", "", "This value must be a string."};
    return false;
  }
  if (text.empty()) return node.taken = true;
  if (is_id(field) && text.size() > kIdBytesMax) {
    fault_ =
        ItemFault{"too_long", "", "An identifier has at most " + std::to_string(kIdBytesMax) + " bytes."};
    return false;
  }
  if (!claim(text_slots_[static_cast<std::size_t>(field)], node, rank)) return false;
  if (text.size() > kTextBytesMax) {
    text = cut_text(text, kTextBytesMax);
    event_->set(Flag::fields_truncated);
  }
  (*event_)[field] = text;
  return true;
}

bool EventMapper::place_amount(JsonNode& node, Amount field, std::uint16_t rank) {
  if (node.kind == JsonKind::null || (node.kind == JsonKind::string && node.text.empty())) return false;
  auto parsed = is_container(node.kind) || node.kind == JsonKind::boolean
                    ? base::Result<event::ParsedMoney>(base::Error(base::ErrorCode::invalid_argument, ""))
                    : event::parse_money(node.text);
  if (!parsed) {
    event_->set(Flag::money_unreadable);
    return false;
  }
  if (!claim(amount_slots_[static_cast<std::size_t>(field)], node, rank)) return false;
  if (parsed->loss == event::MoneyLoss::rounded) event_->set(Flag::money_rounded);
  event_->set(field, parsed->money);
  return true;
}

bool EventMapper::place_currency(JsonNode& node, std::uint16_t rank) {
  if (node.kind != JsonKind::string) return false;
  const event::Currency currency = event::parse_currency(node.text);
  if (!currency.known() || !claim(currency_slot_, node, rank)) return false;
  event_->currency = currency;
  return true;
}

bool EventMapper::place_country(JsonTape& tape, JsonNode& node, std::uint16_t rank) {
  if (node.kind != JsonKind::string || node.text.size() != 2) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(node.text[0]) || !letter(node.text[1])) return false;
  if (!claim(text_slots_[static_cast<std::size_t>(Text::country)], node, rank)) return false;
  std::string_view code = node.text;
  if (code[0] >= 'a' || code[1] >= 'a') {
    char* const upper = tape.reserve_text(2);
    upper[0] = static_cast<char>(code[0] & 0x5f);
    upper[1] = static_cast<char>(code[1] & 0x5f);
    code = {upper, 2};
  }
  (*event_)[Text::country] = code;
  return true;
}

bool EventMapper::place_line_field(JsonNode& node, LineField field, std::uint16_t rank) {
  if (is_container(node.kind) || node.kind == JsonKind::null || node.kind == JsonKind::boolean) return false;
  if (node.text.empty()) return false;
  event::ProductLine& line = line_->line;
  Slot& slot = line_->slots[static_cast<std::size_t>(field)];
  const auto text = [&](std::string_view event::ProductLine::*into) {
    if (!claim(slot, node, rank)) return false;
    const std::size_t bytes_max = field <= LineField::sku ? kIdBytesMax : kTextBytesMax;
    if (node.text.size() > bytes_max) event_->set(Flag::fields_truncated);
    line.*into = cut_text(node.text, bytes_max);
    return true;
  };
  switch (field) {
    case LineField::product_id: return text(&event::ProductLine::product_id);
    case LineField::sku: return text(&event::ProductLine::sku);
    case LineField::name: return text(&event::ProductLine::name);
    case LineField::brand: return text(&event::ProductLine::brand);
    case LineField::category: return text(&event::ProductLine::category);
    case LineField::variant: return text(&event::ProductLine::variant);
    case LineField::coupon: return text(&event::ProductLine::coupon);
    case LineField::price: {
      const auto parsed = event::parse_money(node.text);
      if (!parsed) event_->set(Flag::money_unreadable);
      if (!parsed || !claim(slot, node, rank)) return false;
      if (parsed->loss == event::MoneyLoss::rounded) event_->set(Flag::money_rounded);
      line.price = parsed->money;
      return line.has_price = true;
    }
    case LineField::quantity: {
      const auto quantity = parse_integer(node.text);
      if (!quantity || *quantity < -kQuantityMax || *quantity > kQuantityMax || !claim(slot, node, rank))
        return false;
      line.quantity = *quantity;
      return true;
    }
    case LineField::position: {
      const auto position = parse_integer(node.text);
      if (!position || *position < 0 || *position > INT32_MAX || !claim(slot, node, rank)) return false;
      line.position = static_cast<std::int32_t>(*position);
      return true;
    }
  }
  return false;
}

bool EventMapper::map_lines(JsonTape& tape, std::uint32_t array, Vocabulary::Section section) {
  const Vocabulary::Entry* const element = vocabulary_.find(section, "[]");
  bool any = false;
  for (std::uint32_t i = array + 1; i < tape[array].end; i = tape[i].end) {
    Line line;
    line_ = &line;
    JsonNode& node = tape[i];
    if (node.kind == JsonKind::object) {
      any |= map_section(tape, i, element->opens);
    } else {
      place_line_field(node, LineField::product_id, 0);  // A list of bare product ids.
    }
    line_ = &own_line_;
    any |= finish_line(line);
  }
  if (any) tape[array].entered = true;
  return any;
}

bool EventMapper::map_line(JsonTape& tape, std::uint32_t object, Vocabulary::Section section) {
  Line line;
  line_ = &line;
  const bool any = map_section(tape, object, section);
  line_ = &own_line_;
  return finish_line(line) || any;
}

bool EventMapper::finish_line(Line& line) {
  if (line.line.product_id.empty()) line.line.product_id = line.line.sku;
  if (line.line.product_id.empty()) {  // Of no product: stays among the leftovers.
    for (Slot& slot : line.slots) {
      if (slot.node != nullptr) slot.node->taken = false;
    }
    return false;
  }
  event_->products.push_back(line.line);
  return true;
}

void EventMapper::derive_from_url(JsonTape& tape) {
  Event& event = *event_;
  const std::string_view url = event[Text::page_url];
  if (url.empty()) return;
  if (event[Text::page_path].empty()) event[Text::page_path] = path_of_url(url);
  for_each_query_field(url, [&](std::string_view name, std::string_view value) {
    if (is_click_parameter(name)) event[Text::click_id] = name;
    if (!name.starts_with("utm_") || value.empty()) return;
    const auto fill = [&](Text field) {
      if (text_slots_[static_cast<std::size_t>(field)].rank == kUnset) {
        event[field] = decode_query_value(value, tape.reserve_text(value.size()));
      }
    };
    if (name == "utm_source") fill(Text::campaign_source);
    if (name == "utm_medium") fill(Text::campaign_medium);
    if (name == "utm_campaign") fill(Text::campaign_name);
    if (name == "utm_term") fill(Text::campaign_term);
    if (name == "utm_content") fill(Text::campaign_content);
  });
}

}  // namespace millrace::collect
