#include "serve/event_json.h"

#include <simdjson.h>

#include "event/field_names.h"
#include "serve/json_writer.h"

namespace millrace::serve {

namespace {

using event::Text;

void write_text(JsonWriter& json, std::string_view name, std::string_view text) {
  if (!text.empty()) json.field(name, text);
}

void write_line(JsonWriter& json, const event::ProductLine& line, event::Currency currency) {
  json.begin_object();
  write_text(json, "product_id", line.product_id);
  write_text(json, "sku", line.sku);
  write_text(json, "name", line.name);
  write_text(json, "brand", line.brand);
  write_text(json, "category", line.category);
  write_text(json, "variant", line.variant);
  write_text(json, "coupon", line.coupon);
  if (line.has_price) json.key("price").money(line.price, currency);
  json.field("quantity", line.quantity);
  if (line.position >= 0) json.field("position", line.position);
  json.end_object();
}

// It is copied from what a client sent: only what reads as JSON may stand in our own.
void write_extra(JsonWriter& json, std::string_view extra) {
  if (extra.empty()) return;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  json.key("extra");
  if (parser.parse(simdjson::padded_string(extra)).get(object) != simdjson::SUCCESS) {
    json.value(extra);
    return;
  }
  json.raw(simdjson::minify(object));
}

}  // namespace

std::string canonical_json(const event::Event& event) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().field("type", event::to_string(event.type));
  json.key("event_time").time(event.event_time).key("received_at").time(event.received_at);
  if (event.client_time.ms != 0) json.key("client_time").instant(event.client_time);
  for (std::size_t i = 0; i < event::kTextCount; ++i) {
    const auto field = static_cast<Text>(i);
    if (field != Text::extra) write_text(json, event::to_string(field), event[field]);
  }
  if (event.currency.known()) json.field("currency", event.currency.text());
  for (std::size_t i = 0; i < event::kAmountCount; ++i) {
    const auto amount = static_cast<event::Amount>(i);
    if (event.has(amount)) json.key(event::to_string(amount)).money(event[amount], event.currency);
  }
  if (!event.products.empty()) {
    json.key("products").begin_array();
    for (const event::ProductLine& line : event.products) write_line(json, line, event.currency);
    json.end_array();
  }
  if (event.flags != 0) {
    json.key("flags").begin_array();
    for (std::size_t i = 0; i < event::kFlagCount; ++i) {
      const auto flag = static_cast<event::Flag>(i);
      if (event.has(flag)) json.value(event::to_string(flag));
    }
    json.end_array();
  }
  if (event.purposes.decided) {
    json.key("purposes").begin_array();
    for (std::size_t i = 0; i < event::kPurposeCount; ++i) {
      const auto purpose = static_cast<event::Purpose>(i);
      if (event.purposes.has(purpose)) json.value(event::to_string(purpose));
    }
    json.end_array();
  }
  if (event.bot_score > 0) {
    json.field("bot_score", event.bot_score).key("bot_reasons").begin_array();
    for (std::size_t i = 0; i < event::kBotReasonCount; ++i) {
      const auto reason = static_cast<event::BotReason>(i);
      if ((event.bot_reasons >> i & 1u) != 0) json.value(event::to_string(reason));
    }
    json.end_array();
  }
  write_extra(json, event[Text::extra]);
  json.end_object();
  return text;
}

}  // namespace millrace::serve
