#include "serve/views.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <tuple>

#include "base/random.h"
#include "serve/test_clock.h"

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
  event::ViewGroup group(const VisitorPointer& visitor) {
    event::ViewGroup group;
    group.epoch = 1;
    group.offset = ++offset;
    group.visitors.add(*visitor);
    return group;
  }
};

VisitorPointer visitor(std::string id, std::uint64_t session,
                       event::FunnelStep level = event::FunnelStep::landing, bool open = true) {
  auto view = std::make_shared<event::VisitorView>();
  view->visitor_id = std::move(id);
  view->session_id = session;
  view->level = level;
  view->open = open;
  return view;
}

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

TEST_CASE("a group that is applied again changes nothing") {
  Fixture f;
  auto first = f.group(visitor("v", 1));
  auto second = f.group(visitor("v", 2));
  CHECK(f.get().apply(first) == Applied::yes);
  CHECK(f.get().apply(second) == Applied::yes);
  CHECK(f.get().apply(first) == Applied::repeated);
  CHECK(f.get().apply(second) == Applied::repeated);
  CHECK_EQ(f.get().visitor("v")->session_id, 2);
  CHECK_EQ(f.get().open_sessions(), 1);
}

TEST_CASE("a group in parts is applied part by part, each once") {
  Fixture f;
  auto first = f.group(visitor("v", 1));
  auto second = first;
  second.visitors.truncate(0);
  second.visitors.add(*visitor("w", 2));
  second.part = 1;
  CHECK(f.get().apply(first) == Applied::yes);
  CHECK(f.get().apply(second) == Applied::yes);
  CHECK(f.get().apply(first) == Applied::repeated);
  CHECK(f.get().apply(second) == Applied::repeated);
  CHECK_EQ(f.get().visitor("w")->session_id, 2);
  CHECK_EQ(f.get().open_sessions(), 2);
  CHECK(f.get().apply(f.group(visitor("v", 3))) == Applied::yes);
}

TEST_CASE("an owner that was replaced is refused, its successor may start again from an earlier offset") {
  Fixture f;
  auto old_owner = f.group(visitor("v", 1));
  old_owner.offset = 100;
  CHECK(f.get().apply(old_owner) == Applied::yes);
  auto new_owner = f.group(visitor("v", 2));
  new_owner.epoch = 2;
  new_owner.offset = 50;
  CHECK(f.get().apply(new_owner) == Applied::yes);
  old_owner.offset = 101;
  CHECK(f.get().apply(old_owner) == Applied::stale_epoch);
  CHECK_EQ(f.get().visitor("v")->session_id, 2);
  CHECK_EQ(f.get().counters().stale.load(), 1);
}

TEST_CASE("offsets of different partitions and topics do not mix") {
  Fixture f;
  auto a = f.group(visitor("a", 1));
  auto b = f.group(visitor("b", 2));
  b.partition = 1;
  b.offset = a.offset;
  auto c = f.group(product("c", 1), 0);
  c.topic = 1;
  c.offset = a.offset;
  CHECK(f.get().apply(a) == Applied::yes);
  CHECK(f.get().apply(b) == Applied::yes);
  CHECK(f.get().apply(c) == Applied::yes);
}

TEST_CASE("visitors beyond the limit are loaded, and a loaded one never hides a newer one") {
  Fixture f;
  f.limits.visitors_max = 64;
  int loads = 0;
  f.loaders.visitor = [&](std::string_view id) -> VisitorPointer {
    ++loads;
    return id == "nobody" ? nullptr : visitor(std::string(id), 7);
  };
  for (int i = 0; i < 1000; ++i)
    f.get().apply(f.group(visitor(std::to_string(i), static_cast<std::uint64_t>(i + 1))));
  CHECK_LE(f.get().sizes().visitors, 128);
  CHECK_GE(f.get().sizes().visitors_evicted, 872);
  std::uint64_t found = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto view = f.get().visitor(std::to_string(i));
    REQUIRE(view);
    found += view->session_id == static_cast<std::uint64_t>(i + 1);
  }
  CHECK_GE(found, 1);
  CHECK_GE(loads, 872);
  CHECK_FALSE(f.get().visitor("nobody"));
}

