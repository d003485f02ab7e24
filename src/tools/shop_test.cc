#include "tools/shop.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "tools/event_maker.h"

using namespace millrace;
using tools::EventMaker;
using tools::Shop;
using tools::ShopSettings;

namespace {

constexpr std::int64_t kStart = 1'795'258'800'000;

// All that comes out in `seconds`, stepped every `step_ms`, as one text.
std::string play(const ShopSettings& settings, int seconds, std::int64_t step_ms) {
  Shop shop(settings);
  std::string text;
  for (const auto& request : shop.opening_stock())
    text += request.method + request.target + request.body + "\n";
  for (std::int64_t at = 0; at <= seconds * 1000; at += step_ms) {
    Shop::Output out;
    shop.step({kStart + at}, out);
    for (const auto& item : out.items) text += item + "\n";
    for (const auto& request : out.requests) text += request.method + request.target + request.body + "\n";
  }
  return text;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string member(const std::string& item, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":\"";
  const std::size_t at = item.find(key);
  if (at == std::string::npos) return {};
  return item.substr(at + key.size(), item.find('"', at + key.size()) - at - key.size());
}

}  // namespace

TEST_CASE("the same seed and times give the same shop, byte for byte, and another seed another one") {
  const ShopSettings settings;
  const std::string first = play(settings, 60, 200);
  CHECK(first == play(settings, 60, 200));
  ShopSettings other;
  other.seed = 8;
  CHECK(first != play(other, 60, 200));
}

TEST_CASE("the simulated shop has everything a dashboard should show") {
  ShopSettings settings;
  settings.pace = 20;
  const std::string day = play(settings, 120, 200);
  for (const char* event : {"Product Viewed", "Product Added", "Checkout Started", "Order Completed"}) {
    INFO(event);
    CHECK(count(day, event) > 20);
  }
  CHECK(count(day, "Product Viewed") > count(day, "Product Added"));
  CHECK(count(day, "Product Added") > count(day, "\"Order Completed\""));
  CHECK(count(day, "PUT/v1/stock/") >= settings.products);
  CHECK(count(day, "POST/v1/stock/reservations") > 20);
}

TEST_CASE("some of the shop's events are sent twice, and no two others share an id") {
  Shop shop({});
  std::map<std::string, std::set<std::string>> by_id;
  std::size_t items = 0;
  for (std::int64_t at = 0; at < 120'000; at += 200) {
    Shop::Output out;
    shop.step({kStart + at}, out);
    for (const auto& item : out.items) {
      const std::string id = member(item, "messageId");
      if (id.empty()) continue;
      by_id[id].insert(item);
      ++items;
    }
  }
  CHECK(items > by_id.size());
  CHECK(items < by_id.size() * 11 / 10);
  for (const auto& [id, different] : by_id) CHECK(different.size() == 1);
  CHECK(shop.sessions_started() > 1000);
}

TEST_CASE("made events are the same for the same seed and have ids of their own") {
  EventMaker first({5, 1000, 100}), second({5, 1000, 100}), other({6, 1000, 100});
  std::set<std::string> ids;
  std::string a, b, c;
  for (int i = 0; i < 5000; ++i) {
    first.append(a);
    second.append(b);
    other.append(c);
    CHECK(first.message_id() == second.message_id());
    CHECK(a.find(first.message_id()) != std::string::npos);
    ids.insert(first.message_id());
    if (a.size() > 1 << 16) a.clear(), b.clear(), c.clear();
    CHECK(a == b);
  }
  CHECK(ids.size() == 5000);
  CHECK(a != c);
}
