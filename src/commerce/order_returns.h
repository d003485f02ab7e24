#pragma once

#include <vector>

#include "commerce/order.h"
#include "event/row.h"

namespace millrace::commerce {

bool gives_back(event::OrderStatus status);

// What a refund without products gives back of what the customer paid; 0 when it does not say. Revenue and subtotal mean in it what they
// mean in the order.
event::Money refunded_amount(const event::OrderRow& told, const Order& order);

// Whether it gives back a part of what is left of the order. In another currency nobody can tell: then it is taken for the whole, as
// without an amount.
bool is_part_of(const event::OrderRow& told, const Order& order);

// As many as a client that writes what leaves the order with a minus means.
std::vector<event::OrderLine> units_returned(const event::OrderRow& told);

// Takes the units named from the lines that still have some, in their order; of a product that was ordered at several prices, as its variants
// are, first from the lines of the price that is named.
void subtract(const std::vector<event::OrderLine>& returned, std::vector<event::OrderLine>& lines);

// The units of `ordered` that are not in `left`.
std::vector<event::OrderLine> difference(const std::vector<event::OrderLine>& ordered,
                                         const std::vector<event::OrderLine>& left);

void clear_quantities(std::vector<event::OrderLine>& lines);

}  // namespace millrace::commerce
