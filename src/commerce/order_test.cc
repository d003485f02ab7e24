#include "commerce/order.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "commerce/order_fixture.h"
#include "commerce/order_sales.h"
#include "event/order_amounts.h"

namespace millrace::commerce {
namespace {

using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;
using event::ProductAction;

TEST_CASE("the amounts of Segment's own example reconcile by the one rule") {
  OrderRow order = told(OrderStatus::completed, {line("monopoly", 1, 19), line("uno", 2, 3)});
  order.total = money(27.5);
  order.subtotal = money(22.5);
  order.revenue = money(25);
  order.shipping = money(3);
  order.tax = money(2);
  order.discount = money(2.5);
  derive_amounts(order);
  CHECK_EQ(event::to_string(order.items_net), "25");
  CHECK_EQ(event::to_string(order.order_net), "22.5");
  CHECK_EQ(event::to_string(order.order_gross), "27.5");
  CHECK(order.reconciles);
  order.total = money(37.5);
  derive_amounts(order);
  CHECK_FALSE(order.reconciles);
  CHECK_EQ(event::to_string(order.order_gross), "27.5");
}

TEST_CASE("prices that hold the tax are known by the total") {
  OrderRow order = told(OrderStatus::completed, {line("a", 2, 59.5)});
  order.total = money(123.99);
  order.tax = money(19);
  order.shipping = money(4.99);
  derive_amounts(order);
  CHECK_EQ(event::to_string(order.order_net), "100");
  CHECK_EQ(event::to_string(order.order_gross), "123.99");
  CHECK(order.reconciles);
}

TEST_CASE("what a shop rounds is measured in its currency's smallest amount") {
  struct Case {
    std::string_view currency;
    double price, total;
    bool reconciles;
  };
  // Three for 100, and amounts off by as much as two roundings and by more.
  const Case cases[] = {
      {"JPY", 33, 100, true},        {"JPY", 33, 101, true},        {"JPY", 33, 102, false},
      {"EUR", 33.33, 100, true},     {"EUR", 33.33, 100.02, false}, {"KWD", 3.333, 10.001, true},
      {"KWD", 3.333, 10.002, false}, {"", 33.33, 100.01, true},     {"krw", 33, 101, true}};
  for (const auto& [currency, price, total, reconciles] : cases) {
    CAPTURE(currency);
    CAPTURE(total);
    OrderRow order = told(OrderStatus::completed, {line("a", 3, price)});
    order.currency = event::parse_currency(currency);
    order.total = money(total);
    derive_amounts(order);
    CHECK_EQ(order.reconciles, reconciles);
  }
  // A tax that is no larger than what is rounded away.
  OrderRow small = told(OrderStatus::completed, {line("a", 1, 20)});
  small.currency = event::parse_currency("JPY");
  small.tax = money(2);
  small.total = money(22);
  derive_amounts(small);
  CHECK_EQ(event::to_string(small.order_net), "20");
  CHECK_EQ(event::to_string(small.order_gross), "22");
  small.total = money(20);
  derive_amounts(small);
  CHECK_EQ(event::to_string(small.order_net), "18");
  CHECK_EQ(event::to_string(small.order_gross), "20");
}

TEST_CASE("an order without priced lines is as large as its amounts say") {
  OrderRow order = told(OrderStatus::completed, {});
  order.revenue = money(80);
  order.shipping = money(5);
  derive_amounts(order);
  CHECK_EQ(event::to_string(order.order_net), "80");
  CHECK_EQ(event::to_string(order.order_gross), "85");
  CHECK(order.reconciles);
  OrderRow total_only = told(OrderStatus::completed, {});
  total_only.total = money(20);
  total_only.tax = money(2);
  derive_amounts(total_only);
  CHECK_EQ(event::to_string(total_only.order_net), "18");
  CHECK_EQ(event::to_string(total_only.order_gross), "20");
}

TEST_CASE("amounts out of range are flagged, not wrapped around") {
  OrderRow order =
      told(OrderStatus::completed, {line("a", INT64_MAX / 2, 9e6), line("b", INT64_MAX / 2, 9e6)});
  derive_amounts(order);
  CHECK_FALSE(order.reconciles);
  CHECK_EQ(order.order_net.micros, 0);
}

TEST_CASE("an order told of by browser, server and webhook is one order") {
  Shop shop;
  const auto first = shop.tell(told(OrderStatus::completed, {line("a", 2, 10), line("b", 1, 5)}));
  REQUIRE_EQ(first.rows.size(), 1);
  CHECK_EQ(first.rows[0].version, 1);
  REQUIRE_EQ(first.sales.size(), 2);
  CHECK(first.sales[0].action == ProductAction::purchase);
  CHECK_EQ(first.sales[0].quantity, 2);
  OrderRow server = told(OrderStatus::completed, {line("a", 2, 10), line("b", 1, 5)}, 5000);
  server.source = 3;
  server.visitor_id = "user-7";
  for (int i = 0; i < 2; ++i) {
    const auto again = shop.tell(server);
    CHECK(again.duplicate);
    CHECK(again.rows.empty());
    CHECK(again.sales.empty());
  }
  const Order* order = shop.orders.find("o-1");
  CHECK_EQ(order->duplicates, 2);
  REQUIRE_EQ(order->sightings.size(), 1);
  CHECK_EQ(order->sightings[0].visitor_id, "user-7");
}

TEST_CASE("a product in two lines of an order is bought once") {
  Shop shop;
  const auto first =
      shop.tell(told(OrderStatus::completed, {line("a", 2, 10), line("a", 1, 8), line("a", 1, 10)}));
  REQUIRE_EQ(first.sales.size(), 2);
  CHECK(first.sales[0].action == ProductAction::purchase);
  CHECK_EQ(first.sales[0].quantity, 1);
  CHECK(first.sales[1].action == ProductAction::correction);
  CHECK_EQ(first.sales[1].quantity, 3);
}

TEST_CASE("a refund carries only the order's id: its amounts come from the order") {
  Shop shop;
  OrderRow order = told(OrderStatus::completed, {line("a", 2, 10), line("b", 1, 20)});
  order.shipping = money(4);
  order.tax = money(8);
  order.discount = money(10);
  order.total = money(42);
  shop.tell(order);

  SUBCASE("some units, discount and tax in proportion") {
    const auto partial = shop.tell(told(OrderStatus::refunded, {line("a", 1, 0)}, 2000));
    REQUIRE_EQ(partial.rows.size(), 1);
    const OrderRow& row = partial.rows[0];
    CHECK_EQ(row.version, 2);
    CHECK(row.status == OrderStatus::refunded);
    CHECK_EQ(row.lines[0].quantity, 1);
    CHECK_EQ(event::to_string(row.items_net), "30");
    CHECK_EQ(event::to_string(row.order_net), "22.5");
    CHECK_EQ(event::to_string(row.order_gross), "32.5");
    CHECK_EQ(event::to_string(row.total), "42");
    REQUIRE_EQ(partial.sales.size(), 1);
    CHECK(partial.sales[0].action == ProductAction::correction);
    CHECK_EQ(partial.sales[0].quantity, -1);
    CHECK_EQ(event::to_string(partial.sales[0].price), "10");

    // The webhook says the same a minute later; an equal refund an hour later is another one.
    CHECK(shop.tell(told(OrderStatus::refunded, {line("a", 1, 0)}, 62'000)).duplicate);
    const auto second = shop.tell(told(OrderStatus::refunded, {line("a", 1, 0)}, 2000 + base::kHourMs));
    REQUIRE_EQ(second.rows.size(), 1);
    CHECK_EQ(event::to_string(second.rows[0].items_net), "20");
  }
  SUBCASE("all of it") {
    const auto whole = shop.tell(told(OrderStatus::refunded, {}, 2000));
    REQUIRE_EQ(whole.rows.size(), 1);
    CHECK_EQ(whole.rows[0].order_gross.micros, 0);
    REQUIRE_EQ(whole.sales.size(), 2);
    CHECK_EQ(whole.sales[0].quantity, -2);
    CHECK(shop.tell(told(OrderStatus::cancelled, {}, 9'000'000)).duplicate);
  }
}

TEST_CASE("a refund of an amount below the order's is a part of it, and units stay") {
  Shop shop;
  OrderRow order = told(OrderStatus::completed, {line("a", 2, 40), line("b", 1, 20)});
  order.discount = money(10);
  order.shipping = money(10);
  shop.tell(order);
  OrderRow refund = told(OrderStatus::refunded, {}, 2000);
  refund.total = money(25);
  const auto part = shop.tell(refund);
  REQUIRE_EQ(part.rows.size(), 1);
  CHECK(part.sales.empty());
  CHECK(part.rows[0].status == OrderStatus::refunded);
  CHECK_EQ(part.rows[0].version, 2);
  CHECK_EQ(part.rows[0].lines[0].quantity, 2);
  // A quarter of the 100 that the customer paid.
  CHECK_EQ(event::to_string(part.rows[0].order_gross), "75");
  CHECK_EQ(event::to_string(part.rows[0].order_net), "67.5");
  CHECK_EQ(event::to_string(part.rows[0].items_net), "75");
  // Told once more by the webhook; then another part, which some clients write with a sign.
  CHECK(shop.tell(refund).duplicate);
  refund.total = money(-50);
  refund.ordered_at = {3000};
  const auto more = shop.tell(refund);
  REQUIRE_EQ(more.rows.size(), 1);
  CHECK_EQ(event::to_string(more.rows[0].order_gross), "25");
  // What is left, or more than that, is the rest of it.
  refund.total = money(25);
  refund.ordered_at = {4000};
  const auto rest = shop.tell(refund);
  REQUIRE_EQ(rest.rows.size(), 1);
  CHECK_EQ(rest.rows[0].order_gross.micros, 0);
  CHECK_EQ(rest.rows[0].lines[0].quantity, 0);
  CHECK_EQ(rest.sales.size(), 2);
  std::string bytes;
  shop.orders.find("o-1")->encode(bytes);
  Order again;
  REQUIRE(Order::decode(bytes, again));
  CHECK_EQ(again.returned.micros, money(75).micros);
}

TEST_CASE("a partial refund in money waits for its order, and units returned later count beside it") {
  Shop shop;
  OrderRow refund = told(OrderStatus::refunded, {}, 2000);
  refund.total = money(20);
  CHECK_EQ(shop.tell(refund).rows[0].order_gross.micros, 0);
  const auto joined = shop.tell(told(OrderStatus::completed, {line("a", 2, 50)}, 1000));
  REQUIRE_EQ(joined.rows.size(), 1);
  CHECK_EQ(event::to_string(joined.rows[0].order_gross), "80");
  CHECK_EQ(joined.rows[0].lines[0].quantity, 2);
  REQUIRE_EQ(joined.sales.size(), 1);
  const auto unit = shop.tell(told(OrderStatus::refunded, {line("a", 1, 0)}, 5000));
  CHECK_EQ(event::to_string(unit.rows[0].order_gross), "30");
  // In a currency that is not the order's an amount cannot be compared: the order as a whole.
  OrderRow foreign = told(OrderStatus::refunded, {}, 9000);
  foreign.currency = event::parse_currency("USD");
  foreign.total = money(1);
  CHECK_EQ(shop.tell(foreign).rows[0].order_gross.micros, 0);
}

TEST_CASE("an update replaces lines and the amounts it gives") {
  Shop shop;
  OrderRow order = told(OrderStatus::completed, {line("a", 2, 10), line("b", 1, 20)});
  order.shipping = money(4);
  shop.tell(order);
  const auto updated = shop.tell(told(OrderStatus::updated, {line("a", 3, 10), line("c", 1, 5)}, 2000));
  REQUIRE_EQ(updated.rows.size(), 1);
  CHECK_EQ(event::to_string(updated.rows[0].items_net), "35");
  CHECK_EQ(event::to_string(updated.rows[0].order_gross), "39");
  REQUIRE_EQ(updated.sales.size(), 3);
  CHECK_EQ(updated.sales[0].quantity, 1);
  CHECK(updated.sales[0].action == ProductAction::correction);
  CHECK_EQ(updated.sales[1].quantity, -1);
  CHECK(updated.sales[2].action == ProductAction::purchase);
  CHECK(shop.tell(told(OrderStatus::updated, {line("a", 3, 10), line("c", 1, 5)}, 2500)).duplicate);

  const auto cancelled = shop.tell(told(OrderStatus::cancelled, {}, 3000));
  CHECK_EQ(cancelled.rows.at(0).order_net.micros, 0);
  CHECK_EQ(cancelled.rows.at(0).version, 3);
  CHECK(shop.tell(told(OrderStatus::updated, {line("z", 1, 1)}, 4000)).duplicate);
}

TEST_CASE("a cancellation that overtakes its order is applied when the order comes") {
  Shop shop;
  const auto early = shop.tell(told(OrderStatus::cancelled, {}, 1000));
  REQUIRE_EQ(early.rows.size(), 1);
  CHECK_FALSE(early.rows[0].reconciles);
  CHECK(early.sales.empty());
  CHECK(shop.tell(told(OrderStatus::cancelled, {}, 1000)).duplicate);
  const auto order = shop.tell(told(OrderStatus::completed, {line("a", 2, 10)}, 900));
  REQUIRE_EQ(order.rows.size(), 1);
  CHECK_EQ(order.rows[0].version, 2);
  CHECK(order.rows[0].status == OrderStatus::cancelled);
  CHECK_EQ(order.rows[0].order_net.micros, 0);
  REQUIRE_EQ(order.sales.size(), 2);
  CHECK_EQ(order.sales[0].quantity + order.sales[1].quantity, 0);
  CHECK(shop.tell(told(OrderStatus::completed, {line("a", 2, 10)}, 900)).duplicate);
}

TEST_CASE("orders are forgotten after their time, and survive encoding until then") {
  process::MemoryStateStore store;
  OrderSettings settings;
  settings.retention_ms = 1000;
  {
    Orders orders(store, "order/", settings);
    orders.advance({5000});
    orders.apply(0, told(OrderStatus::completed, {line("a", 2, 10)}));
    orders.apply(1, told(OrderStatus::completed, {line("a", 2, 10)}));
    orders.freeze();
    process::StateBatch batch;
    REQUIRE(orders.drain(batch, 100));
    REQUIRE(store.commit(batch).ok());
    orders.committed();
  }
  Orders orders(store, "order/", settings);
  orders.restore({5000});
  REQUIRE(orders.find("o-1") != nullptr);
  CHECK_EQ(orders.find("o-1")->duplicates, 1);
  CHECK_EQ(orders.find("o-1")->ordered.at(0).quantity, 2);
  orders.advance({5999});
  CHECK(orders.find("o-1") != nullptr);
  orders.advance({6000});
  CHECK(orders.find("o-1") == nullptr);
  CHECK_EQ(orders.kept(), 0);
}

TEST_CASE("an order that comes before any time is known is not forgotten at the first tick") {
  Shop shop;
  shop.tell(told(OrderStatus::completed, {line("a", 2, 10)}));
  shop.orders.advance({1'763'719'200'000});
  CHECK(shop.orders.find("o-1") != nullptr);
  shop.orders.advance({1'763'719'200'000 + 180 * base::kDayMs - 1});
  CHECK(shop.orders.find("o-1") != nullptr);
  shop.orders.advance({1'763'719'200'000 + 180 * base::kDayMs});
  CHECK(shop.orders.find("o-1") == nullptr);
}

}  // namespace
}  // namespace millrace::commerce
