#pragma once

#include <cstdint>
#include <string_view>

#include "commerce/cart.h"
#include "event/fact.h"

namespace millrace::commerce {

// What leaves Millrace when a cart is abandoned, and when a purchase comes after that. docs/guide/operators.md has the payloads.
event::Action abandonment(const AbandonedCart& cart, std::string_view visitor_id, std::string_view user_id);
event::Action cancellation(const CancelledTrigger& trigger, std::string_view visitor_id,
                           std::string_view user_id);
// The id of the action that cancels the abandonment of this id.
std::uint64_t cancellation_id(std::uint64_t trigger_id);

}  // namespace millrace::commerce
