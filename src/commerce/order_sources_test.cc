#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "commerce/order_fixture.h"

// Several sources that tell of one order.
namespace millrace::commerce {
namespace {

using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;

std::shared_ptr<const SourceRanks> ranks_of(const std::vector<std::uint8_t>& by_index) {
  auto ranks = std::make_shared<SourceRanks>();
  for (std::size_t i = 0; i < by_index.size(); ++i) ranks->set(static_cast<std::uint16_t>(i), by_index[i]);
  return ranks;
}

TEST_CASE("the source of the highest precedence is believed, in whatever order they come") {
  OrderSettings settings;
  settings.ranks = ranks_of({0, 0, 5, 9});
  const auto from = [](std::uint16_t source, OrderStatus status, std::vector<OrderLine> lines,
                       std::int64_t at_ms) {
    OrderRow row = told(status, std::move(lines), at_ms);
    row.source = source;
    row.visitor_id = "of " + std::to_string(source);
    row.session_id = source == 1 ? 77 : 0;
    return row;
  };
  for (const bool browser_first : {true, false}) {
    process::MemoryStateStore store;
    Orders orders(store, "order/", settings);
    const auto browser = from(1, OrderStatus::completed, {line("a", 1, 12)}, 1000);
    const auto webhook = from(3, OrderStatus::completed, {line("a", 2, 10), line("b", 1, 5)}, 2000);
    const auto first = orders.apply(1, browser_first ? browser : webhook);
    CHECK(first.rows.size() == 1);
    const auto second = orders.apply(2, browser_first ? webhook : browser);
    CHECK(second.duplicate);
    REQUIRE_EQ(second.rows.size(), 1);
    const Order* order = orders.find("o-1");
    CHECK_EQ(order->row.source, 3);
    CHECK_EQ(event::to_string(order->row.order_net), "25");
    CHECK_EQ(order->row.lines.size(), 2);
    REQUIRE_EQ(order->sightings.size(), 1);
    CHECK_EQ(order->sightings[0].source, 1);
    // The visit it is credited to is the browser's: there is no other.
    CHECK_EQ(second.rows[0].version, 2);
    CHECK_EQ(second.rows[0].session_id, 77);
    CHECK_EQ(second.rows[0].visitor_id, "of 1");
    CHECK_EQ(second.rows[0].ordered_at.ms, browser_first ? 1000 : 2000);
    // What the products are told of adds up to the order that is believed.
    std::int64_t units = 0;
    for (const auto* told_sales : {&first.sales, &second.sales}) {
      for (const auto& sale : *told_sales) units += sale.quantity;
    }
    CHECK_EQ(units, 3);
    // An update of the browser's changes nothing; one of the same source does.
    CHECK(orders.apply(3, from(1, OrderStatus::updated, {line("z", 1, 1)}, 3000)).rows.empty());
    CHECK_EQ(
        orders.apply(4, from(3, OrderStatus::updated, {line("a", 2, 10), line("b", 2, 5)}, 4000)).rows.size(),
        1);
    CHECK_EQ(event::to_string(orders.find("o-1")->row.order_net), "30");
  }
}

TEST_CASE("returns told of by several sources are those of the one believed") {
  OrderSettings settings;
  settings.ranks = ranks_of({0, 5, 9});
  process::MemoryStateStore store;
  Orders orders(store, "order/", settings);
  const auto from = [](std::uint16_t source, OrderStatus status, std::vector<OrderLine> lines,
                       std::int64_t at_ms) {
    OrderRow row = told(status, std::move(lines), at_ms);
    row.source = source;
    return row;
  };
  orders.apply(1, from(2, OrderStatus::completed, {line("a", 5, 10)}, 1000));
  orders.apply(2, from(0, OrderStatus::refunded, {line("a", 1, 0)}, 2000));
  CHECK_EQ(orders.find("o-1")->row.lines[0].quantity, 4);
  // The same return by the webhook, a day later and with its price, and then more of it.
  orders.apply(3, from(2, OrderStatus::refunded, {line("a", 1, 10)}, 90'000'000));
  CHECK_EQ(orders.find("o-1")->row.lines[0].quantity, 4);
  orders.apply(4, from(2, OrderStatus::refunded, {line("a", 2, 10)}, 180'000'000));
  CHECK_EQ(orders.find("o-1")->row.lines[0].quantity, 2);
  CHECK(orders.apply(5, from(1, OrderStatus::refunded, {}, 270'000'000)).duplicate);
  CHECK_EQ(orders.find("o-1")->row.lines[0].quantity, 2);
  std::string bytes;
  orders.find("o-1")->encode(bytes);
  Order decoded;
  REQUIRE(Order::decode(bytes, decoded));
  CHECK_EQ(decoded.returned_by, 2);
}

TEST_CASE("money given back stays given back when a source of higher precedence tells of the order") {
  OrderSettings settings;
  settings.ranks = ranks_of({0, 5});
  OrderRow browser = told(OrderStatus::completed, {line("a", 2, 50)}, 1000);
  OrderRow server = browser;
  server.source = 1;
  OrderRow refund = told(OrderStatus::refunded, {}, 2000);
  refund.total = money(20);
  for (const bool refund_first : {true, false}) {
    CAPTURE(refund_first);
    process::MemoryStateStore store;
    Orders orders(store, "order/", settings);
    orders.apply(1, browser);
    orders.apply(2, refund_first ? refund : server);
    orders.apply(3, refund_first ? server : refund);
    const OrderRow& order = orders.find("o-1")->row;
    CHECK(order.status == OrderStatus::refunded);
    CHECK_EQ(order.source, 1);
    CHECK_EQ(event::to_string(order.order_gross), "80");
    CHECK_EQ(event::to_string(order.order_net), "80");
    CHECK_EQ(order.lines[0].quantity, 2);
  }
}

TEST_CASE("an order is credited to the visit of the browser also when the shop's server was faster") {
  OrderRow server = told(OrderStatus::completed, {line("a", 1, 20)}, 1000);
  server.visitor_id = server.user_id = "u";
  server.session_id = 5;
  server.channel = event::Channel::direct;
  OrderRow browser = told(OrderStatus::completed, {line("a", 1, 20)}, 1500);
  browser.visitor_id = "anonymous";
  browser.session_id = 6;
  browser.channel = event::Channel::paid;
  browser.device = event::Device::mobile;
  for (const bool server_first : {true, false}) {
    CAPTURE(server_first);
    Shop shop;
    const auto first = shop.tell(server_first ? server : browser);
    const auto second = shop.tell(server_first ? browser : server);
    CHECK(second.duplicate);
    CHECK(second.sales.empty());
    CHECK_EQ(second.rows.size(), server_first ? 1 : 0);
    const OrderRow& order = shop.orders.find("o-1")->row;
    CHECK_EQ(order.version, server_first ? 2 : 1);
    CHECK_EQ(order.session_id, 6);
    CHECK_EQ(order.visitor_id, "anonymous");
    CHECK(order.channel == event::Channel::paid);
    CHECK(order.device == event::Device::mobile);
    CHECK_EQ(event::to_string(order.order_net), "20");
    // Another browser changes nothing.
    browser.session_id = 9;
    CHECK(shop.tell(browser).rows.empty());
    browser.session_id = 6;
  }
}

}  // namespace
}  // namespace millrace::commerce
