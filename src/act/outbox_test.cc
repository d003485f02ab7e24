#include "act/outbox.h"

#include <doctest/doctest.h>

#include <map>

#include "act/deliverer.h"
#include "act/signature.h"
#include "event/fact.h"
#include "journal/memory_journal.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::act;

namespace {

constexpr base::WallTime kStart{1'795'258'800'000};

event::Action make_action(std::uint64_t id) {
  event::Action action;
  action.id = id;
  action.visitor_id = "v-" + std::to_string(id);
  action.at = kStart;
  action.payload = R"({"cart":[]})";
  return action;
}

AttemptResult result(AttemptResult::Kind kind, std::int64_t retry_after_ms = 0) {
  return {kind, "why", retry_after_ms};
}

// Answers what it is told to, and counts what arrived.
class FakeTransport final : public Transport {
 public:
  base::Result<Receipt> post(const Target& target, const Delivery& delivery) override {
    last = delivery;
    const auto answer = respond ? respond(target) : base::Result<Receipt>(Receipt{200, 0});
    if (answer.ok() && answer->status == 200) ++arrived[target.name + " " + delivery.headers.at(1).second];
    return answer;
  }
  std::function<base::Result<Receipt>(const Target&)> respond;
  std::map<std::string, int> arrived;  // By target and action id.
  Delivery last;
};

void append(journal::MemoryJournal& journal, std::uint64_t id) {
  journal::RecordBuffer buffer;
  event::encode_fact({event::Topic::events, 0, id, 0}, make_action(id), buffer.begin());
  buffer.finish();
  REQUIRE(journal.append(buffer).ok());
  REQUIRE(journal.sync().ok());
}

std::string key(std::string_view target, std::uint64_t id) {
  char hex[17];
  std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(id));
  return std::string(target) + " " + hex;
}

}  // namespace

