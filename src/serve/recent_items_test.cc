#include "serve/recent_items.h"

#include <doctest/doctest.h>

#include "serve/api_bench.h"

using namespace millrace;
using namespace millrace::serve;
using event::Text;
using event::Verdict;

namespace {

constexpr base::WallTime kNow{1'795'258'800'000};

event::Event make_event(std::uint16_t source, std::string_view message, std::string_view raw = "{}") {
  event::Event event;
  event.type = event::EventType::product_viewed;
  event.source = source;
  event.received_at = event.event_time = kNow;
  event[Text::anonymous_id] = "anna";
  event[Text::message_id] = message;
  event.raw = raw;
  return event;
}

base::WallTime later(std::int64_t ms) { return {kNow.ms + ms}; }

event::QuarantinedItem make_item(std::uint16_t source, std::string_view reason, std::string_view raw = {}) {
  event::QuarantinedItem item;
  item.source = source;
  item.reason = reason;
  item.raw = raw;
  return item;
}

}  // namespace

TEST_CASE("items are found newest first, by source, verdict, text and sequence") {
  RecentItems items{RecentItemLimits{}};
  items.accepted(make_event(0, "a", R"({"sku":"shoe"})"), kNow);
  items.accepted(make_event(1, "b"), kNow);
  items.turned_away(make_item(1, "missing_identity", "shoe"), Verdict::quarantined, kNow);
  items.turned_away(make_item(1, "no_consent"), Verdict::consent_dropped, kNow);
  items.refused("unknown_write_key", "", kNow);

  const auto sequences = [&](const RecentItemQuery& query) {
    std::vector<std::uint64_t> found;
    for (const auto& item : items.find(query)) found.push_back(item->sequence);
    return found;
  };
  using Sequences = std::vector<std::uint64_t>;
  CHECK_EQ(sequences({}), Sequences{5, 4, 3, 2, 1});
  CHECK_EQ(sequences({.n = 2}), Sequences{5, 4});
  CHECK_EQ(sequences({.after = 3}), Sequences{5, 4});
  CHECK_EQ(sequences({.source = 1}), Sequences{4, 3, 2});
  CHECK_EQ(sequences({.verdict = Verdict::accepted}), Sequences{2, 1});
  CHECK_EQ(sequences({.source = 1, .verdict = Verdict::consent_dropped}), Sequences{4});
  CHECK_EQ(sequences({.contains = "shoe"}), Sequences{3, 1});
  CHECK_EQ(sequences({.contains = "product_viewed"}), Sequences{2, 1});
  CHECK_EQ(items.newest(), 5);
}

TEST_CASE("a message id that is still in view makes a duplicate, of the same visitor and source only") {
  RecentItems items{RecentItemLimits{}};
  items.accepted(make_event(0, "a"), kNow);
  items.accepted(make_event(0, "a"), kNow);
  items.accepted(make_event(1, "a"), kNow);
  auto other = make_event(0, "a");
  other[Text::anonymous_id] = "bert";
  items.accepted(other, kNow);
  const auto found = items.find({});
  CHECK_EQ(found[3]->verdict, Verdict::accepted);
  CHECK_EQ(found[2]->verdict, Verdict::duplicate);
  CHECK_EQ(found[2]->reason, "message_id_repeated");
  CHECK_EQ(found[1]->verdict, Verdict::accepted);
  CHECK_EQ(found[0]->verdict, Verdict::accepted);
}

TEST_CASE("a duplicate is known when its first is out of view, as long as its identity is kept") {
  RecentItems items{{.items_max = 2, .bytes_max = 1 << 20, .identities_max = 5, .items_per_window = 1000}};
  for (const char* id : {"a", "b", "c", "d", "a"}) items.accepted(make_event(0, id), kNow);
  CHECK_EQ(items.find({}).front()->verdict, Verdict::duplicate);
  for (const char* id : {"e", "f", "g", "h", "i", "a"}) items.accepted(make_event(0, id), kNow);
  CHECK_EQ(items.find({}).front()->verdict, Verdict::accepted);
}

