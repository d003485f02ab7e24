#include "commerce/visitor_stage.h"

#include <doctest/doctest.h>

#include "commerce/visitor_fixture.h"

using namespace millrace;
using namespace millrace::commerce;
using event::EventType;
using event::Text;
using event::Verdict;

TEST_CASE("a silence of exactly thirty minutes continues a session and a longer one begins another") {
  VisitorHarness harness;
  harness.feed(page(0));
  harness.feed(page(30 * kMinute));
  harness.feed(page(60 * kMinute + 1));
  const auto& rows = harness.out().events;
  CHECK(rows[0].session_id != 0);
  CHECK(rows[0].session_id == rows[1].session_id);
  CHECK(rows[2].session_id != rows[1].session_id);
  // The new one closed the old one without waiting for the watermark.
  REQUIRE(harness.out().sessions.size() == 1);
  CHECK(harness.out().sessions[0].events == 2);
  CHECK(harness.out().sessions[0].offset == 2);
  finish(harness);
  CHECK(harness.out().sessions.size() == 2);
  CHECK_FALSE(harness.visitor("v1")->open);
}

TEST_CASE("sessions close in their time when the server's clock was days ahead and is set back") {
  VisitorHarness harness;
  harness.feed(page(0));
  harness.tick(kStart + 10 * base::kDayMs);
  CHECK(harness.out().sessions.size() == 1);
  harness.tick(kStart + kMinute);
  harness.feed(page(2 * kMinute));
  harness.feed(by("v2", page(2 * kMinute)));
  CHECK(harness.stage().totals().late_events == 0);
  harness.tick(kStart + 35 * kMinute);
  // The one that was told of too early is told of again, with its second page.
  REQUIRE(harness.out().sessions.size() == 3);
  CHECK(harness.out().sessions[1].version + harness.out().sessions[2].version == 3);
}

TEST_CASE("a late event joins two closed sessions into one") {
  VisitorHarness harness;
  harness.feed(at(0, EventType::product_viewed, "a"));
  harness.feed(at(40 * kMinute, EventType::product_viewed, "b"));
  auto bridge = at(30 * kMinute, EventType::product_viewed, "c");
  bridge.received_ms = kStart + 40 * kMinute;
  harness.feed(bridge);
  finish(harness);
  const auto& rows = harness.out().sessions;
  // First closed by the second; the second never told of, so nothing to retract; then the whole.
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].session_id == rows[0].session_id);
  CHECK(rows[1].version == 2);
  CHECK(rows[1].events == 3);
  const auto closed = harness.facts<event::SessionClosed>();
  CHECK(closed.back().items == std::vector<std::string>{"a", "c", "b"});
  CHECK(harness.stage().totals().sessions == 1);
}

TEST_CASE("a session that was told of and then joined is retracted") {
  VisitorHarness harness;
  harness.feed(page(0));
  harness.feed(page(35 * kMinute));
  harness.feed(by("other", page(65 * kMinute + 31 * base::kSecondMs)));  // Closes v1's second session.
  REQUIRE(harness.out().sessions.size() == 2);
  auto bridge = page(30 * kMinute);
  bridge.received_ms = kStart + 66 * kMinute;
  harness.feed(bridge);
  finish(harness);
  std::size_t retractions = 0;
  for (const auto& row : harness.out().sessions) {
    if (!row.retracted) continue;
    ++retractions;
    CHECK(row.version == 2);
  }
  CHECK(retractions == 1);
  std::uint64_t landed = 0;
  for (const auto& cell : harness.out().funnel) landed = cell.minute_ms == kStart ? cell.sessions[0] : landed;
  CHECK(landed == 1);
}

TEST_CASE("no session grows beyond its longest") {
  VisitorHarness harness;
  for (int i = 0; i <= 60; ++i) harness.feed(page(i * 29 * kMinute));
  finish(harness);
  REQUIRE(harness.out().sessions.size() == 2);
  CHECK(harness.out().sessions[0].ended_at - harness.out().sessions[0].started_at <= 24 * kHour);
  CHECK(harness.out().sessions[0].events + harness.out().sessions[1].events == 61);
}

