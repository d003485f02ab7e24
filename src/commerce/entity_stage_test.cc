#include "commerce/entity_stage.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "commerce/entity_rig.h"

namespace millrace::commerce {
namespace {

using event::CommitReservation;
using event::ProductAction;
using event::ReleaseReservation;
using event::Reserve;
using event::SetStock;

constexpr std::int64_t kNow = 1'763'719'200'000;

event::ProductActivity activity(ProductAction action, const std::string& product, std::int64_t at_ms) {
  event::ProductActivity fact;
  fact.action = action;
  fact.product_id = product;
  fact.name = "Product " + product;
  fact.category = "things";
  fact.visitor_hash = 9;
  fact.at = {at_ms};
  fact.price = {2'500'000};
  fact.currency = event::parse_currency("EUR");
  return fact;
}

event::OrderPlaced order(const std::string& id, const std::string& visitor,
                         std::vector<event::OrderLine> lines,
                         event::OrderStatus status = event::OrderStatus::completed) {
  event::OrderPlaced placed;
  placed.order.order_id = id;
  placed.order.status = status;
  placed.order.visitor_id = visitor;
  placed.order.ordered_at = {kNow};
  placed.order.currency = event::parse_currency("EUR");
  placed.order.lines = std::move(lines);
  return placed;
}

TEST_CASE("a product's counters follow its facts, and an order told twice is one purchase") {
  EntityRig rig{{}};
  for (int i = 0; i < 3; ++i) rig.fact(activity(ProductAction::view, "lamp", kNow + i));
  rig.fact(activity(ProductAction::add_to_cart, "lamp", kNow));
  rig.fact(order("o-1", "browser", {{"lamp", "Lamp", "things", 2, {2'000'000}}}));
  rig.fact(order("o-1", "server", {{"lamp", "Lamp", "things", 2, {2'000'000}}}));
  rig.run();
  auto view = rig.products.at("lamp");
  CHECK_EQ(view->views, 3);
  CHECK_EQ(view->carts, 1);
  CHECK_EQ(view->purchases, 1);
  CHECK_EQ(view->units_sold, 2);
  CHECK_EQ(view->revenue.micros, 4'000'000);
  CHECK_EQ(view->price.micros, 2'500'000);
  CHECK_EQ(view->category, "things");
  CHECK_FALSE(view->stock_known);
  CHECK_EQ(rig.orders.size(), 1);
  CHECK_EQ(rig.stage().duplicate_orders(), 1);

  rig.fact(order("o-1", "server", {}, event::OrderStatus::cancelled));
  rig.run();
  view = rig.products.at("lamp");
  CHECK_EQ(view->purchases, 1);
  CHECK_EQ(view->units_sold, 0);
  CHECK_EQ(view->revenue.micros, 0);
  CHECK_EQ(rig.orders.size(), 2);
}

TEST_CASE("a product described late keeps its newest description") {
  EntityRig rig{{}};
  auto newest = activity(ProductAction::view, "a", kNow);
  auto late = activity(ProductAction::view, "a", kNow - 5000);
  late.name = "Old name";
  late.price = {1};
  auto nameless = activity(ProductAction::view, "a", kNow + 1);
  nameless.name = nameless.category = "";
  nameless.price = {};
  for (const auto& fact : {newest, late, nameless}) rig.fact(fact);
  rig.run();
  CHECK_EQ(rig.products.at("a")->name, "Product a");
  CHECK_EQ(rig.products.at("a")->price.micros, 2'500'000);
  CHECK_EQ(rig.products.at("a")->views, 3);
}

TEST_CASE("a sale in another currency counts units but no revenue") {
  EntityRig rig{{}};
  rig.fact(activity(ProductAction::view, "a", kNow));
  auto sale = activity(ProductAction::purchase, "a", kNow);
  sale.currency = event::parse_currency("USD");
  rig.fact(sale);
  rig.run();
  CHECK_EQ(rig.products.at("a")->units_sold, 1);
  CHECK_EQ(rig.products.at("a")->revenue.micros, 0);
}

TEST_CASE("what does not belong among the facts is poison and changes nothing") {
  EntityRig rig{{}};
  rig.append("");
  rig.append("\x04");
  rig.append(std::string(40, '\x04'));
  rig.fact(event::SessionClosed{});
  rig.fact(event::Action{});
  rig.fact(activity(ProductAction::view, "", kNow));
  rig.fact(activity(ProductAction::view, std::string(5000, 'x'), kNow));
  rig.fact(order("", "v", {}));
  rig.fact(event::StockLevel{});
  rig.run();
  CHECK_EQ(rig.poisoned.size(), 9);
  CHECK(rig.products.empty());
  CHECK(rig.orders.empty());
  rig.fact(activity(ProductAction::view, "a", kNow));
  rig.run();
  CHECK_EQ(rig.products.at("a")->views, 1);
}

TEST_CASE("after a restart the views are there before any record") {
  EntityRig rig{{}};
  for (std::uint64_t i = 0; i < 9; ++i) {
    auto fact = activity(ProductAction::view, "lamp", kNow);
    fact.visitor_hash = i;
    rig.fact(fact);
  }
  rig.tick(kNow);
  rig.ask(kNow, SetStock{"lamp", 7, 0, ""});
  rig.ask(kNow, Reserve{"r", {{"lamp", 2}}, 900'000});
  rig.checkpoint();
  rig.products.clear();
  rig.trending.clear();
  rig.crash();
  REQUIRE_EQ(rig.products.count("lamp"), 1);
  CHECK_EQ(rig.products.at("lamp")->views, 9);
  CHECK_EQ(rig.products.at("lamp")->available, 5);
  REQUIRE_EQ(rig.trending.at("things")->items.size(), 1);
  CHECK(rig.trending.at("things")->items[0].score > 0);
  CHECK_EQ(rig.stage().stock().pending(), 1);
}

TEST_CASE("in events time the facts themselves move the clock") {
  EntitySettings settings;
  settings.time = process::TimeMode::events;
  EntityRig rig{settings};
  rig.command(kNow, SetStock{"lamp", 1, 0, ""});
  rig.command(kNow, Reserve{"r", {{"lamp", 1}}, 60'000});
  rig.fact(activity(ProductAction::view, "lamp", kNow + 59'999));
  rig.run();
  CHECK_EQ(rig.stage().stock().pending(), 1);
  rig.fact(activity(ProductAction::view, "lamp", kNow + 60'000));
  rig.run();
  CHECK_EQ(rig.stage().stock().pending(), 0);
  CHECK_EQ(rig.products.at("lamp")->available, 1);
}

void random_step(base::SeededRandom& random, std::int64_t& now, EntityRig& rig) {
  now += static_cast<std::int64_t>(random.below(300));
  const std::string product = "p" + std::to_string(random.below(30));
  switch (random.below(8)) {
    case 0: rig.tick(now); break;
    case 1: rig.command(now, SetStock{product, static_cast<std::int64_t>(random.below(9)), 0, ""}); break;
    case 2: {
      const std::string id = "r" + std::to_string(random.below(200));
      rig.command(now, Reserve{id, {{product, 1}, {"p1", 1}}, 5000});
      break;
    }
    case 3: rig.command(now, CommitReservation{"r" + std::to_string(random.below(200))}); break;
    case 4: rig.command(now, ReleaseReservation{"r" + std::to_string(random.below(200))}); break;
    case 5: {
      const auto status = static_cast<event::OrderStatus>(random.below(4));
      auto placed =
          order("o" + std::to_string(random.below(100)), "v", {{product, "", "", 2, {1'000'000}}}, status);
      placed.order.ordered_at = {now};
      rig.fact(placed);
      break;
    }
    default: {
      auto fact = activity(static_cast<ProductAction>(random.below(3)), product, now);
      fact.category = "c" + std::to_string(random.below(3));
      fact.visitor_hash = random.below(50);
      rig.fact(fact);
    }
  }
}

TEST_CASE("the same records give the same state, byte for byte, whatever crashes and batches there were") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    EntitySettings settings;
    settings.stock.retention_ms = 20'000;
    settings.order.retention_ms = 60'000;
    EntityRig calm{settings};
    EntityRig shaken{settings};
    base::SeededRandom calm_random(seed), shaken_random(seed), chaos(seed + 1000);
    std::int64_t calm_now = kNow, shaken_now = kNow;
    for (int i = 0; i < 800; ++i) {
      random_step(calm_random, calm_now, calm);
      calm.run(1);
      random_step(shaken_random, shaken_now, shaken);
      // Everything a record emits follows it at once, so batches and crashes do not move records.
      shaken.run(1 + chaos.below(5));
      if (chaos.chance(0.02)) shaken.checkpoint();
      if (chaos.chance(0.03)) {
        shaken.crash();
        shaken.run(1 + chaos.below(50));
      }
    }
    calm.checkpoint();
    shaken.checkpoint();
    const auto expected = calm.state();
    const auto found = shaken.state();
    REQUIRE_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(expected[i].first);
      REQUIRE(found[i].first == expected[i].first);
      REQUIRE(found[i].second == expected[i].second);
    }
    REQUIRE_EQ(calm.outcomes.size(), shaken.outcomes.size());
    for (std::size_t i = 0; i < calm.outcomes.size(); ++i)
      REQUIRE_EQ(calm.outcomes[i].body, shaken.outcomes[i].body);
  }
}

// 1,000 units, 1,000,000 attempts: clients that commit, give back, walk away, repeat themselves and come
// late.
TEST_CASE("1,000 units are committed exactly 1,000 times over a million attempts and twenty crashes") {
  constexpr std::uint64_t kSeed = 20261121;
  constexpr int kAttempts = 1'000'000;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  EntitySettings settings;
  settings.stock.retention_ms = 2 * base::kMinuteMs;
  settings.stock.cached_entries = 50'000;
  EntityRig rig{settings};
  rig.ask(kNow, SetStock{"hot", 1000, 0, ""});
  rig.outcomes.clear();
  std::set<std::string> committed;
  std::map<std::uint64_t, std::string> waiting;  // Commit commands by their offset.
  std::vector<std::string> held;
  std::size_t settled = 0;
  const auto settle = [&] {
    rig.run(200);
    for (; settled < rig.outcomes.size(); ++settled) {
      const auto& outcome = rig.outcomes[settled];
      const auto commit = waiting.find(outcome.offset);
      if (commit != waiting.end() && outcome.status == 200) committed.insert(commit->second);
      const bool got_one = commit == waiting.end() && outcome.status == 201;
      if (got_one) held.push_back(outcome.body.substr(7, outcome.body.find('"', 7) - 7));
    }
    waiting.clear();
  };
  std::int64_t now = kNow;
  for (int i = 0; i < kAttempts; ++i) {
    now += random.chance(0.2) ? 1 : 0;
    const std::string id = random.chance(0.02)
                               ? std::to_string(random.below(static_cast<std::uint64_t>(i) + 1))
                               : std::to_string(i);
    rig.command(now, Reserve{id, {{"hot", 1}}, 10'000});
    if (!held.empty() && random.chance(0.3)) {
      const std::string mine = held.back();
      if (random.chance(0.9)) held.pop_back();
      const std::uint64_t what = random.below(10);
      if (what < 6) {
        waiting[rig.command(now, CommitReservation{mine})] = mine;
      } else if (what < 8) {
        rig.command(now, ReleaseReservation{mine});
      }
    }
    if (i % 200 != 0) continue;
    settle();
    if (i % 50'000 == 10'000) {
      rig.crash();
      rig.run(100);
    }
    if (i % 20'000 == 0) {
      rig.checkpoint();
      rig.outcomes.clear();
      settled = 0;
    }
  }
  settle();
  const StockItem* item = rig.stage().stock().item("hot");
  CHECK_EQ(item->committed, 1000);
  CHECK_EQ(item->on_hand, 0);
  CHECK_EQ(item->reserved, 0);
  CHECK_EQ(committed.size(), 1000);
}

}  // namespace
}  // namespace millrace::commerce
