#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "commerce/order.h"
#include "process/memory_state_store.h"

namespace millrace::commerce {
namespace {

using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;

OrderRow told(OrderStatus status, std::vector<OrderLine> lines, std::int64_t at_ms = 1000) {
  OrderRow order;
  order.order_id = "o-1";
  order.status = status;
  order.ordered_at = {at_ms};
  order.lines = std::move(lines);
  return order;
}

OrderLine line(const std::string& product, std::int64_t quantity, double price) {
  return {product, "", "", quantity, {static_cast<std::int64_t>(price * 1e6 + 0.5)}};
}

struct Shop {
  process::MemoryStateStore store;
  Orders orders{store, "order/", {}};
  std::uint64_t offset = 0;
  OrderOutcome tell(OrderRow row) { return orders.apply(offset++, std::move(row)); }
};

TEST_CASE("of a product's variants the one comes back whose price the refund names") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("shirt", 1, 10), line("shirt", 2, 15), line("cup", 1, 4)}));
  const auto dear = shop.tell(told(OrderStatus::refunded, {line("shirt", 1, 15)}, 2000));
  REQUIRE_EQ(dear.rows.size(), 1);
  CHECK_EQ(event::to_string(dear.rows[0].items_net), "29");
  // More than there is of that price, and a price that none has.
  const auto more = shop.tell(told(OrderStatus::refunded, {line("shirt", 2, 15)}, 3'000'000));
  REQUIRE_EQ(more.rows.size(), 1);
  CHECK_EQ(event::to_string(more.rows[0].items_net), "4");
  const auto other = shop.tell(told(OrderStatus::refunded, {line("cup", 1, 3.5)}, 6'000'000));
  REQUIRE_EQ(other.rows.size(), 1);
  CHECK_EQ(event::to_string(other.rows[0].items_net), "0");
}

}  // namespace
}  // namespace millrace::commerce
