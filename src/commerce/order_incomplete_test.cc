#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "commerce/order_fixture.h"

// Orders that an update tells of before their completion comes.
namespace millrace::commerce {
namespace {

using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;

OrderRow completion() {
  OrderRow order = told(OrderStatus::completed, {line("a", 2, 10), line("b", 1, 30)}, 1000);
  order.total = money(57);
  order.shipping = money(7);
  order.session_id = 77;
  return order;
}

OrderRow update(std::vector<OrderLine> lines, double shipping, std::int64_t at_ms) {
  OrderRow order = told(OrderStatus::updated, std::move(lines), at_ms);
  order.visitor_id = order.user_id = "server";
  order.shipping = money(shipping);
  return order;
}

OrderRow refund(std::vector<OrderLine> lines, double total, std::int64_t at_ms) {
  OrderRow order = told(OrderStatus::refunded, std::move(lines), at_ms);
  order.total = money(total);
  return order;
}

std::string figures(const OrderRow& row) {
  std::string text = std::to_string(static_cast<int>(row.status)) + " " + event::to_string(row.order_net) +
                     " " + event::to_string(row.order_gross) + " " + std::to_string(row.session_id) + " " +
                     row.visitor_id;
  for (const auto& line : row.lines) text += " " + line.product_id + "x" + std::to_string(line.quantity);
  return text;
}

struct Told {
  std::string figures;
  std::int64_t units = 0;
  std::uint64_t purchases = 0;
};

Told tell_all(const std::vector<OrderRow>& tellings) {
  Shop shop;
  Told result;
  for (const auto& telling : tellings) {
    const auto outcome = shop.tell(telling);
    for (const auto& sale : outcome.sales) {
      result.units += sale.quantity;
      result.purchases += sale.action == event::ProductAction::purchase ? 1 : 0;
    }
    // As after a restart between any two of them.
    const Order* order = shop.orders.find("o-1");
    std::string bytes;
    order->encode(bytes);
    Order decoded;
    REQUIRE(Order::decode(bytes, decoded));
    std::string again;
    decoded.encode(again);
    CHECK(bytes == again);
    CHECK(decoded.incomplete == order->incomplete);
  }
  result.figures = figures(shop.orders.find("o-1")->row);
  return result;
}

}  // namespace

TEST_CASE("an order comes out the same whether its update overtook it or not") {
  const std::vector<std::vector<OrderRow>> changes = {
      {update({}, 3, 2000)},
      {update({}, 3, 2000), update({}, 4, 3000)},
      {update({line("a", 1, 10)}, 3, 2000)},
      {update({}, 3, 2000), refund({line("a", 1, 10)}, 0, 3000)},
      {update({}, 3, 2000), refund({}, 20, 3000)},
      {update({}, 3, 2000), refund({}, 0, 3000)},
      {update({line("a", 3, 10)}, 3, 2000), refund({line("a", 1, 10)}, 0, 3000)},
      {update({line("a", 3, 10)}, 3, 2000), refund({}, 11, 3000)},
      {update({}, 3, 2000), told(OrderStatus::cancelled, {}, 3000)},
      {update({line("a", 3, 10)}, 3, 2000), told(OrderStatus::cancelled, {}, 3000)},
      {refund({line("b", 1, 30)}, 0, 1500), update({}, 3, 2000)},
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    std::vector<OrderRow> in_order = {completion()};
    in_order.insert(in_order.end(), changes[i].begin(), changes[i].end());
    const Told expected = tell_all(in_order);
    for (std::size_t place = 1; place <= changes[i].size(); ++place) {
      CAPTURE(place);
      std::vector<OrderRow> overtaken = changes[i];
      overtaken.insert(overtaken.begin() + static_cast<std::ptrdiff_t>(place), completion());
      const Told result = tell_all(overtaken);
      CHECK_EQ(result.figures, expected.figures);
      CHECK_EQ(result.units, expected.units);
    }
  }
}

TEST_CASE("the completion that an update overtook is no duplicate, and comes once") {
  Shop shop;
  shop.tell(update({}, 3, 2000));
  const auto outcome = shop.tell(completion());
  CHECK_FALSE(outcome.duplicate);
  REQUIRE_EQ(outcome.rows.size(), 1);
  CHECK_EQ(outcome.rows[0].version, 2);
  CHECK_EQ(outcome.rows[0].ordered_at.ms, 1000);
  CHECK_EQ(outcome.sales.size(), 2);
  const auto again = shop.tell(completion());
  CHECK(again.duplicate);
  CHECK(again.rows.empty());
}

}  // namespace millrace::commerce
