#pragma once

#include <string>
#include <string_view>

#include "contract/json_document.h"
#include "event/event.h"

namespace millrace::contract {

// The properties that an event has in the vocabulary's words, as a call of the Segment API would have them:
// {"order_id":"7","currency":"EUR","revenue":9.5,"products":[{"product_id":"p","price":9.5,"quantity":1}]}. That is what a contract
// speaks of when the item's own form has none. Reused from event to event.
class CanonicalProperties {
 public:
  // With the members of GA4's parameters that no field of the vocabulary holds. Holds until the next call.
  const JsonDocument& read(const event::Event& event);
  std::string_view text() const { return text_; }

 private:
  void append_key(std::string_view key);
  void append_text(std::string_view key, std::string_view text);
  void append_money(std::string_view key, event::Money money);
  void append_line(const event::ProductLine& line);
  void append_products(const event::Event& event);
  void append_leftovers(std::string_view extra);

  std::string text_;
  JsonDocument leftovers_;
  JsonDocument document_;
};

}  // namespace millrace::contract
