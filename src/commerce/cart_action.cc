#include "commerce/cart_action.h"

#include <charconv>
#include <string>

#include "base/hash.h"
#include "base/iso_time.h"
#include "commerce/json_text.h"

namespace millrace::commerce {

namespace {

void append_name(std::string& out, std::string_view name) {
  if (out.back() != '{') out.push_back(',');
  append_json_text(out, name);
  out.push_back(':');
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_name(out, name);
  append_json_text(out, value);
}

void append_number(std::string& out, std::string_view name, std::int64_t value) {
  append_name(out, name);
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

void append_time(std::string& out, std::string_view name, std::int64_t at_ms) {
  append_name(out, name);
  out.push_back('"');
  base::append_iso_time(out, {at_ms});
  out.push_back('"');
}

void append_money(std::string& out, std::string_view name, event::Money money, event::Currency currency) {
  append_name(out, name);
  out.push_back('{');
  append_field(out, "amount", event::to_string(money));
  append_field(out, "currency", currency.text());
  out.push_back('}');
}

// As text: JSON numbers of this size lose digits in most readers.
std::string hex(std::uint64_t id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, id >>= 4) *digit = kDigits[id & 15];
  return text;
}

std::string begin_payload(std::uint64_t trigger_id, std::string_view visitor_id, std::string_view user_id) {
  std::string out = "{";
  append_field(out, "trigger_id", hex(trigger_id));
  append_field(out, "visitor_id", visitor_id);
  if (!user_id.empty()) append_field(out, "user_id", user_id);
  return out;
}

event::Money value_of(const AbandonedCart& cart) {
  event::Money value;
  for (const auto& line : cart.lines) {
    const auto amount = event::multiply(line.price, line.quantity);
    const auto sum = amount ? event::add(value, *amount) : std::nullopt;
    if (sum) value = *sum;
  }
  return value;
}

}  // namespace

event::Action abandonment(const AbandonedCart& cart, std::string_view visitor_id, std::string_view user_id) {
  std::string payload = begin_payload(cart.trigger_id, visitor_id, user_id);
  append_time(payload, "created_at", cart.created_at_ms);
  append_time(payload, "last_changed_at", cart.armed_at_ms);
  append_time(payload, "abandoned_at", cart.abandoned_at_ms);
  append_money(payload, "value", value_of(cart), cart.currency);
  append_name(payload, "lines");
  payload.push_back('[');
  for (const auto& line : cart.lines) {
    if (payload.back() != '[') payload.push_back(',');
    payload.push_back('{');
    append_field(payload, "product_id", line.product_id);
    append_field(payload, "name", line.name);
    append_number(payload, "quantity", line.quantity);
    append_money(payload, "price", line.price, cart.currency);
    payload.push_back('}');
  }
  payload.append("]}");
  return {cart.trigger_id,         event::ActionKind::cart_abandoned,
          std::string(visitor_id), std::string(user_id),
          {cart.abandoned_at_ms},  std::move(payload)};
}

std::uint64_t cancellation_id(std::uint64_t trigger_id) {
  return base::mix(trigger_id, static_cast<std::uint64_t>(event::ActionKind::cart_abandonment_cancelled));
}

event::Action cancellation(const CancelledTrigger& trigger, std::string_view visitor_id,
                           std::string_view user_id) {
  std::string payload = begin_payload(trigger.trigger_id, visitor_id, user_id);
  append_time(payload, "purchased_at", trigger.at_ms);
  payload.push_back('}');
  return {cancellation_id(trigger.trigger_id),
          event::ActionKind::cart_abandonment_cancelled,
          std::string(visitor_id),
          std::string(user_id),
          {trigger.at_ms},
          std::move(payload)};
}

}  // namespace millrace::commerce
