#include "commerce/order_returns.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "event/order_amounts.h"

namespace millrace::commerce {

using event::Money;
using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;

Money refunded_amount(const OrderRow& told, const Order& order) {
  if (told.status != OrderStatus::refunded || !told.lines.empty()) return {};
  const auto usable = [](Money amount) { return amount.micros != 0 && amount.micros != INT64_MIN; };
  const auto positive = [](Money amount) {
    return Money{std::abs(amount.micros)};  // Some clients write it as what they pay out.
  };
  if (usable(told.total)) return positive(told.total);
  OrderRow whole = order.row;
  whole.lines = order.ordered;
  event::derive_amounts(whole);
  if (usable(told.revenue)) return event::in_gross(positive(told.revenue), whole.revenue, whole);
  if (usable(told.subtotal)) return event::in_gross(positive(told.subtotal), whole.subtotal, whole);
  return {};
}

bool gives_back(OrderStatus status) {
  return status == OrderStatus::refunded || status == OrderStatus::cancelled;
}

void subtract(const std::vector<OrderLine>& returned, std::vector<OrderLine>& lines) {
  for (const auto& unit : returned) {
    std::int64_t left = unit.quantity;
    for (const bool at_any_price : {false, true}) {
      for (auto& line : lines) {
        if (line.product_id != unit.product_id || line.quantity <= 0 || left <= 0) continue;
        if (!at_any_price && line.price != unit.price) continue;
        const std::int64_t taken = std::min(left, line.quantity);
        line.quantity -= taken;
        left -= taken;
      }
    }
  }
}

std::vector<OrderLine> difference(const std::vector<OrderLine>& ordered, const std::vector<OrderLine>& left) {
  std::vector<OrderLine> gone = ordered;
  subtract(left, gone);
  return gone;
}

void clear_quantities(std::vector<OrderLine>& lines) {
  for (auto& line : lines) line.quantity = 0;
}

bool is_part_of(const OrderRow& told, const Order& order) {
  const bool comparable = told.currency == event::Currency{} || told.currency == order.row.currency;
  const Money amount = refunded_amount(told, order);
  return comparable && amount.micros > 0 && amount.micros < order.row.order_gross.micros;
}

std::vector<OrderLine> units_returned(const OrderRow& told) {
  std::vector<OrderLine> lines = told.lines;
  for (auto& line : lines) {
    if (line.quantity < 0 && line.quantity != INT64_MIN) line.quantity = -line.quantity;
  }
  return lines;
}

}  // namespace millrace::commerce
