#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "commerce/visitor_fixture.h"
#include "commerce/visitor_keys.h"

using namespace millrace;
using namespace millrace::commerce;
using event::EventType;
using event::Text;

TEST_CASE(
    "a visitor, its users and its cells are forgotten after a long silence, and whoever comes again is not") {
  VisitorSettings settings;
  settings.visitor_retention_ms = 10 * base::kDayMs;
  settings.cell_retention_ms = 5 * base::kDayMs;
  VisitorHarness harness(settings);
  harness.feed(by("gone", page(0), "user-gone"));
  harness.feed(by("gone", buy(kMinute, "order-gone"), "user-gone"));
  harness.feed(by("stays", page(0), "user-stays"));
  for (int day = 1; day <= 9; ++day) harness.feed(by("stays", page(day * base::kDayMs)));
  const auto keys = [&](std::string_view prefix) {
    harness.end_batch();
    harness.checkpoint();
    std::vector<std::string> found;
    REQUIRE(harness.store()
                .scan(prefix,
                      [&](std::string_view key, std::string_view) {
                        found.emplace_back(key.substr(prefix.size()));
                        return true;
                      })
                .ok());
    return found;
  };
  CHECK(keys(kVisitorsPrefix) == std::vector<std::string>{"gone", "stays"});
  CHECK(keys(kUsersPrefix) == std::vector<std::string>{"user-gone", "user-stays"});
  CHECK(keys(kRepurchasesPrefix) == std::vector<std::string>{"p1"});
  for (int day = 10; day <= 25; ++day) {
    harness.feed(by("stays", page(day * base::kDayMs)));
    harness.tick(kStart + day * base::kDayMs + kHour);
  }
  CHECK(keys(kVisitorsPrefix) == std::vector<std::string>{"stays"});
  CHECK(keys(kUsersPrefix) == std::vector<std::string>{"user-stays"});
  CHECK(keys(kRepurchasesPrefix).empty());
  CHECK(harness.stage().totals().visitors_forgotten == 1);
  // The days since, and one cell for all before them.
  CHECK(keys(kLedgerPrefix).size() <= 8);
  CHECK(keys(kFunnelPrefix).size() <= 8);
  harness.restart();
  std::uint64_t received = 0, earlier = 0;
  for (const auto& cell : VisitorHarness::views<event::LedgerCell>(harness.restored())) {
    received += cell.received;
    if (cell.minute_ms == event::LedgerCell::kEarlier) earlier += cell.received;
  }
  CHECK(received == 28);
  CHECK(earlier > 15);
  CHECK(harness.restored().cells_from.ms == harness.stage().watermark().ms - settings.cell_retention_ms);
  // Who comes back begins anew.
  harness.feed(by("gone", page(26 * base::kDayMs)));
  harness.end_batch();
  CHECK(harness.visitor("gone")->events == 1);
  CHECK(harness.stage().totals().visitors == 3);
  CHECK(harness.refused() == 0);
}

TEST_CASE("of the sessions that a pause ends each record closes some, and in the end all are closed") {
  const auto run = [](std::size_t max, std::vector<std::size_t>& closed) {
    VisitorSettings settings;
    settings.timers_per_record_max = max;
    VisitorHarness harness(settings);
    for (int i = 0; i < 35; ++i) harness.feed(by("v" + std::to_string(i), add(0)));
    harness.checkpoint();
    const auto note = [&] { closed.push_back(harness.out().sessions.size()); };
    harness.tick(kStart + kHour);
    note();
    harness.tick(kStart + kHour);  // Time stands still.
    note();
    TestEvent next = by("v34", page(kHour));
    next.texts = {{Text::message_id, "next"}};
    harness.feed(next);  // A new visit ends the one before it, whether or not its turn has come.
    note();
    harness.checkpoint();
    harness.restart();
    for (int i = 0; i < 2; ++i) harness.tick(kStart + kHour);
    note();
    harness.tick(kStart + 3 * kHour);
    for (int i = 0; i < 9; ++i) harness.tick(kStart + 3 * kHour);
    note();
    CHECK(abandoned(harness) == 35);
    CHECK(harness.stage().timers_armed() == 0);
  };
  std::vector<std::size_t> some, all;
  run(10, some);
  run(1000, all);
  CHECK(some == std::vector<std::size_t>{10, 20, 30, 35, 36});
  CHECK(all == std::vector<std::size_t>{35, 35, 35, 35, 36});
}