TEST_CASE("the signature is HMAC-SHA256 over time and body") {
  // Computed with Python's hmac.
  CHECK_EQ(sign("whsec", 1'795'258'800, R"({"a":1})"),
           "t=1795258800,v1=d51529a237fd62e12c249f1ca7d8a42f25b23ae09bbfb499407985f6bfb19bf7");
}

TEST_CASE("URLs are read strictly") {
  const auto url = parse_url("https://shop.example:8443/hooks?x=1");
  REQUIRE(url.ok());
  CHECK_EQ(url->host, "shop.example");
  CHECK_EQ(url->port, 8443);
  CHECK_EQ(url->path, "/hooks?x=1");
  CHECK_EQ(url->authority, "shop.example:8443");
  CHECK_EQ(parse_url("http://[::1]:80")->host, "::1");
  CHECK_EQ(parse_url("http://a?b")->path, "/?b");
  for (const char* wrong : {"", "ftp://a", "http://", "http://a:b/", "http://a:0/", "http://u@a/",
                            "http://a/ b", "http://a/\r\nX: y", "http://[::1", "http://a/#f"}) {
    CHECK_FALSE_MESSAGE(parse_url(wrong).ok(), wrong);
  }
}

TEST_CASE("a delivery that fails is retried later and later, with jitter, until it is too old") {
  base::SeededRandom random(1);
  Outbox outbox({"t"}, {}, random);
  outbox.add(0, make_action(1), kStart);
  base::WallTime now = kStart;
  std::int64_t last_wait = 0;
  int attempts = 0;
  while (outbox.pending() > 0) {
    const auto attempt = outbox.take(0, now);
    REQUIRE(attempt);
    ++attempts;
    CHECK_FALSE(outbox.take(0, now));
    outbox.finish(*attempt, result(AttemptResult::Kind::rejected), now);
    if (const auto due = outbox.next_due(0)) {
      const std::int64_t wait = *due - now;
      CHECK_GE(wait, std::min<std::int64_t>(last_wait, 300'000));
      CHECK_LE(wait, 600'000);
      CHECK_FALSE(outbox.take(0, *due - 1));
      last_wait = wait / 2;
      now = *due;
    }
  }
  CHECK_GE(now - kStart, 12 * base::kHourMs);
  CHECK_GE(attempts, 72);
  CHECK(outbox.list(1, {})[0].state() == DeliveryState::failed);
  CHECK_EQ(outbox.list(1, {})[0].targets[0].last_error, "why");
}

TEST_CASE("a receiver that is down pauses as a whole, and one that refuses is not asked again") {
  base::SeededRandom random(2);
  Outbox outbox({"t"}, {}, random);
  for (std::uint64_t i = 0; i < 10; ++i) outbox.add(i, make_action(i + 1), kStart);
  auto attempt = outbox.take(0, kStart);
  outbox.finish(*attempt, result(AttemptResult::Kind::unreachable), kStart);
  CHECK_FALSE(outbox.take(0, kStart));
  const base::WallTime later = *outbox.next_due(0);
  attempt = outbox.take(0, later);
  REQUIRE(attempt);
  outbox.finish(*attempt, result(AttemptResult::Kind::refused), later);
  CHECK_EQ(outbox.pending(), 9);
  CHECK_EQ(outbox.list(100, DeliveryState::failed).size(), 1);
  attempt = outbox.take(0, later);
  outbox.finish(*attempt, result(AttemptResult::Kind::rejected, 3'600'000), later);
  int taken = 0;
  while (outbox.take(0, later + 3'599'999)) ++taken;
  CHECK_EQ(taken, 4);  // in_flight_max; the one that asked for an hour is not among them.
}

TEST_CASE("an action that was emitted twice is taken once") {
  base::SeededRandom random(3);
  Outbox outbox({"t"}, {}, random);
  CHECK(outbox.add(0, make_action(1), kStart));
  CHECK_FALSE(outbox.add(1, make_action(1), kStart));
  CHECK_EQ(outbox.pending(), 1);
}

TEST_CASE("finished actions beyond the limit are forgotten, pending ones never") {
  base::SeededRandom random(4);
  OutboxLimits limits;
  limits.listed_max = 5;
  Outbox outbox({"t"}, limits, random);
  outbox.add(0, make_action(1000), kStart);
  const auto stuck = outbox.take(0, kStart);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    outbox.add(i, make_action(i), kStart);
    outbox.finish(*outbox.take(0, kStart), {}, kStart);
  }
  CHECK_EQ(outbox.list(100, {}).size(), 6);
  CHECK_EQ(outbox.list(100, DeliveryState::pending).at(0).offset, 0);
  CHECK_EQ(stuck->offset, 0);
}

TEST_CASE("damaged state is refused, whichever byte it is") {
  base::SeededRandom random(5);
  Outbox outbox({"t"}, {}, random);
  outbox.add(0, make_action(1), kStart);
  const std::string state = outbox.encode();
  for (std::size_t i = 0; i < state.size(); ++i) {
    std::string damaged = state;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    CHECK_FALSE(Outbox({"t"}, {}, random).restore(damaged).ok());
    CHECK_FALSE(Outbox({"t"}, {}, random).restore(state.substr(0, i)).ok());
  }
  CHECK(Outbox({"t"}, {}, random).restore(state).ok());
}

TEST_CASE("without a target actions are only listed") {
  journal::MemoryJournal journal;
  sim::SimDisk disk(1);
  sim::SimClock clock(kStart);
  base::SeededRandom random(6);
  FakeTransport transport;
  Deliverer deliverer(journal, disk, {}, transport, clock, random, {});
  REQUIRE(deliverer.open().ok());
  append(journal, 1);
  int announced = 0;
  deliverer.on_action([&](const event::Action&) { ++announced; });
  REQUIRE(deliverer.pump().ok());
  CHECK_EQ(announced, 1);
  REQUIRE_EQ(deliverer.list(10, {}).size(), 1);
  CHECK(deliverer.list(10, {})[0].state() == DeliveryState::none);
  CHECK_EQ(deliverer.figures().pending, 0);
}

TEST_CASE("a target that is configured later gets no history") {
  journal::MemoryJournal journal;
  sim::SimDisk disk(1);
  sim::SimClock clock(kStart);
  base::SeededRandom random(7);
  FakeTransport transport;
  {
    Deliverer deliverer(journal, disk, {}, transport, clock, random, {});
    REQUIRE(deliverer.open().ok());
    append(journal, 1);
    REQUIRE(deliverer.pump().ok());
    REQUIRE(deliverer.save().ok());
  }
  Deliverer deliverer(journal, disk, {{"late", "http://x/", "s"}}, transport, clock, random, {});
  REQUIRE(deliverer.open().ok());
  append(journal, 2);
  REQUIRE(deliverer.pump().ok());
  while (deliverer.deliver_one(0)) continue;
  CHECK_EQ(transport.arrived.size(), 1);
  CHECK(transport.arrived.contains(key("late", 2)));
  CHECK_EQ(deliverer.list(10, {}).size(), 2);
}

TEST_CASE("what is delivered is signed, and the body names the action") {
  journal::MemoryJournal journal;
  sim::SimDisk disk(1);
  sim::SimClock clock(kStart);
  base::SeededRandom random(8);
  FakeTransport transport;
  Deliverer deliverer(journal, disk, {{"t", "http://x/", "whsec"}}, transport, clock, random, {});
  REQUIRE(deliverer.open().ok());
  append(journal, 0xabc);
  REQUIRE(deliverer.pump().ok());
  REQUIRE(deliverer.deliver_one(0));
  CHECK_EQ(transport.last.body,
           R"({"id":"0000000000000abc","kind":"cart_abandoned","visitor_id":"v-2748","user_id":null,)"
           R"("at":"2026-11-21T11:00:00.000Z","payload":{"cart":[]}})");
  CHECK_EQ(transport.last.headers.at(2).first, "Millrace-Signature");
  CHECK_EQ(transport.last.headers.at(2).second, sign("whsec", kStart.ms / 1000, transport.last.body));
}

TEST_CASE("through failing receivers and crashes every action arrives at every target, under its one id") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    journal::MemoryJournal journal;
    sim::SimDisk disk(seed);
    sim::SimClock clock(kStart);
    FakeTransport transport;
    transport.respond = [&](const Target&) -> base::Result<Receipt> {
      const auto dice = random.below(10);
      if (dice < 2) return base::Error(base::ErrorCode::io, "connection refused");
      if (dice < 3) return Receipt{503, 2};
      if (dice < 4) return Receipt{400, 0};
      return Receipt{200, 0};
    };
    const std::vector<Target> targets = {{"a", "http://a/", ""}, {"b", "http://b/", ""}};
    DelivererSettings settings;
    settings.limits.listed_max = 20;
    settings.limits.pending_max = 15;
    std::uint64_t actions = 0;
    for (int life = 0; life < 6; ++life) {
      Deliverer deliverer(journal, disk, targets, transport, clock, random, settings);
      REQUIRE(deliverer.open().ok());
      for (std::uint64_t step = random.below(150); step > 0; --step) {
        if (random.chance(0.3) && life < 5) append(journal, ++actions);
        if (random.chance(0.5)) REQUIRE(deliverer.pump().ok());
        deliverer.deliver_one(random.below(2));
        clock.advance_ms(static_cast<std::int64_t>(random.below(3'000)));
      }
      if (life < 5) {
        disk.crash();
        continue;
      }
      for (int step = 0; step < 20'000 && (deliverer.figures().pending > 0 || step < 100); ++step) {
        REQUIRE(deliverer.pump().ok());
        while (deliverer.deliver_one(0) || deliverer.deliver_one(1)) continue;
        clock.advance_ms(10'000);
      }
      CHECK_EQ(deliverer.figures().pending, 0);
      CHECK(deliverer.list(100, DeliveryState::failed).empty());
    }
    for (std::uint64_t id = 1; id <= actions; ++id) {
      CHECK_GE(transport.arrived[key("a", id)], 1);
      CHECK_GE(transport.arrived[key("b", id)], 1);
    }
    CHECK_EQ(transport.arrived.size(), 2 * actions);
  }
}