TEST_CASE("a bot's event says so") {
  RecentItems items{RecentItemLimits{}};
  auto event = make_event(0, "a");
  event.set(event::Flag::bot);
  items.accepted(event, kNow);
  CHECK_EQ(items.find({.verdict = Verdict::bot}).size(), 1);
  CHECK_NE(items.find({}).front()->canonical.find(R"("flags":["bot"])"), std::string::npos);
}

TEST_CASE("each source keeps its newest items within both limits") {
  RecentItems items{{.items_max = 3, .bytes_max = 1 << 20, .identities_max = 100, .items_per_window = 1000}};
  for (int i = 0; i < 10; ++i) items.accepted(make_event(0, std::to_string(i)), kNow);
  items.accepted(make_event(1, "other"), kNow);
  CHECK_EQ(items.find({.source = 0}).size(), 3);
  CHECK_EQ(items.find({.source = 0}).front()->message_id, "9");
  CHECK_EQ(items.find({.source = 1}).size(), 1);

  RecentItems narrow{
      {.items_max = 100, .bytes_max = 20'000, .identities_max = 100, .items_per_window = 1000}};
  const std::string large(6'000, 'x');
  for (int i = 0; i < 10; ++i) narrow.accepted(make_event(0, std::to_string(i), large), kNow);
  CHECK_LE(narrow.find({}).size(), 3);
  CHECK_GE(narrow.find({}).size(), 1);
  const std::string huge(50'000, 'x');
  narrow.accepted(make_event(0, "huge", huge), kNow);
  CHECK_EQ(narrow.find({}).size(), 1);  // The newest is always there.
}

TEST_CASE("above the rate items are skipped and counted, and rare verdicts are not crowded out") {
  RecentItems items{{.items_max = 1000, .bytes_max = 1 << 20, .identities_max = 100, .items_per_window = 10}};
  for (int i = 0; i < 100; ++i) items.accepted(make_event(0, std::to_string(i)), kNow);
  items.turned_away(make_item(0, "invalid_json"), Verdict::quarantined, kNow);
  CHECK_EQ(items.find({.n = 1000}).size(), 11);
  CHECK_EQ(items.skipped(), 90);
  items.accepted(make_event(0, "next"), later(RecentItems::kWindowMs));
  CHECK_EQ(items.find({.n = 1000}).size(), 12);
}

TEST_CASE("the canonical event is one line of JSON whatever the client sent") {
  RecentItems items{RecentItemLimits{}};
  auto event = make_event(0, "a\"\n\x01");
  event.currency = event::parse_currency("EUR");
  event.set(event::Amount::revenue, {12'500'000});
  event.set(event::Flag::time_clamped);
  event.purposes = {.granted = event::Purposes::bit(event::Purpose::analytics), .decided = true};
  event.bot_score = 40;
  event.bot_reasons = 1;
  event[Text::extra] = "{\n \"context\": {\"a\": [1, 2]}}";
  auto& tea = event.products.emplace_back();
  tea.product_id = "tea-1";
  tea.price = {3'500'000};
  tea.has_price = true;
  tea.quantity = 2;
  items.accepted(event, kNow);
  event[Text::message_id] = "b";
  event[Text::extra] = "{not json\n";
  items.accepted(event, kNow);
  const auto found = items.find({});
  CHECK_EQ(
      found[1]->canonical,
      R"({"type":"product_viewed","event_time":"2026-11-21T11:00:00.000Z","received_at":"2026-11-21T11:00:00.000Z",)"
      R"("message_id":"a\"\n\u0001","anonymous_id":"anna","currency":"EUR","revenue":{"amount":"12.50","currency":"EUR"},)"
      R"("products":[{"product_id":"tea-1","price":{"amount":"3.50","currency":"EUR"},"quantity":2}],)"
      R"("flags":["time_clamped"],"purposes":["analytics"],"bot_score":40,"bot_reasons":["user_agent"],"extra":{"context":{"a":[1,2]}}})");
  CHECK_NE(found[0]->canonical.find(R"("extra":"{not json\n"})"), std::string::npos);
  CHECK_EQ(found[0]->canonical.find('\n'), std::string::npos);
}

TEST_CASE("the stream gives the newest at once and then what comes, each client its own") {
  RecentItems items{
      {.items_max = 1000, .bytes_max = 1 << 20, .identities_max = 100, .items_per_window = 1000}};
  ApiBench bench;
  bench.sources.recent_items = &items;
  for (int i = 0; i < 5; ++i) items.accepted(make_event(0, "m-" + std::to_string(i)), kNow);
  const auto all = bench.ask(http::Method::get, "/v1/events/stream?n=2");
  const auto bad = bench.ask(http::Method::get, "/v1/events/stream?verdict=quarantined");
  REQUIRE(all->chunks);
  REQUIRE(bad->chunks);
  CHECK_EQ(all->chunks->text.find("m-2"), std::string::npos);
  CHECK_LT(all->chunks->text.find("m-3"), all->chunks->text.find("m-4"));
  CHECK_EQ(bad->chunks->text.find("event: item"), std::string::npos);

  all->chunks->text.clear();
  items.accepted(make_event(0, "m-5"), kNow);
  items.turned_away(make_item(0, "invalid_json", "line one\nline two"), Verdict::quarantined, kNow);
  bench.get_api().tick();
  bench.get_api().tick();
  CHECK_NE(all->chunks->text.find(R"("visitor_id":"anna","message_id":"m-5")"), std::string::npos);
  const std::string once = R"("visitor_id":"anna","message_id":"m-5")";
  CHECK_EQ(all->chunks->text.find(once), all->chunks->text.rfind(once));
  CHECK_NE(bad->chunks->text.find(R"(line one\nline two)"), std::string::npos);
  CHECK_EQ(bad->chunks->text.find("m-5"), std::string::npos);

  bad->chunks->text.clear();
  bench.clock.advance_ms(11'000);
  bench.get_api().tick();
  CHECK_EQ(bad->chunks->text, ": nothing came\n\n");
  bad->chunks->closed = true;
  bench.clock.advance_ms(11'000);
  bench.get_api().tick();
  bench.get_api().tick();
  CHECK_NE(bench.get("/metrics").body.find("millrace_item_feed_clients 1"), std::string::npos);
}

TEST_CASE("a client that comes back goes on behind what it saw, and begins anew with a server that did") {
  RecentItems items{
      {.items_max = 1000, .bytes_max = 1 << 20, .identities_max = 100, .items_per_window = 1000}};
  ApiBench bench;
  bench.sources.recent_items = &items;
  for (int i = 0; i < 4; ++i) items.accepted(make_event(0, "m-" + std::to_string(i)), kNow);
  const auto shown = [&](std::string_view target, std::string_view last_id) {
    const auto client = bench.ask(http::Method::get, target, {}, {{"Last-Event-ID", last_id}});
    REQUIRE(client->chunks);
    std::string seen;
    for (const char* id : {"id: 1\n", "id: 2\n", "id: 3\n", "id: 4\n"}) {
      if (client->chunks->text.find(id) != std::string::npos) seen += id[4];
    }
    return seen;
  };
  CHECK_EQ(shown("/v1/events/stream?n=3", ""), "234");
  CHECK_EQ(shown("/v1/events/stream?n=50&after=1", "3"), "4");
  CHECK_EQ(shown("/v1/events/stream?n=50", "four"), "1234");
  // Numbers of the run before, which came further.
  CHECK_EQ(shown("/v1/events/stream?n=50", "900"), "1234");
  CHECK_EQ(shown("/v1/events/stream?n=50&after=900", ""), "1234");
  CHECK_NE(bench.get("/v1/events/recent?after=900").body.find("m-3"), std::string::npos);
  CHECK_EQ(bench.get("/v1/events/recent?after=4").body.find("m-3"), std::string::npos);
}