TEST_CASE("a repeated message or order counts in the ledger, and the order stage hears of the order") {
  VisitorHarness harness;
  const auto first = buy(0);
  harness.feed(first);
  harness.feed(first);            // The same message.
  harness.feed(buy(1000));        // The same order, told by the server.
  harness.feed(by("v2", first));  // Another visitor: the order stage decides.
  std::string item;
  event::encode_quarantined({0, {kStart}, "invalid_json", "", "", "{"}, item);
  harness.feed(item);
  harness.end_batch();
  const auto& rows = harness.out().events;
  REQUIRE(rows.size() == 4);
  CHECK(rows[1].verdict == Verdict::duplicate);
  CHECK(rows[1].session_id == 0);
  CHECK(rows[2].verdict == Verdict::duplicate);
  CHECK(rows[3].verdict == Verdict::accepted);
  CHECK(harness.facts<event::OrderPlaced>().size() == 3);  // Which source to believe is decided there.
  const auto cells = harness.views<event::LedgerCell>();
  REQUIRE(cells.size() == 1);
  CHECK(cells[0].received == 5);
  CHECK(cells[0].verdicts == std::array<std::uint64_t, event::kVerdictCount>{2, 2, 1, 0, 0, 0});
}

TEST_CASE("an event too late for sessions is still an order and a product's activity") {
  VisitorHarness harness;
  harness.feed(page(2 * kHour));
  auto order = buy(0);
  order.received_ms = kStart + 2 * kHour;
  harness.feed(order);
  auto view = at(0, EventType::product_viewed, "p2");
  view.received_ms = kStart + 2 * kHour;
  harness.feed(view);
  CHECK(harness.stage().totals().late_events == 2);
  CHECK(harness.out().events[1].verdict == Verdict::accepted);
  CHECK(harness.out().events[1].session_id == 0);
  CHECK(harness.facts<event::OrderPlaced>().size() == 1);
  CHECK(harness.facts<event::ProductActivity>().size() == 1);
  finish(harness);
  CHECK(harness.out().sessions.size() == 1);
}

TEST_CASE("history that comes in order makes sessions however old it is") {
  VisitorHarness harness;
  harness.feed(by("now", page(0)));
  for (const int minute : {0, 10, 50}) {
    auto event = by("old", page(minute * kMinute - 30 * base::kDayMs));
    event.received_ms = kStart;
    harness.feed(event);
  }
  CHECK(harness.stage().totals().late_events == 0);
  finish(harness);
  CHECK(harness.stage().totals().sessions == 3);
  CHECK(harness.out().sessions.size() == 3);
}

TEST_CASE("a session keeps the first touch by event time") {
  VisitorHarness harness;
  auto second = page(kMinute);
  second.texts.emplace_back(Text::campaign_medium, "email");
  second.texts.emplace_back(Text::page_path, "/second");
  auto first = page(0);
  first.texts.emplace_back(Text::campaign_medium, "cpc");
  first.texts.emplace_back(Text::page_path, "/first");
  harness.feed(second);
  harness.feed(first);
  finish(harness);
  const auto& row = harness.out().sessions.back();
  CHECK(row.channel == event::Channel::paid);
  CHECK(row.entry_page == "/first");
  CHECK(row.exit_page == "/second");
  CHECK(row.level == event::FunnelStep::browse);  // Two pages.
  CHECK(harness.visitor("v1")->first_channel == event::Channel::paid);
}

TEST_CASE("a session is counted by the category of its first product once there is one") {
  VisitorHarness harness;
  harness.feed(page(0));
  harness.end_batch();
  REQUIRE(harness.out().funnel.size() == 1);
  CHECK(harness.out().funnel[0].category.empty());
  harness.out().clear();
  harness.feed(add(1000));
  harness.end_batch();
  for (const auto& cell : harness.out().funnel) {
    CHECK(cell.sessions[0] == (cell.category == "shoes" ? 1 : 0));
    CHECK(cell.sessions[static_cast<std::size_t>(event::FunnelStep::add_to_cart)] ==
          (cell.category == "shoes" ? 1 : 0));
    CHECK(cell.sessions[static_cast<std::size_t>(event::FunnelStep::checkout)] == 0);
  }
  CHECK(harness.out().funnel.size() == 2);
}