TEST_CASE("a visitor who is read often outlives those who are not") {
  Fixture f;
  f.limits.visitors_max = 640;
  f.get().apply(f.group(visitor("regular", 1)));
  for (int i = 0; i < 5000; ++i) {
    f.get().apply(f.group(visitor(std::to_string(i), 1)));
    REQUIRE(f.get().visitor("regular"));
  }
}

TEST_CASE("open sessions are counted once each, whichever way they end") {
  Fixture f;
  f.get().apply(f.group(visitor("a", 1)));
  f.get().apply(f.group(visitor("a", 1, event::FunnelStep::product_view)));
  f.get().apply(f.group(visitor("b", 2)));
  f.get().apply(f.group(visitor("c", 3)));
  CHECK_EQ(f.get().open_sessions(), 3);
  f.get().apply(f.group(visitor("a", 1, event::FunnelStep::product_view, false)));
  CHECK_EQ(f.get().open_sessions(), 2);
  event::SessionClosedView closed;
  closed.session_id = 2;
  closed.row.session_id = 2;
  closed.row.visitor_id = "b";
  f.get().apply(f.group(std::make_shared<const event::SessionClosedView>(closed)));
  CHECK_EQ(f.get().open_sessions(), 1);
  f.get().apply(f.group(visitor("c", 4)));
  CHECK_EQ(f.get().open_sessions(), 1);
}

TEST_CASE("recent sessions are those that changed last, and a retracted one disappears") {
  Fixture f;
  f.limits.recent_sessions_max = 3;
  for (std::uint64_t id = 1; id <= 4; ++id) f.get().apply(f.group(visitor("v" + std::to_string(id), id)));
  f.get().apply(f.group(visitor("v3", 3, event::FunnelStep::purchase)));
  auto changes = f.get().recent_sessions().changed_after(0, 10);
  REQUIRE_EQ(changes.size(), 3);
  CHECK_EQ(changes[0].session.session_id, 3);
  CHECK(changes[0].session.level == event::FunnelStep::purchase);
  CHECK_EQ(changes[1].session.session_id, 4);
  CHECK(f.get().recent_sessions().changed_after(changes[0].sequence, 10).empty());
  event::SessionClosedView retracted;
  retracted.session_id = 3;
  retracted.row.retracted = true;
  f.get().apply(f.group(std::make_shared<const event::SessionClosedView>(retracted)));
  changes = f.get().recent_sessions().changed_after(0, 10);
  REQUIRE_EQ(changes.size(), 2);
  CHECK_EQ(changes[0].session.session_id, 4);
}

TEST_CASE("the top products of random histories are those of a full sort") {
  Fixture f;
  base::SeededRandom random(11);
  std::map<std::string, std::pair<std::uint64_t, std::int64_t>> model;
  for (int step = 0; step < 60'000; ++step) {
    const std::string id = "p" + std::to_string(random.below(1 + random.below(8000)));
    auto& [views, revenue] = model[id];
    views += 1 + random.below(3);
    revenue += static_cast<std::int64_t>(random.below(1000));
    f.get().apply(f.group(product(id, views, revenue)));
  }
  std::vector<std::pair<std::int64_t, std::string>> by_views, by_revenue;
  for (const auto& [id, counts] : model) {
    by_views.emplace_back(-static_cast<std::int64_t>(counts.first), id);
    by_revenue.emplace_back(-counts.second, id);
  }
  std::sort(by_views.begin(), by_views.end());
  std::sort(by_revenue.begin(), by_revenue.end());
  const auto top_views = f.get().top_products(ProductOrder::views, 100);
  const auto top_revenue = f.get().top_products(ProductOrder::revenue, 100);
  REQUIRE_EQ(top_views.size(), 100);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK_EQ(top_views[i]->product_id, by_views[i].second);
    CHECK_EQ(top_revenue[i]->product_id, by_revenue[i].second);
  }
}

