#pragma once

#include <optional>

#include "base/clock.h"
#include "collect/json_tape.h"
#include "event/event.h"

namespace millrace::collect {

// Prepares a Shopify webhook for the mapping table: names the attribute that carries the visitor, gives lines of no product their title for an
// id, parts the discount on the delivery from that on the goods, and hides the lines of an update of an order with refunds, which would bring
// back what the refunds took.
void prepare_shopify_item(JsonTape& item, event::EventType type);

// When what it tells happened.
std::optional<base::WallTime> shopify_time(const JsonTape& item, event::EventType type);

// What a refund gave back, in the shop's currency, in which its order and its lines are. One without lines whose transactions failed, or that has
// none, gives nothing back.
struct ShopifyRefund {
  std::optional<event::Money> total{};
  bool gives_back = true;
};
ShopifyRefund shopify_refund(const JsonTape& item);

}  // namespace millrace::collect
