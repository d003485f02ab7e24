#pragma once

#include <optional>

#include "base/clock.h"
#include "collect/json_tape.h"
#include "event/event.h"

namespace millrace::collect {

// Prepares a Shopify webhook for the mapping table: names the attribute that carries the visitor, and hides the lines of an
// update of an order with refunds, which would bring back what the refunds took.
void prepare_shopify_item(JsonTape& item, event::EventType type);

// When what it tells happened.
std::optional<base::WallTime> shopify_time(const JsonTape& item, event::EventType type);

// What a refund gave back: the sum of its transactions that went through.
std::optional<event::Money> shopify_refund(const JsonTape& item);

}  // namespace millrace::collect
