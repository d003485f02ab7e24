#include <doctest/doctest.h>

#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::lake;

TEST_CASE("an order that another source is believed about is one order") {
  LakeFixture fixture("lake-orders");
  GroupBuilder builder;
  const auto add = [&](std::uint16_t source, std::uint32_t version, std::int64_t net) {
    builder.tick();
    const auto offset = builder.next() - 1;
    REQUIRE(fixture.lake()
                .append(builder.take([&](RowGroup& rows) {
                  event::OrderRow order;
                  order.offset = offset;
                  order.order_id = "o-1";
                  order.version = version;
                  order.source = source;
                  order.ordered_at = {kNoonMs};
                  order.order_net = {net * event::kMoneyScale};
                  rows.orders.push_back(order);
                }))
                .ok());
  };
  const auto check = [&] {
    CHECK(fixture.scalar("SELECT count(*) FROM conformed.orders") == "2");
    CHECK(fixture.scalar("SELECT string_agg(source || ' ' || order_net, ',') FROM curated.orders") ==
          "app 25.000000");
  };
  add(0, 1, 12);  // The browser's ...
  add(1, 2, 25);  // ... and the server's, which has the higher precedence.
  check();
  REQUIRE(fixture.lake().commit().ok());
  check();
}
