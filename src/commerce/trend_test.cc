#include "commerce/trend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "commerce/decay.h"
#include "commerce/entity_rig.h"
#include "commerce/trend_ranking.h"

namespace millrace::commerce {
namespace {

using event::ProductAction;
using event::ProductActivity;

constexpr std::int64_t kNow = 1'763'719'200'000;

ProductActivity activity(ProductAction action, const std::string& product, std::uint64_t visitor,
                         std::int64_t at_ms, const std::string& category = "shoes") {
  ProductActivity fact;
  fact.action = action;
  fact.product_id = product;
  fact.category = category;
  fact.visitor_hash = visitor;
  fact.at = {at_ms};
  return fact;
}
ProductActivity view(const std::string& product, std::uint64_t visitor, std::int64_t at_ms,
                     const std::string& category = "shoes") {
  return activity(ProductAction::view, product, visitor, at_ms, category);
}

std::vector<std::string> trending_ids(const EntityRig& rig, const std::string& category) {
  std::vector<std::string> ids;
  const auto found = rig.trending.find(category);
  if (found == rig.trending.end()) return ids;
  for (const auto& item : found->second->items) {
    if (item.score > 0) ids.push_back(item.product_id);
  }
  return ids;
}
std::vector<std::string> all_ids(const EntityRig& rig, const std::string& category) {
  std::vector<std::string> ids;
  const auto found = rig.trending.find(category);
  if (found == rig.trending.end()) return ids;
  for (const auto& item : found->second->items) ids.push_back(item.product_id);
  return ids;
}

TEST_CASE("decay is 2^-(age / half-life) to the last digits") {
  base::SeededRandom random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto half_life = static_cast<std::int64_t>(1 + random.below(base::kDayMs));
    const auto age = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(half_life) * 40));
    const double exact = std::exp2(-static_cast<double>(age) / static_cast<double>(half_life));
    REQUIRE(std::abs(decay_factor(age, half_life) - exact) <= exact * 1e-14);
  }
  CHECK_EQ(decay_factor(0, 10), 1.0);
  CHECK_EQ(decay_factor(-5, 10), 1.0);
  CHECK_EQ(decay_factor(10, 10), 0.5);
  CHECK_EQ(decay_factor(INT64_MAX, 10), 0.0);
}

TEST_CASE("counts are the sum of what is left of each event, in whatever order they come") {
  const TrendSettings settings;
  base::SeededRandom random(4);
  for (int round = 0; round < 50; ++round) {
    TrendItem item;
    std::vector<std::int64_t> times;
    for (int i = 0; i < 60; ++i) {
      times.push_back(kNow + static_cast<std::int64_t>(random.below(6 * base::kHourMs)));
      item.add(view("a", random.next(), times.back()), settings);
    }
    const std::int64_t now = kNow + 7 * base::kHourMs;
    double fast = 0, slow = 0;
    for (const std::int64_t at : times) {
      fast += std::exp2(-static_cast<double>(now - at) / static_cast<double>(settings.fast_half_life_ms));
      slow += std::exp2(-static_cast<double>(now - at) / static_cast<double>(settings.slow_half_life_ms));
    }
    CHECK(std::abs(item.fast_at({now}, settings) - fast) < 1e-9);
    CHECK(std::abs(item.slow_at({now}, settings) - slow) < 1e-9);
  }
}

TEST_CASE("the score is the distance of the two rates in deviations of a decayed Poisson rate") {
  const TrendSettings settings;
  TrendItem item;
  item.at = {kNow};
  item.fast = 10;
  item.slow = 500;
  const TrendScore score = trend_score(item, {kNow}, 1.0, settings);
  const double fast_rate = 10 * std::log(2.0), slow_rate = 500 * std::log(2.0) / 168;
  CHECK(std::abs(score.fast_rate - fast_rate) < 1e-12);
  CHECK(std::abs(score.z - (fast_rate - slow_rate) / std::sqrt((slow_rate + 1) / (2 / std::log(2.0)))) <
        1e-12);
  CHECK(trend_score(item, {kNow}, 2.0, settings).z < score.z);
}