TEST_CASE("a cart is abandoned an hour after its last change") {
  VisitorHarness harness;
  harness.feed(add(0));
  harness.feed(add(30 * kMinute, "p2"));
  harness.tick(kStart + 90 * kMinute + 60 * base::kSecondMs);
  CHECK(abandoned(harness) == 0);
  harness.tick(kStart + 90 * kMinute + 60 * base::kSecondMs + 1);
  REQUIRE(abandoned(harness) == 1);
  const auto action = harness.facts<event::Action>()[0];
  CHECK(action.at.ms == kStart + 90 * kMinute);
  CHECK(action.payload.find(R"("product_id":"p2")") != std::string::npos);
  CHECK(action.payload.find(R"("value":{"amount":"20","currency":""})") != std::string::npos);
}

TEST_CASE("a purchase at exactly the hour wins and one after it cancels") {
  VisitorHarness harness(unsilenced());
  harness.feed(add(0));
  harness.feed(buy(kHour, "order-1"));
  finish(harness);
  CHECK(abandoned(harness) == 0);
  CHECK(harness.stage().totals().carts_purchased_in_time == 1);

  VisitorHarness later(unsilenced());
  later.feed(add(0));
  later.feed(buy(kHour + 1, "order-1"));
  finish(later);
  REQUIRE(abandoned(later) == 1);
  REQUIRE(cancelled(later) == 1);
  const auto both = later.facts<event::Action>();
  const std::string trigger = both[0].payload.substr(0, both[0].payload.find(','));
  CHECK(both[1].payload.starts_with(trigger));
  CHECK(both[0].id != both[1].id);
}

TEST_CASE("an emptied cart is not abandoned") {
  VisitorHarness harness;
  harness.feed(add(0));
  harness.feed(at(1000, EventType::product_removed, "p1"));
  harness.end_batch();
  CHECK(harness.visitor("v1")->cart.empty());
  finish(harness);
  CHECK(abandoned(harness) == 0);
}

TEST_CASE("a visitor is reminded at most once a day unless that is switched off") {
  for (const bool silence : {true, false}) {
    VisitorHarness harness(silence ? VisitorSettings{} : unsilenced());
    harness.feed(add(0));
    harness.feed(add(3 * kHour));
    harness.feed(add(30 * kHour));
    finish(harness);
    CHECK(abandoned(harness) == (silence ? 2 : 3));
    CHECK(harness.stage().totals().carts_silenced == (silence ? 1 : 0));
  }
}

TEST_CASE("a login brings the cart of the user's earlier visitor along") {
  VisitorHarness harness;
  harness.feed(by("phone", add(0, "p1"), "user-1"));
  harness.feed(by("laptop", add(10 * kMinute, "p2")));
  harness.feed(by("laptop", at(11 * kMinute, EventType::identified), "user-1"));
  harness.end_batch();
  CHECK(harness.visitor("laptop")->cart.size() == 2);
  CHECK(harness.visitor("laptop")->user_id == "user-1");
  CHECK(harness.visitor("phone")->cart.empty());
  finish(harness);
  REQUIRE(abandoned(harness) == 1);
  CHECK(harness.facts<event::Action>()[0].visitor_id == "laptop");
  CHECK(harness.facts<event::Action>()[0].at.ms == kStart + 10 * kMinute + kHour);
}

TEST_CASE("an alias brings the cart of the previous id along") {
  VisitorHarness harness;
  harness.feed(by("before", add(0, "p1")));
  auto alias = by("after", at(1000, EventType::aliased), "user-1");
  alias.texts.emplace_back(Text::previous_id, "before");
  harness.feed(alias);
  harness.end_batch();
  CHECK(harness.visitor("after")->cart.size() == 1);
  CHECK(harness.visitor("before")->cart.empty());
}

TEST_CASE("an order told under the user id alone empties the carts of the user's visitors") {
  VisitorHarness harness;
  harness.feed(by("browser", add(0), "user-1"));
  harness.feed(by("user-1", at(1000, EventType::identified), "user-1"));
  harness.feed(by("browser", add(2000, "p2"), "user-1"));
  harness.feed(by("user-1", buy(kMinute), "user-1"));
  finish(harness);
  CHECK(abandoned(harness) == 0);
}

