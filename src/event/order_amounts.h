#pragma once

#include <vector>

#include "event/event.h"
#include "event/row.h"

namespace millrace::event {

// Fills items_net, order_net, order_gross and reconciles of an order from its lines and the amounts the
// client gave, by the one rule of docs/guide/orders.md. Amounts given are never changed.
void derive_amounts(OrderRow& order);

// The same for an order of which some units were returned: its lines hold what is left of `ordered`. Discount
// and tax go back in proportion to the price of what was returned, shipping with the last unit. `returned` was
// given back in money alone, and lessens what remains in proportion.
void derive_remaining(OrderRow& order, const std::vector<OrderLine>& ordered, Money returned = {});

// What the customer gets back when `amount` of an order is given back in the terms of `counted`, its revenue or subtotal, which by their
// clients hold the goods alone or all that was paid. `whole` is the order with its derived amounts, before any return.
Money in_gross(Money amount, Money counted, const OrderRow& whole);

// Whether the amounts that an order or a change of it gives disagree with its lines, by the same rule. Never for what gives back: that
// names little more than its order.
bool totals_differ(const Event& event);

}  // namespace millrace::event
