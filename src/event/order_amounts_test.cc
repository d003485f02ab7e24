#include "event/order_amounts.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <utility>

using namespace millrace;
using namespace millrace::event;

namespace {

// Two lines of 10 and one of 5.50, with the amounts given.
Event order(EventType type, std::initializer_list<std::pair<Amount, double>> amounts) {
  Event event;
  event.type = type;
  event.amounts.fill({77});  // What was not given says nothing.
  for (const auto& [amount, value] : amounts) {
    event.set(amount, {static_cast<std::int64_t>(value * 1e6)});
  }
  event.products.resize(2);
  event.products[0].price = {10'000'000};
  event.products[0].quantity = 2;
  event.products[1].price = {5'500'000};
  return event;
}

}  // namespace

TEST_CASE("an order whose amounts disagree with its lines is told from one that agrees") {
  const EventType completed = EventType::order_completed;
  CHECK_FALSE(totals_differ(order(completed, {})));
  CHECK_FALSE(totals_differ(order(completed, {{Amount::total, 25.5}})));
  CHECK_FALSE(totals_differ(order(
      completed, {{Amount::revenue, 25.5}, {Amount::tax, 2}, {Amount::shipping, 3}, {Amount::total, 30.5}})));
  CHECK_FALSE(totals_differ(order(completed, {{Amount::discount, 5}, {Amount::total, 20.5}})));
  CHECK(totals_differ(order(completed, {{Amount::total, 20}})));
  CHECK(totals_differ(order(completed, {{Amount::revenue, 1}})));
  CHECK(totals_differ(order(completed, {{Amount::discount, 99}})));
  CHECK(totals_differ(order(EventType::order_updated, {{Amount::total, 20}})));
  Event bare = order(completed, {{Amount::total, 99}});
  bare.products.clear();
  CHECK_FALSE(totals_differ(bare));
}

TEST_CASE("what gives back names little more than its order, and what is no order has no totals") {
  for (const EventType type : {EventType::order_refunded, EventType::order_cancelled,
                               EventType::checkout_started, EventType::product_viewed}) {
    CHECK_FALSE(totals_differ(order(type, {{Amount::total, 20}})));
  }
}