TEST_CASE("one visitor, however busy, makes no trend; three do") {
  EntityRig rig{{}};
  rig.tick(kNow);
  for (int i = 0; i < 200; ++i) rig.fact(view("bot-food", 1, kNow + i));
  for (int i = 0; i < 6; ++i) rig.fact(view("liked", static_cast<std::uint64_t>(i % 3), kNow + i));
  for (int i = 0; i < 4; ++i) rig.fact(view("few", static_cast<std::uint64_t>(i), kNow + i));
  rig.tick(kNow + 2000);
  rig.run();
  CHECK_EQ(trending_ids(rig, "shoes"), std::vector<std::string>{"liked"});
  CHECK_EQ(trending_ids(rig, ""), std::vector<std::string>{"liked"});
  // The others are merely popular, by weight.
  CHECK_EQ(all_ids(rig, ""), std::vector<std::string>{"liked", "bot-food", "few"});
}

TEST_CASE("yesterday's visitors do not vouch for today's bot") {
  EntityRig rig{{}};
  for (int i = 0; i < 10; ++i) rig.fact(view("a", static_cast<std::uint64_t>(i), kNow));
  for (int i = 0; i < 50; ++i) rig.fact(view("a", 77, kNow + base::kDayMs));
  rig.tick(kNow + base::kDayMs);
  rig.run();
  CHECK(trending_ids(rig, "").empty());
}

TEST_CASE("a shop in which nothing trends yet still shows what is popular") {
  EntityRig rig{{}};
  rig.fact(view("seen", 1, kNow));
  rig.fact(activity(ProductAction::add_to_cart, "wanted", 1, kNow));
  rig.fact(activity(ProductAction::purchase, "bought", 1, kNow));
  rig.fact(activity(ProductAction::remove_from_cart, "unwanted", 1, kNow));
  rig.tick(kNow + 1);
  rig.run();
  CHECK_EQ(all_ids(rig, ""), std::vector<std::string>{"bought", "wanted", "seen"});
  CHECK_EQ(rig.trending.at("")->items[0].score, 0);
  CHECK(std::abs(rig.trending.at("")->items[0].popularity - 10) < 1e-6);
}

TEST_CASE("a product that is sold out leaves the rankings at once and comes back with its stock") {
  EntityRig rig{{}};
  for (std::uint64_t i = 0; i < 8; ++i) {
    rig.fact(view("a", i, kNow));
    rig.fact(view("b", i, kNow));
  }
  rig.tick(kNow);
  rig.run();
  REQUIRE_EQ(trending_ids(rig, "shoes"), std::vector<std::string>{"a", "b"});
  rig.ask(kNow, event::SetStock{"a", 1, 0, ""});
  CHECK_EQ(trending_ids(rig, "shoes").size(), 2);
  rig.ask(kNow, event::Reserve{"r", {{"a", 1}}, 500});
  CHECK_EQ(all_ids(rig, "shoes"), std::vector<std::string>{"b"});
  CHECK_EQ(all_ids(rig, ""), std::vector<std::string>{"b"});
  rig.tick(kNow + 1500);
  rig.run();
  rig.tick(kNow + 2600);
  rig.run();
  CHECK_EQ(trending_ids(rig, "shoes").size(), 2);
}

TEST_CASE("a product passes its neighbour only when it is better by more than the hysteresis") {
  const TrendSettings settings;
  const auto product = [](const std::string& id, double z) { return ScoredProduct{id, {z, 10, 10}}; };
  const auto ids = [](const std::vector<ScoredProduct>& ranking) {
    std::string text;
    for (const auto& entry : ranking) text += entry.id;
    return text;
  };
  CHECK_EQ(ids(rerank({}, {product("a", 1), product("b", 3), product("c", 2)}, settings)), "bca");
  CHECK_EQ(ids(rerank({"b", "c"}, {product("b", 3), product("c", 3.1)}, settings)), "bc");
  CHECK_EQ(ids(rerank({"b", "c"}, {product("b", 3), product("c", 3.2)}, settings)), "cb");
  CHECK_EQ(ids(rerank({"b", "c"}, {product("c", 2), product("x", 2.05)}, settings)), "cx");
  CHECK_EQ(ids(rerank({"b", "c"}, {product("c", 2), product("b", 2), product("x", 9)}, settings)), "xbc");
  // Equal scores: more events, then the smaller id.
  CHECK_EQ(ids(rerank({}, {product("b", 1), product("a", 1)}, settings)), "ab");
}