TEST_CASE("what is forgotten and when does not depend on checkpoints, batches or restarts") {
  VisitorSettings settings;
  settings.visitor_retention_ms = 3 * base::kDayMs;
  settings.cell_retention_ms = base::kDayMs;
  settings.timers_per_record_max = 1;  // So that some are waiting nearly always.
  const std::uint64_t seed = 20261121;
  INFO("seed " << seed);
  base::SeededRandom random(seed);
  std::vector<std::string> records;
  std::int64_t now = 0;
  for (int i = 0; i < 3000; ++i) {
    now += static_cast<std::int64_t>(random.below(20)) * kMinute;
    const std::int64_t late = random.chance(0.1) ? static_cast<std::int64_t>(random.below(30)) * kHour : 0;
    const std::string visitor =
        "v-" + std::to_string(now / (2 * base::kDayMs)) + "-" + std::to_string(random.below(40));
    TestEvent event = random.chance(0.2) ? buy(now - late, "o-" + std::to_string(i)) : add(now - late);
    event.received_ms = kStart + now;
    records.push_back(
        by(visitor, event, random.chance(0.3) ? "u-" + std::to_string(random.below(60)) : "").payload());
  }
  const auto content = [](const VisitorHarness& harness) {
    std::string all;
    REQUIRE(harness.store()
                .scan_from("", "",
                           [&](std::string_view key, std::string_view value) {
                             all.append(key).append("=").append(value).append("\n");
                             return true;
                           })
                .ok());
    return all;
  };
  VisitorHarness plain(settings);
  for (const auto& record : records) plain.feed(record);
  plain.end_batch();
  plain.checkpoint();
  CHECK(plain.stage().totals().visitors_forgotten > 100);

  VisitorHarness crashed(settings);
  std::uint64_t next = 0;
  while (next < records.size()) {
    crashed.feed(records[next++]);
    if (random.chance(0.1)) crashed.end_batch();
    if (random.chance(0.01)) {
      crashed.end_batch();
      crashed.checkpoint();
    }
    if (random.chance(0.005)) {
      crashed.restart();
      next = crashed.checkpoint_offset();
    }
  }
  crashed.end_batch();
  crashed.checkpoint();
  CHECK(content(plain) == content(crashed));
}

TEST_CASE("what a visitor bought in the last thirty days is told of, unless it is bought again and again") {
  VisitorHarness harness;
  const auto buys = [&](std::string visitor, std::int64_t at_ms, std::string product) {
    static int number = 0;
    TestEvent event = by(visitor, at(at_ms, EventType::order_completed, product));
    event.texts.emplace_back(Text::order_id, "bought-" + std::to_string(number++));
    harness.feed(event);
  };
  buys("v1", 0, "sofa");
  buys("v1", kHour, "kettle");
  harness.end_batch();
  CHECK(harness.visitor("v1")->bought == std::vector<std::string>{"sofa", "kettle"});
  harness.feed(page(30 * base::kDayMs + kMinute));
  harness.end_batch();
  CHECK(harness.visitor("v1")->bought == std::vector<std::string>{"kettle"});
  // Seven of ten buy coffee a second time: 17 purchases say too little yet, 34 do.
  for (int i = 0; i < 20; ++i) {
    const std::string visitor = "c" + std::to_string(i);
    buys(visitor, 31 * base::kDayMs, "coffee");
    if (i % 10 < 7) buys(visitor, 32 * base::kDayMs, "coffee");
    harness.end_batch();
    const std::size_t told = harness.visitor(visitor)->bought.size();
    CHECK(told == (i < 10 ? 1u : i > 12 ? 0u : told));
  }
  harness.checkpoint();
  harness.restart();
  harness.feed(by("c19", page(32 * base::kDayMs + kHour)));
  harness.feed(by("v1", page(33 * base::kDayMs)));
  harness.end_batch();
  CHECK(harness.visitor("c19")->bought.empty());
  CHECK(harness.visitor("v1")->bought.empty());
}
