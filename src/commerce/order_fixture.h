#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "commerce/order.h"
#include "process/memory_state_store.h"

// Orders as clients tell of them, for tests.
namespace millrace::commerce {

inline event::Money money(double units) {
  return {static_cast<std::int64_t>(units * 1e6 + (units < 0 ? -0.5 : 0.5))};
}

inline event::OrderRow told(event::OrderStatus status, std::vector<event::OrderLine> lines,
                            std::int64_t at_ms = 1000) {
  event::OrderRow order;
  order.order_id = "o-1";
  order.status = status;
  order.visitor_id = "browser";
  order.ordered_at = {at_ms};
  order.currency = event::parse_currency("EUR");
  order.lines = std::move(lines);
  return order;
}

inline event::OrderLine line(const std::string& product, std::int64_t quantity, double price) {
  return {product, "name of " + product, "things", quantity, money(price)};
}

struct Shop {
  process::MemoryStateStore store;
  Orders orders{store, "order/", {}};
  std::uint64_t offset = 0;
  OrderOutcome tell(event::OrderRow row) { return orders.apply(offset++, std::move(row)); }
};

}  // namespace millrace::commerce