TEST_CASE("a product whose revenue fell is shown with what is left") {
  Fixture f;
  for (int i = 0; i < 3000; ++i) f.get().apply(f.group(product(std::to_string(i), 1, 1000 + i)));
  f.get().apply(f.group(product("2999", 1, 5)));
  for (const auto& p : f.get().top_products(ProductOrder::revenue, 10)) CHECK_NE(p->product_id, "2999");
}

TEST_CASE("rankings of several partitions are merged, best first") {
  Fixture f;
  auto part = [](std::vector<std::pair<std::string, double>> items) {
    auto view = std::make_shared<event::TrendingView>();
    view->category = "shoes";
    for (auto& [id, score] : items) view->items.push_back({id, "shoes", score, score * 2});
    return std::shared_ptr<const event::TrendingView>(view);
  };
  f.get().apply(f.group(part({{"a", 9}, {"b", 2}}), 0));
  CHECK_EQ(f.get().trending("shoes").as_of, f.clock.wall());
  f.clock.advance_ms(1000);
  f.get().apply(f.group(part({{"c", 5}}), 1));
  CHECK_EQ(f.get().trending("shoes").as_of, f.clock.wall());
  auto ranking = f.get().trending("shoes").view;
  REQUIRE(ranking);
  REQUIRE_EQ(ranking->items.size(), 3);
  CHECK_EQ(ranking->items[1].product_id, "c");
  f.get().apply(f.group(part({}), 0));
  CHECK_EQ(f.get().trending("shoes").view->items.size(), 1);
  f.get().apply(f.group(part({}), 1));
  CHECK_FALSE(f.get().trending("shoes").view);
}

TEST_CASE("funnel queries agree with a sum over the newest value of every cell") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    Fixture f;
    std::map<std::tuple<std::uint32_t, std::int64_t, int, int, std::string>, std::array<std::uint32_t, 7>>
        model;
    for (int step = 0; step < 2000; ++step) {
      event::FunnelCell cell;
      const auto partition = static_cast<std::uint32_t>(random.below(3));
      cell.minute_ms = static_cast<std::int64_t>(random.below(300)) * base::kMinuteMs;
      cell.channel = static_cast<event::Channel>(random.below(3));
      cell.device = static_cast<event::Device>(random.below(2));
      cell.category = random.chance(0.3) ? "" : "c" + std::to_string(random.below(4));
      for (auto& count : cell.sessions) count = static_cast<std::uint32_t>(random.below(50));
      model[{partition, cell.minute_ms, int(cell.channel), int(cell.device), cell.category}] = cell.sessions;
      f.get().apply(f.group(cell, partition));
    }
    for (int round = 0; round < 20; ++round) {
      FunnelQuery query;
      query.from.ms = static_cast<std::int64_t>(random.below(300)) * base::kMinuteMs;
      query.to.ms = query.from.ms + static_cast<std::int64_t>(random.below(300)) * base::kMinuteMs;
      query.by = {random.chance(0.5), random.chance(0.5), random.chance(0.5)};
      std::map<std::tuple<int, int, std::string>, std::array<std::uint64_t, 7>> expected;
      std::array<std::uint64_t, 7> total{};
      for (const auto& [key, sessions] : model) {
        const auto& [partition, minute, channel, device, category] = key;
        if (minute < query.from.ms || minute >= query.to.ms) continue;
        auto& row = expected[{query.by.channel ? channel : 0, query.by.device ? device : 0,
                              query.by.category ? category : ""}];
        for (std::size_t i = 0; i < 7; ++i) {
          row[i] += sessions[i];
          total[i] += sessions[i];
        }
      }
      std::erase_if(expected, [](const auto& row) { return row.second[0] == 0; });
      const auto answer = f.get().funnel().query(query);
      CHECK(answer.complete);
      CHECK_EQ(answer.total, total);
      const bool any = query.by.channel || query.by.device || query.by.category;
      REQUIRE_EQ(answer.rows.size(), any ? expected.size() : 0);
      for (const auto& row : answer.rows) {
        CHECK_EQ((expected[{int(row.channel), int(row.device), row.category}]), row.sessions);
      }
    }
  }
}