TEST_CASE("the first sale ever starts the slow rate from the mean of the category") {
  EntityRig rig{{}};
  for (std::uint64_t i = 0; i < 100; ++i) rig.fact(view("old", i, kNow));
  rig.tick(kNow);
  rig.fact(activity(ProductAction::purchase, "new", 5, kNow));
  rig.tick(kNow + 1);
  rig.checkpoint();
  rig.run();
  rig.checkpoint();
  Product stored;
  REQUIRE(Product::decode(**rig.store().get("product/new"), stored));
  CHECK(stored.trend.sold);
  CHECK(std::abs(stored.trend.slow - 100) < 1e-3);
}

TEST_CASE("the hours of the week count from whole weeks only") {
  WeekProfile week;
  const std::int64_t monday = 1'763'337'600'000;  // 2025-11-17T00:00:00Z
  CHECK_EQ(week.factor({monday}), 1.0);
  for (std::int64_t day = -3; day < 21; ++day) {
    for (std::int64_t hour = 0; hour < 24; ++hour) {
      const int events = hour == 20 ? 400 : 100;
      for (int i = 0; i < events; ++i) week.add({monday + day * base::kDayMs + hour * base::kHourMs + i});
    }
    if (day == 13) CHECK_EQ(week.factor({monday + 20 * base::kHourMs}), 1.0);
  }
  week.add({monday + 21 * base::kDayMs});
  CHECK(week.factor({monday + 20 * base::kHourMs}) > 3.0);
  CHECK(week.factor({monday + 3 * base::kHourMs}) < 0.95);
  std::string bytes;
  base::ByteWriter writer(bytes);
  week.encode(writer);
  WeekProfile restored;
  base::ByteReader reader(bytes);
  REQUIRE(restored.decode(reader));
  CHECK_EQ(restored.factor({monday}), week.factor({monday}));
}

TEST_CASE("rankings agree with scoring every product from its whole history") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    EntitySettings settings;
    settings.trend.hysteresis = 0;
    settings.trend.items_max = 10;
    EntityRig rig{settings};
    std::map<std::string, std::vector<ProductActivity>> history;
    std::int64_t now = kNow;
    for (int i = 0; i < 3000; ++i) {
      now += static_cast<std::int64_t>(random.below(5000));
      const std::uint64_t which = random.below(40) * random.below(40) / 40;
      auto fact =
          view("p" + std::to_string(which), random.below(30),
               now - static_cast<std::int64_t>(random.below(60'000)), "c" + std::to_string(which % 3));
      history[fact.product_id].push_back(fact);
      rig.fact(fact);
      if (random.chance(0.05)) rig.tick(now);
      if (random.chance(0.01)) {
        rig.run();
        rig.checkpoint();
      }
      if (random.chance(0.01)) {
        rig.run();
        rig.crash();
      }
    }
    rig.tick(now += 1000);
    rig.run();
    std::vector<ScoredProduct> expected;
    for (const auto& [id, facts] : history) {
      TrendItem item;
      for (const auto& fact : facts) item.add(fact, settings.trend);
      const TrendScore score = trend_score(item, {now}, 1.0, settings.trend);
      if (trend_eligible(item, score, settings.trend)) expected.push_back({id, score});
    }
    std::sort(expected.begin(), expected.end(), ranks_before);
    if (expected.size() > 10) expected.resize(10);
    std::vector<std::string> ids;
    for (const auto& product : expected) ids.push_back(product.id);
    REQUIRE_FALSE(ids.empty());
    CHECK_EQ(trending_ids(rig, ""), ids);
  }
}

}  // namespace
}  // namespace millrace::commerce
