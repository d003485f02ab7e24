#include <doctest/doctest.h>

#include <map>

#include "commerce/visitor_fixture.h"
#include "commerce/visitor_stage.h"

using namespace millrace;
using namespace millrace::commerce;
using event::EventType;
using event::Verdict;

namespace {

TestEvent granting(TestEvent event, std::initializer_list<event::Purpose> granted) {
  event.purposes = {event::Purposes::bit(event::Purpose::necessary), true};
  for (const auto purpose : granted) event.purposes.granted |= event::Purposes::bit(purpose);
  return event;
}
using event::Purpose;

std::uint64_t total_of(const VisitorHarness& harness, Verdict verdict) {
  std::map<std::pair<std::int64_t, std::uint16_t>, event::LedgerCell> newest;
  for (const auto& cell : harness.views<event::LedgerCell>()) newest[{cell.minute_ms, cell.source}] = cell;
  std::uint64_t total = 0, received = 0, counted = 0;
  for (const auto& [key, cell] : newest) {
    total += cell.verdicts[static_cast<std::size_t>(verdict)];
    received += cell.received;
    for (const auto count : cell.verdicts) counted += count;
  }
  CHECK_EQ(received, counted);
  return total;
}

}  // namespace

TEST_CASE("a dropped item counts in the ledger under its verdict and nowhere else") {
  VisitorHarness harness;
  for (const auto verdict : {Verdict::suppressed, Verdict::consent_dropped, Verdict::quarantined}) {
    std::string payload;
    event::encode_dropped({2, {kStart}, verdict, "rule"}, payload);
    harness.feed(payload);
  }
  harness.end_batch();
  CHECK_EQ(total_of(harness, Verdict::suppressed), 1);
  CHECK_EQ(total_of(harness, Verdict::consent_dropped), 1);
  CHECK_EQ(total_of(harness, Verdict::quarantined), 1);
  CHECK(harness.out().events.empty());
  CHECK_EQ(harness.stage().totals().events, 0);
}

TEST_CASE("a bot's event is a row and a verdict and no figure, and its repetition a duplicate") {
  VisitorHarness harness;
  TestEvent bot = add(0);
  bot.flags = 1u << static_cast<unsigned>(event::Flag::bot);
  harness.feed(bot);
  harness.feed(bot);
  finish(harness);
  REQUIRE_EQ(harness.out().events.size(), 2);
  CHECK(harness.out().events[0].verdict == Verdict::bot);
  CHECK(harness.out().events[1].verdict == Verdict::duplicate);
  CHECK_EQ(total_of(harness, Verdict::bot), 1);
  CHECK_EQ(harness.stage().totals().visitors, 0);
  CHECK(harness.out().sessions.empty());
  CHECK(harness.out().emissions.empty());
}

TEST_CASE("without analytics there is no session and no product activity, but an order is an order") {
  VisitorHarness harness;
  harness.feed(granting(page(0), {}));
  harness.feed(granting(at(1, EventType::product_viewed, "p1"), {}));
  harness.feed(granting(add(2), {}));
  harness.feed(granting(buy(3), {}));
  finish(harness);
  CHECK(harness.out().sessions.empty());
  CHECK(harness.facts<event::ProductActivity>().empty());
  CHECK_EQ(harness.facts<event::OrderPlaced>().size(), 1);
  CHECK_EQ(abandoned(harness), 0);
  CHECK_EQ(total_of(harness, Verdict::accepted), 4);
}

TEST_CASE("an event of nobody is an order at most, and its repetition a duplicate") {
  VisitorHarness harness;
  TestEvent order = granting(buy(0), {});
  order.visitor.clear();
  order.flags = 1u << static_cast<unsigned>(event::Flag::anonymised);
  harness.feed(order);
  harness.feed(order);
  finish(harness);
  CHECK_EQ(harness.refused(), 0);
  CHECK_EQ(harness.facts<event::OrderPlaced>().size(), 1);
  CHECK_EQ(total_of(harness, Verdict::accepted), 1);
  CHECK_EQ(total_of(harness, Verdict::duplicate), 1);
  CHECK_EQ(harness.stage().totals().visitors, 0);
}

TEST_CASE("without personalisation a visitor's view says nothing and no click is told") {
  VisitorHarness harness;
  harness.feed(granting(add(0), {Purpose::analytics}));
  harness.end_batch();
  CHECK(harness.views<event::ClickView>().empty());
  REQUIRE(harness.visitor("v1"));
  CHECK(harness.visitor("v1")->items.empty());
  CHECK(harness.visitor("v1")->cart.empty());
  harness.feed(granting(add(1), {Purpose::analytics, Purpose::personalisation}));
  harness.end_batch();
  CHECK_EQ(harness.views<event::ClickView>().size(), 1);
  CHECK_FALSE(harness.visitor("v1")->cart.empty());
  harness.feed(granting(page(2), {Purpose::analytics}));
  harness.end_batch();
  CHECK(harness.visitor("v1")->cart.empty());
  finish(harness);
  REQUIRE_EQ(harness.facts<event::SessionClosed>().size(), 1);
  CHECK(harness.facts<event::SessionClosed>()[0].items.empty());
}

TEST_CASE("no action without marketing, also when it was withdrawn after the cart was filled") {
  for (const bool withdrawn : {false, true}) {
    VisitorHarness harness(unsilenced());
    harness.feed(granting(add(0), {Purpose::personalisation, Purpose::marketing}));
    if (withdrawn) harness.feed(granting(page(1), {Purpose::personalisation}));
    harness.checkpoint();
    harness.restart();
    harness.tick(kStart + kHour + 10 * kMinute);
    harness.feed(granting(buy(2 * kHour), {}));
    finish(harness);
    CHECK_EQ(abandoned(harness), withdrawn ? 0 : 1);
    CHECK_EQ(cancelled(harness), withdrawn ? 0 : 1);
    CHECK_EQ(harness.stage().totals().abandonments_withheld, withdrawn ? 1 : 0);
  }
}
