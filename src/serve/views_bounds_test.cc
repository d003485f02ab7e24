#include <doctest/doctest.h>

#include <string>

#include "serve/test_clock.h"
#include "serve/views.h"

using namespace millrace;
using namespace millrace::serve;

namespace {

struct Fixture {
  TestClock clock;
  ViewLimits limits;
  ViewLoaders loaders;
  std::unique_ptr<Views> views;
  std::uint64_t offset = 0;

  Views& get() {
    if (!views) views = std::make_unique<Views>(limits, loaders, clock);
    return *views;
  }
  event::ViewGroup group(event::ViewUpdate update, std::uint32_t partition = 0) {
    return {.topic = 0,
            .partition = partition,
            .epoch = 1,
            .offset = ++offset,
            .received_at = {},
            .updates = {std::move(update)},
            .visitors = {}};
  }
};

ProductPointer product(std::string id, std::uint64_t views, std::int64_t revenue = 0) {
  auto view = std::make_shared<event::ProductView>();
  view->product_id = std::move(id);
  view->views = views;
  view->revenue.micros = revenue;
  return view;
}

event::FunnelCell funnel_cell(std::int64_t minute, event::Channel channel, std::string category,
                              std::uint32_t landed) {
  event::FunnelCell cell;
  cell.minute_ms = minute * base::kMinuteMs;
  cell.channel = channel;
  cell.category = std::move(category);
  cell.sessions[0] = landed;
  return cell;
}

}  // namespace

TEST_CASE("merged rankings break ties by popularity, then by the smaller id") {
  Fixture f;
  const auto part = [](std::vector<event::TrendingItem> items) {
    auto view = std::make_shared<event::TrendingView>();
    view->items = std::move(items);
    return std::shared_ptr<const event::TrendingView>(view);
  };
  // What fills a ranking up has no score; the item that moves fastest is not the most popular one.
  f.get().apply(f.group(part({{"b", "", 0, 9, 40}, {"d", "", 0, 8, 20}}), 0));
  f.get().apply(f.group(part({{"c", "", 0, 1, 50}, {"a", "", 0, 1, 40}}), 1));
  std::string order;
  for (const auto& item : f.get().trending("").view->items) order += item.product_id;
  CHECK_EQ(order, "cabd");
}

TEST_CASE("ranges that reach back before what a partition still knows are not complete, and totals stay") {
  Fixture f;
  event::LedgerCell earlier;
  earlier.minute_ms = event::LedgerCell::kEarlier;
  earlier.received = earlier.verdicts[0] = 70;
  event::LedgerCell cell;
  cell.minute_ms = 100 * base::kMinuteMs;
  cell.received = cell.verdicts[0] = 5;
  auto group = f.group(cell);
  group.updates.emplace_back(earlier);
  group.updates.emplace_back(funnel_cell(100, event::Channel::paid, "shoes", 3));
  group.cells_from = {90 * base::kMinuteMs};
  f.get().apply(group);
  const auto ledger = [&](std::int64_t from) {
    return f.get().ledger().query({{from * base::kMinuteMs}, {200 * base::kMinuteMs}});
  };
  const auto funnel = [&](std::int64_t from) {
    return f.get().funnel().query({{from * base::kMinuteMs}, {200 * base::kMinuteMs}, {}});
  };
  CHECK(ledger(90).complete);
  CHECK_FALSE(ledger(89).complete);
  CHECK_EQ(ledger(0).total.received, 5);
  CHECK(funnel(90).complete);
  CHECK_FALSE(funnel(89).complete);
  CHECK_EQ(f.get().ledger().total().received, 75);
  CHECK(f.get().ledger().total().closed());
  // History that is imported later is taken all the same.
  f.get().apply(f.group(funnel_cell(10, event::Channel::paid, "shoes", 2)));
  CHECK_EQ(funnel(0).total[0], 5);
}

TEST_CASE("the way into the views is timed to the microsecond, where its beginning is known") {
  Fixture f;
  auto group = f.group(product("a", 1));
  group.received_at = {1};
  f.get().apply(group);
  CHECK_EQ(f.get().visible_us().snapshot().count(), 0);
  group = f.group(product("a", 2));
  group.received_at = {1};
  const base::Instant durable_at = f.clock.now();
  f.clock.instant.ns += 250'000;
  f.get().apply(group, durable_at);
  CHECK_EQ(f.get().visible_us().snapshot().max(), 250);
}

TEST_CASE("the oldest hours of the funnel make room, and an answer that misses them says so") {
  Fixture f;
  f.limits.funnel.cells_max = 100;
  for (int minute = 0; minute < 300; ++minute) {
    f.get().apply(f.group(funnel_cell(minute, event::Channel::paid, "", 1)));
  }
  CHECK_LE(f.get().sizes().funnel_cells, 100);
  const auto all = f.get().funnel().query({{0}, {300 * base::kMinuteMs}, {}});
  CHECK_FALSE(all.complete);
  const auto recent = f.get().funnel().query({{250 * base::kMinuteMs}, {300 * base::kMinuteMs}, {}});
  CHECK(recent.complete);
  CHECK_EQ(recent.total[0], 50);
  f.get().apply(f.group(funnel_cell(0, event::Channel::paid, "", 5)));
  CHECK_EQ(f.get().funnel().query({{0}, {base::kHourMs}, {}}).total[0], 0);
}

TEST_CASE("categories beyond the limit are counted together") {
  Fixture f;
  f.limits.funnel.categories_max = 2;
  for (int i = 0; i < 5; ++i) {
    f.get().apply(f.group(funnel_cell(i, event::Channel::direct, "c" + std::to_string(i), 1)));
  }
  const auto answer = f.get().funnel().query({{0}, {base::kHourMs}, {.category = true}});
  REQUIRE_EQ(answer.rows.size(), 3);
  CHECK_EQ(answer.rows[0].category, "(other)");
  CHECK_EQ(answer.rows[0].sessions[0], 3);
}
