#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "commerce/order_fixture.h"

namespace millrace::commerce {
namespace {

using event::OrderRow;
using event::OrderStatus;

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

TEST_CASE("refunds that overtake their order all wait for it, each once") {
  process::MemoryStateStore store;
  std::uint64_t offset = 0;
  OrderRow money_back = told(OrderStatus::refunded, {}, 1'500'000);
  money_back.total = money(10);
  const OrderRow returns[] = {told(OrderStatus::refunded, {line("a", 1, 20)}, 2000),
                              told(OrderStatus::refunded, {line("b", 2, 15)}, 3000), money_back,
                              told(OrderStatus::refunded, {line("a", 1, 20)}, 2'000'000)};
  OrderRow order = told(OrderStatus::completed, {line("a", 3, 20), line("b", 2, 15), line("c", 1, 10)}, 1000);
  OrderOutcome joined;
  {
    Orders orders(store, "order/", {});
    for (const OrderRow& each : returns) {
      const auto outcome = orders.apply(offset++, each);
      REQUIRE_EQ(outcome.rows.size(), 1);
      CHECK_EQ(outcome.rows[0].version, offset);
      CHECK_EQ(outcome.rows[0].order_gross.micros, 0);
      CHECK(outcome.sales.empty());
    }
    // The webhook tells of some of them as well.
    for (const OrderRow& each : {returns[2], returns[3]}) {
      OrderRow by_webhook = each;
      by_webhook.source = 7;
      CHECK(orders.apply(offset++, by_webhook).duplicate);
    }
    orders.freeze();
    process::StateBatch batch;
    REQUIRE(orders.drain(batch, 100));
    REQUIRE(store.commit(batch).ok());
    orders.committed();
  }
  Orders orders(store, "order/", {});
  joined = orders.apply(offset, order);
  REQUIRE_EQ(joined.rows.size(), 1);
  const OrderRow& row = joined.rows[0];
  CHECK_EQ(row.version, 5);
  CHECK_EQ(row.offset, offset);
  CHECK(row.status == OrderStatus::refunded);
  CHECK_EQ(row.lines[0].quantity, 1);
  CHECK_EQ(row.lines[1].quantity, 0);
  CHECK_EQ(row.lines[2].quantity, 1);
  // The same as of an order that was there first.
  Shop shop;
  shop.tell(order);
  for (const OrderRow& each : returns) shop.tell(each);
  const OrderRow& plain = shop.orders.find("o-1")->row;
  CHECK_EQ(row.order_gross.micros, plain.order_gross.micros);
  CHECK_EQ(row.order_net.micros, plain.order_net.micros);
  CHECK_EQ(event::to_string(row.order_gross), "20");
  CHECK_FALSE(orders.find("o-1")->unknown);
  std::int64_t units = 0;
  for (const auto& sale : joined.sales) units += sale.quantity;
  CHECK_EQ(units, 2);
  // Told again after the order came, they still are the same returns.
  CHECK(orders.apply(++offset, returns[3]).duplicate);
}

TEST_CASE("of two refunds that each come from two clients in turn none counts twice") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("a", 5, 10), line("b", 5, 1)}));
  OrderRow one = told(OrderStatus::refunded, {line("a", 1, 10)}, 2000);
  OrderRow other = told(OrderStatus::refunded, {line("b", 1, 1)}, 3000);
  CHECK_FALSE(shop.tell(one).duplicate);
  CHECK_FALSE(shop.tell(other).duplicate);
  one.source = other.source = 4;
  CHECK(shop.tell(one).duplicate);
  CHECK(shop.tell(other).duplicate);
  CHECK_EQ(event::to_string(shop.orders.find("o-1")->row.order_gross), "44");
  std::string bytes, again;
  shop.orders.find("o-1")->encode(bytes);
  Order decoded;
  REQUIRE(Order::decode(bytes, decoded));
  CHECK(decoded.tellings == shop.orders.find("o-1")->tellings);
  CHECK_EQ(decoded.tellings.size(), 3);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    CHECK_FALSE(Order::decode(std::string_view(bytes).substr(0, cut), decoded));
}

TEST_CASE("a refund in terms of goods alone is the whole order when its order counts so") {
  struct Case {
    double revenue, refund, gross, net;
  };
  // Goods of 100, delivery 5, tax 20. The order's revenue is of the goods, of all, or not given.
  const Case cases[] = {{100, 100, 0, 0},   {100, -100, 0, 0},  {100, 40, 75, 60}, {125, 125, 0, 0},
                        {125, 100, 25, 20}, {125, 25, 100, 80}, {0, 100, 25, 20},  {100, 100.01, 0, 0}};
  for (const auto& [revenue, refund, gross, net] : cases) {
    CAPTURE(revenue);
    CAPTURE(refund);
    Shop shop;
    OrderRow order = told(OrderStatus::completed, {line("a", 4, 25)});
    order.revenue = money(revenue);
    order.shipping = money(5);
    order.tax = money(20);
    shop.tell(order);
    OrderRow back = told(OrderStatus::refunded, {}, 2000);
    back.revenue = money(refund);
    shop.tell(back);
    const OrderRow& row = shop.orders.find("o-1")->row;
    CHECK_EQ(event::to_string(row.order_gross), event::to_string(money(gross)));
    CHECK_EQ(event::to_string(row.order_net), event::to_string(money(net)));
    CHECK_EQ(row.lines[0].quantity, gross == 0 ? 0 : 4);
  }
  // In two parts.
  Shop shop;
  OrderRow order = told(OrderStatus::completed, {line("a", 4, 25)});
  order.revenue = money(100);
  order.tax = money(25);
  shop.tell(order);
  for (const double part : {40.0, 60.0}) {
    OrderRow back = told(OrderStatus::refunded, {}, 2000);
    back.revenue = money(part);
    shop.tell(back);
  }
  CHECK_EQ(shop.orders.find("o-1")->row.order_gross.micros, 0);
  CHECK_EQ(shop.orders.find("o-1")->row.lines[0].quantity, 0);
}

TEST_CASE("units that come back may be written with a minus") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("a", 3, 10)}));
  shop.tell(told(OrderStatus::refunded, {line("a", -2, 10)}, 2000));
  CHECK_EQ(event::to_string(shop.orders.find("o-1")->row.order_gross), "10");
}

TEST_CASE("one client that tells of the same refund again after another one means one more") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("a", 5, 10), line("b", 5, 1)}));
  for (const char* product : {"a", "b", "a", "a"})
    shop.tell(told(OrderStatus::refunded, {line(product, 1, 0)}, 2000));
  CHECK_EQ(event::to_string(shop.orders.find("o-1")->row.order_gross), "34");
}

TEST_CASE("an order that is changed and changed back is as it was") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("a", 1, 10)}));
  CHECK_FALSE(shop.tell(told(OrderStatus::updated, {line("a", 3, 10)}, 2000)).duplicate);
  CHECK_FALSE(shop.tell(told(OrderStatus::updated, {line("a", 2, 10)}, 3000)).duplicate);
  CHECK_FALSE(shop.tell(told(OrderStatus::updated, {line("a", 3, 10)}, 4000)).duplicate);
  CHECK_EQ(event::to_string(shop.orders.find("o-1")->row.order_gross), "30");
}

TEST_CASE("an order of one telling is written as builds before wrote it") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("a", 1, 10)}));
  shop.tell(told(OrderStatus::updated, {line("a", 2, 10)}, 1'000'000));
  std::string bytes;
  shop.orders.find("o-1")->encode(bytes);
  CHECK_EQ(bytes[0], 2);
}

}  // namespace
}  // namespace millrace::commerce