TEST_CASE("after a restart the open sessions, their clicks and every cell are told again") {
  VisitorHarness harness;
  harness.feed(by("gone", page(0)));
  harness.feed(at(2 * kHour, EventType::product_viewed, "a"));
  harness.feed(at(2 * kHour + 1000, EventType::product_viewed, "b"));
  harness.feed(add(2 * kHour + 2000, "b"));  // A second timer, for the cart.
  harness.end_batch();
  harness.checkpoint();
  harness.restart();
  const auto visitors = VisitorHarness::visitors(harness.restored());
  REQUIRE(visitors.size() == 1);
  CHECK(visitors[0].visitor_id == "v1");
  CHECK(visitors[0].open);
  const auto clicks = VisitorHarness::views<event::ClickView>(harness.restored());
  REQUIRE(clicks.size() == 3);
  CHECK(clicks[0].product_id == "a");
  CHECK(VisitorHarness::views<event::LedgerCell>(harness.restored()).size() == 2);
  CHECK(VisitorHarness::views<event::FunnelCell>(harness.restored()).size() == 2);
  CHECK(harness.stage().totals().events == 4);
}

TEST_CASE("a visitor's state survives its encoding, and cut bytes are refused") {
  VisitorHarness harness;
  harness.feed(by("v1", add(0), "user-1"));
  harness.feed(buy(5 * kMinute));
  harness.feed(add(6 * kMinute, "p3"));
  harness.checkpoint();
  const auto stored = harness.store().get("v/v1");
  REQUIRE((stored.ok() && stored->has_value()));
  VisitorState state;
  REQUIRE(VisitorState::decode(**stored, state));
  std::string again;
  state.encode(again);
  CHECK((again == **stored));
  for (std::size_t size = 0; size < again.size(); ++size) {
    VisitorState cut;
    CHECK_FALSE(VisitorState::decode(std::string_view(again).substr(0, size), cut));
  }
}

TEST_CASE("a record that is not of this journal, or not an event, is refused and changes nothing") {
  VisitorHarness harness;
  harness.feed(std::string_view("\x01garbage"));
  harness.feed(std::string_view(""));
  harness.feed(by("", page(0)));
  harness.end_batch();
  CHECK(harness.refused() == 3);
  CHECK(harness.out().views.empty());
  CHECK(harness.stage().totals().events == 0);
}

TEST_CASE(
    "an order that the browser told of is a duplicate when the shop's server tells of it under the user id") {
  VisitorHarness harness;
  auto browser = at(0, EventType::order_completed, "a");
  browser.texts.emplace_back(Text::order_id, "o-1");
  browser.texts.emplace_back(Text::user_id, "u");
  auto server = browser;
  server.visitor.clear();
  auto of_another = server;
  of_another.texts[2].second = "someone else";
  auto another_order = server;
  another_order.texts[0].second = "another message";
  another_order.texts[1].second = "o-2";
  for (const auto& event : {browser, server, of_another, another_order}) harness.feed(event);
  const auto& rows = harness.out().events;
  CHECK(rows[0].verdict == Verdict::accepted);
  CHECK(rows[1].verdict == Verdict::duplicate);
  CHECK(rows[1].session_id == 0);
  CHECK(rows[2].verdict == Verdict::accepted);
  CHECK(rows[3].verdict == Verdict::accepted);
  // The order stage links the server's telling, and believes it if it should.
  CHECK(harness.facts<event::OrderPlaced>().size() == 4);
  harness.checkpoint();
  harness.restart();
  server.texts[0].second = "told again";
  harness.feed(server);
  CHECK(harness.out().events.back().verdict == Verdict::duplicate);
}

TEST_CASE(
    "an order without an id is an order of its own, and what changes an order without an id changes none") {
  VisitorHarness harness;
  harness.feed(at(0, EventType::order_completed, "a"));
  harness.feed(at(0, EventType::order_completed, "a"));
  for (const auto type : {EventType::order_updated, EventType::order_refunded, EventType::order_cancelled}) {
    harness.feed(at(kMinute, type, "a"));
  }
  const auto orders = harness.facts<event::OrderPlaced>();
  REQUIRE(orders.size() == 2);
  CHECK(orders[0].order.order_id.starts_with("without-id-"));
  CHECK(orders[0].order.order_id.size() == 27);
  CHECK(orders[0].order.order_id != orders[1].order.order_id);
  CHECK(harness.visitor("v1")->orders == 2);
}
