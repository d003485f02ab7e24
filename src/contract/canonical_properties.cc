#include "contract/canonical_properties.h"

#include <charconv>

#include "base/result.h"
#include "collect/vocabulary.h"
#include "event/field_names.h"
#include "http/http.h"

namespace millrace::contract {

namespace {

using event::EventType;
using event::Text;

constexpr Text kTexts[] = {Text::order_id,       Text::checkout_id,    Text::cart_id, Text::coupon,
                           Text::affiliation,    Text::query,          Text::list_id, Text::category,
                           Text::promotion_id,   Text::payment_method, Text::step,    Text::email,
                           Text::shipping_method};
constexpr std::pair<std::string_view, Text> kPageTexts[] = {{"url", Text::page_url},
                                                            {"path", Text::page_path},
                                                            {"title", Text::page_title},
                                                            {"referrer", Text::page_referrer},
                                                            {"category", Text::category}};
constexpr std::string_view kParameters[] = {"params", "ep", "epn"};

bool is_page(EventType type) { return type == EventType::page_viewed || type == EventType::screen_viewed; }

// Its product's fields are the event's own.
bool is_of_one_product(EventType type) {
  return ((collect::types_of(collect::Scope::line) >> static_cast<unsigned>(type)) & 1u) != 0;
}

}  // namespace

void CanonicalProperties::append_key(std::string_view key) {
  if (text_.back() != '{') text_ += ',';
  text_ += '"';
  text_ += key;
  text_ += "\":";
}

void CanonicalProperties::append_text(std::string_view key, std::string_view text) {
  if (text.empty()) return;
  append_key(key);
  http::append_json_string(text_, text);
}

void CanonicalProperties::append_money(std::string_view key, event::Money money) {
  append_key(key);
  text_ += event::to_string(money);
}

void CanonicalProperties::append_line(const event::ProductLine& line) {
  const auto append_number = [this](std::string_view key, std::int64_t value) {
    append_key(key);
    char digits[24];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  };
  append_text("product_id", line.product_id);
  append_text("sku", line.sku);
  append_text("name", line.name);
  append_text("brand", line.brand);
  append_text("category", line.category);
  append_text("variant", line.variant);
  append_text("coupon", line.coupon);
  if (line.has_price) append_money("price", line.price);
  append_number("quantity", line.quantity);
  if (line.position >= 0) append_number("position", line.position);
}

void CanonicalProperties::append_products(const event::Event& event) {
  if (event.products.empty()) return;
  if (is_of_one_product(event.type)) append_line(event.products.front());
  if (is_of_one_product(event.type) && event.products.size() == 1) return;
  append_key("products");
  text_ += '[';
  for (const auto& line : event.products) {
    text_ += text_.back() == '[' ? "{" : ",{";
    append_line(line);
    text_ += '}';
  }
  text_ += ']';
}

// What gtag sends as a number is text in its hit.
void CanonicalProperties::append_leftovers(std::string_view extra) {
  if (extra.empty() || !leftovers_.read(extra).ok()) return;
  const JsonTape& tape = leftovers_.tape();
  for (const std::string_view container : kParameters) {
    const std::uint32_t object = find_member(tape, 0, container);
    if (object == kNoNode || tape[object].kind != JsonKind::object) continue;
    for (std::uint32_t i = object + 1; i < tape[object].end; i = tape[i].end) {
      if (find_member(tape, object, tape[i].key) != i) continue;
      if (text_.back() != '{') text_ += ',';
      http::append_json_string(text_, tape[i].key);
      text_ += ':';
      const bool is_number = container == "epn" && collect::is_json_number(tape[i].text);
      text_ += is_number ? tape[i].text : tape[i].raw;
    }
  }
}

const JsonDocument& CanonicalProperties::read(const event::Event& event) {
  text_ = '{';
  const bool has_line = is_of_one_product(event.type) && !event.products.empty();
  if (is_page(event.type)) {
    for (const auto& [name, field] : kPageTexts) append_text(name, event[field]);
  } else {
    for (const Text field : kTexts) {
      // Where the product has one, it is the product's.
      const bool of_line = (field == Text::category && has_line && !event.products[0].category.empty()) ||
                           (field == Text::coupon && has_line && !event.products[0].coupon.empty());
      if (!of_line) append_text(event::to_string(field), event[field]);
    }
    append_products(event);
    append_text("currency", event.currency.text());
  }
  for (std::size_t i = 0; i < event::kAmountCount; ++i) {
    const auto amount = static_cast<event::Amount>(i);
    if (event.has(amount)) append_money(event::to_string(amount), event[amount]);
  }
  append_leftovers(event[Text::extra]);
  text_ += '}';
  const auto laid_out = document_.read(text_);
  if (!laid_out.ok()) {  // More values than a document may have: what it has is then not known.
    text_ = "{}";
    INVARIANT(document_.read(text_).ok());
  }
  return document_;
}

}  // namespace millrace::contract