TEST_CASE("the ledger adds partitions up and keeps its total when minutes are dropped") {
  Fixture f;
  f.limits.ledger_cells_max = 10;
  for (int minute = 0; minute < 20; ++minute) {
    for (std::uint32_t partition = 0; partition < 2; ++partition) {
      for (std::uint64_t repeat = 1; repeat <= 3; ++repeat) {  // Absolute values: only the last counts.
        event::LedgerCell cell;
        cell.minute_ms = minute * base::kMinuteMs;
        cell.source = 4;
        cell.received = repeat * 2;
        cell.verdicts[0] = cell.verdicts[2] = repeat;
        cell.anonymised = repeat - 1;
        f.get().apply(f.group(cell, partition));
      }
    }
  }
  const LedgerCounts total = f.get().ledger().total();
  CHECK_EQ(total.received, 20 * 2 * 6);
  CHECK((total.closed() && total.anonymised == 20 * 2 * 2 && total.stored() == 20 * 2 * 1));
  const auto answer =
      f.get().ledger().query({{16 * base::kMinuteMs}, {20 * base::kMinuteMs}, -1, LedgerStep::minute});
  REQUIRE_EQ(answer.rows.size(), 4);
  CHECK(answer.complete);
  const LedgerCounts& first = answer.rows[0].counts;
  CHECK((first.received == 12 && first.verdicts[0] == 6 && first.anonymised == 4));
  const auto range = f.get().ledger().query({{0}, {20 * base::kMinuteMs}, 4, LedgerStep::range});
  CHECK((range.rows.size() == 1 && !range.complete));
  CHECK_EQ(f.get().ledger().query({{0}, {20 * base::kMinuteMs}, 5, LedgerStep::range}).rows.size(), 0);
}

TEST_CASE("a day of funnel minutes is answered quickly" * doctest::skip()) {
  Fixture f;
  base::SeededRandom random(3);
  for (int minute = 30; minute < 30 + 1440; ++minute) {
    event::ViewGroup group = f.group(funnel_cell(minute, event::Channel::direct, "", 1));
    for (int i = 0; i < 1000; ++i) {
      auto cell = funnel_cell(minute, static_cast<event::Channel>(random.below(6)),
                              "c" + std::to_string(random.below(60)), 3);
      cell.device = static_cast<event::Device>(random.below(4));
      group.updates.push_back(cell);
    }
    f.get().apply(group);
  }
  const std::clock_t start = std::clock();
  for (int i = 0; i < 100; ++i) {
    f.get().funnel().query({{30 * base::kMinuteMs}, {1470 * base::kMinuteMs}, {true, true, true}});
  }
  const double taken_us = 1e6 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  MESSAGE(f.get().sizes().funnel_cells << " cells, " << taken_us / 100
                                       << " us a query of a day by all dimensions");
}

TEST_CASE("the cost of an update" * doctest::skip()) {
  for (const std::size_t visitors : {10'000, 200'000}) {
    Fixture f;
    base::SeededRandom random(5);
    std::clock_t taken = 0;  // CPU time: the machine may be busy.
    for (int round = 0; round < 1000; ++round) {
      std::vector<event::ViewGroup> groups(20);  // Still in the cache, as they come from an owner.
      for (auto& group : groups) {
        group.epoch = 1;
        group.offset = ++f.offset;
        for (int i = 0; i < 50; ++i) {
          event::VisitorView view;
          view.visitor_id = "a-visitor-with-an-id-of-usual-size-" + std::to_string(random.below(visitors));
          view.session_id = 1 + base::hash64(view.visitor_id);
          view.open = true;
          view.level = static_cast<event::FunnelStep>(random.below(100) < 90 ? 2 : random.below(7));
          view.entry_page = "/some/page/that/is/longer/than/a/small/string";
          view.items = {"product-1", "product-2", "product-3"};
          group.visitors.add(view);
        }
      }
      const std::clock_t start = std::clock();
      for (const auto& group : groups) f.get().apply(group);
      taken += std::clock() - start;
    }
    const double taken_ns = 1e9 * static_cast<double>(taken) / CLOCKS_PER_SEC;
    MESSAGE(visitors << " visitors: " << taken_ns / 1e6 << " ns an update");
  }
}
