#include "commerce/stock.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "commerce/entity_rig.h"
#include "process/memory_state_store.h"

namespace millrace::commerce {
namespace {

using event::CommitReservation;
using event::ReleaseReservation;
using event::Reserve;
using event::SetStock;
using event::StockLine;

constexpr std::int64_t kNow = 1'763'719'200'000;  // 2025-11-21T10:00:00Z

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("stock answers are those that the API promises") {
  EntityRig rig{{}};
  CHECK_EQ(rig.ask(kNow, SetStock{"lamp", 10, 1, ""}).body,
           R"({"sku":"lamp","on_hand":10,"reserved":0,"available":9,"oversold":[]})");
  const auto reserved = rig.ask(kNow, Reserve{"r1", {{"lamp", 4}}, 900'000});
  CHECK_EQ(reserved.status, 201);
  CHECK_EQ(reserved.body, R"({"id":"r1","status":"pending","lines":[{"sku":"lamp","quantity":4}],)"
                          R"("expires_at":"2025-11-21T10:15:00.000Z"})");
  const auto refused = rig.ask(kNow, Reserve{"r2", {{"lamp", 6}, {"rug", 1}}, 0});
  CHECK_EQ(refused.status, 409);
  CHECK(contains(refused.body, R"("error":{"code":"stock_short","message":")"));
  CHECK(contains(refused.body, R"("id":"r2","short":[{"sku":"lamp","requested":6,"available":5},)"
                               R"({"sku":"rug","requested":1,"available":0}]})"));
  const auto committed = rig.ask(kNow, CommitReservation{"r1"});
  CHECK_EQ(committed.status, 200);
  CHECK_EQ(committed.body, R"({"id":"r1","status":"committed"})");
  CHECK_EQ(rig.ask(kNow, CommitReservation{"nobody"}).status, 404);
  CHECK_EQ(rig.ask(kNow, ReleaseReservation{"nobody"}).status, 404);
  CHECK_EQ(rig.ask(kNow, ReleaseReservation{"r1"}).status, 409);

  const auto view = rig.products.at("lamp");
  CHECK(view->stock_known);
  CHECK_EQ(view->on_hand, 6);
  CHECK_EQ(view->reserved, 0);
  CHECK_EQ(view->available, 5);
}

TEST_CASE("reservations expire in their time when the server's clock was a year ahead and is set back") {
  EntityRig rig{{}};
  rig.ask(kNow, SetStock{"lamp", 10, 0, ""});
  rig.ask(kNow, Reserve{"before", {{"lamp", 1}}, 60'000});
  const std::int64_t ahead = kNow + 365 * base::kDayMs;
  rig.tick(ahead);
  rig.ask(ahead, Reserve{"meanwhile", {{"lamp", 2}}, 60'000});
  rig.tick(kNow + base::kMinuteMs);
  const auto after = rig.ask(kNow + base::kMinuteMs, Reserve{"after", {{"lamp", 3}}, 15 * base::kMinuteMs});
  CHECK(contains(after.body, R"("expires_at":"2025-11-21T10:16:00.000Z")"));
  CHECK_EQ(rig.products.at("lamp")->reserved, 5);
  rig.tick(kNow + 15 * base::kMinuteMs);
  rig.run();
  CHECK_EQ(rig.products.at("lamp")->reserved, 5);
  rig.tick(kNow + 16 * base::kMinuteMs);
  rig.run();
  CHECK_EQ(rig.products.at("lamp")->reserved, 0);
  CHECK_EQ(rig.products.at("lamp")->available, 10);
}

TEST_CASE("a reservation's id gives the first answer, whatever became of it") {
  EntityRig rig{{}};
  rig.ask(kNow, SetStock{"lamp", 3, 0, ""});
  const auto first = rig.ask(kNow, Reserve{"r", {{"lamp", 1}, {"lamp", 1}}, 60'000});
  const auto same = [&](std::int64_t at) { return rig.ask(at, Reserve{"r", {{"lamp", 2}}, 60'000}); };
  CHECK_EQ(same(kNow).body, first.body);
  const auto reused = rig.ask(kNow, Reserve{"r", {{"lamp", 1}}, 60'000});
  CHECK_EQ(reused.status, 409);
  CHECK(contains(reused.body, "id_reused"));

  SUBCASE("committed") { CHECK_EQ(rig.ask(kNow, CommitReservation{"r"}).status, 200); }
  SUBCASE("released") { CHECK_EQ(rig.ask(kNow, ReleaseReservation{"r"}).status, 200); }
  SUBCASE("expired") {
    rig.tick(kNow + 60'000);
    rig.run();
    CHECK_EQ(rig.stage().stock().item("lamp")->reserved, 0);
  }
  const std::int64_t later = kNow + 61'000;
  CHECK_EQ(same(later).body, first.body);
  CHECK_EQ(same(later).status, 201);

  // A refusal is an answer too: stock that comes later does not change it.
  const auto refused = rig.ask(later, Reserve{"big", {{"lamp", 50}}, 0});
  rig.ask(later, SetStock{"lamp", 100, 0, ""});
  const auto again = rig.ask(later, Reserve{"big", {{"lamp", 50}}, 0});
  CHECK_EQ(again.status, 409);
  CHECK_EQ(again.body, refused.body);
}

TEST_CASE("a commit after expiry takes fresh stock or is refused for good") {
  EntityRig rig{{}};
  rig.ask(kNow, SetStock{"lamp", 2, 0, ""});
  rig.ask(kNow, Reserve{"a", {{"lamp", 2}}, 1000});
  rig.ask(kNow, Reserve{"never", {{"lamp", 1}}, 1000});
  // Due at exactly its time: it holds nothing any more.
  rig.ask(kNow + 1000, Reserve{"b", {{"lamp", 1}}, 900'000});
  const auto late = rig.ask(kNow + 1001, CommitReservation{"a"});
  CHECK_EQ(late.status, 409);
  CHECK(contains(late.body, "late_commit"));
  CHECK_EQ(rig.stage().stock().item("lamp")->on_hand, 2);

  rig.ask(kNow + 1002, ReleaseReservation{"b"});
  CHECK_EQ(rig.ask(kNow + 1003, CommitReservation{"a"}).body, late.body);
  CHECK_EQ(rig.ask(kNow + 1003, CommitReservation{"never"}).status, 409);

  rig.ask(kNow + 1003, Reserve{"c", {{"lamp", 2}}, 1000});
  CHECK_EQ(rig.ask(kNow + 5000, CommitReservation{"c"}).status, 200);
  CHECK_EQ(rig.ask(kNow + 5000, CommitReservation{"c"}).status, 200);
  CHECK_EQ(rig.stage().stock().item("lamp")->on_hand, 0);
}

TEST_CASE("a count below what is reserved lists the youngest reservations and never sells below zero") {
  EntityRig rig{{}};
  rig.ask(kNow, SetStock{"lamp", 6, 0, ""});
  for (const auto* id : {"old", "middle", "young"}) rig.ask(kNow, Reserve{id, {{"lamp", 2}}, 900'000});
  const auto counted = rig.ask(kNow, SetStock{"lamp", 3, 0, "count-7"});
  CHECK_EQ(counted.body,
           R"({"sku":"lamp","on_hand":3,"reserved":6,"available":0,"oversold":["young","middle"]})");
  CHECK_EQ(rig.ask(kNow, CommitReservation{"young"}).status, 200);
  const auto refused = rig.ask(kNow, CommitReservation{"old"});
  CHECK_EQ(refused.status, 409);
  CHECK(contains(refused.body, "oversold"));
  // The same reference is the same count.
  CHECK_EQ(rig.ask(kNow, SetStock{"lamp", 3, 0, "count-7"}).body,
           R"({"sku":"lamp","on_hand":1,"reserved":4,"available":0,"oversold":["middle","old"]})");
  rig.ask(kNow, SetStock{"lamp", 5, 0, "count-8"});
  CHECK_EQ(rig.ask(kNow, CommitReservation{"old"}).status, 200);
}

TEST_CASE("what no command may say is refused and changes nothing") {
  EntityRig rig{{}};
  rig.ask(kNow, SetStock{"lamp", 6, 0, ""});
  const std::vector<event::StockCommand> wrong = {
      SetStock{"", 1, 0, ""},
      SetStock{"lamp", -1, 0, ""},
      SetStock{"lamp", 1, -1, ""},
      Reserve{"", {{"lamp", 1}}, 0},
      Reserve{"x", {}, 0},
      Reserve{"x", {{"lamp", 0}}, 0},
      Reserve{"x", {{"lamp", -3}}, 0},
      Reserve{"x", {{"", 1}}, 0},
      Reserve{"x", {{"lamp", 1}}, -5},
      Reserve{"x", {{"lamp", 1}}, 10 * base::kDayMs},
      Reserve{"x", std::vector<StockLine>(101, {"lamp", 1}), 0},
      Reserve{"x", {{"lamp", INT64_MAX}, {"lamp", INT64_MAX}}, 0},
      Reserve{std::string(1000, 'x'), {{"lamp", 1}}, 0},
  };
  for (const auto& command : wrong) CHECK_EQ(rig.ask(kNow, command).status, 400);
  CHECK_EQ(rig.stage().stock().item("lamp")->on_hand, 6);
  CHECK_EQ(rig.stage().stock().item("lamp")->reserved, 0);
  CHECK_EQ(rig.stage().stock().pending(), 0);
}

TEST_CASE("reservations are forgotten some time after their end, and not before") {
  EntitySettings settings;
  settings.stock.retention_ms = base::kHourMs;
  EntityRig rig{settings};
  rig.ask(kNow, SetStock{"lamp", 1, 0, ""});
  rig.ask(kNow, Reserve{"won", {{"lamp", 1}}, base::kMinuteMs});
  rig.ask(kNow, Reserve{"lost", {{"lamp", 1}}, base::kMinuteMs});
  rig.tick(kNow + base::kHourMs - 1);
  rig.run();
  CHECK(rig.stage().stock().reservation("lost") != nullptr);
  CHECK_EQ(rig.ask(kNow + base::kHourMs - 1, CommitReservation{"won"}).status, 200);
  rig.tick(kNow + base::kHourMs);
  rig.run();
  CHECK(rig.stage().stock().reservation("lost") == nullptr);
  // It changed at the last moment: an hour from then.
  rig.tick(kNow + 2 * base::kHourMs - 2);
  rig.run();
  CHECK_EQ(rig.ask(kNow + 2 * base::kHourMs - 2, CommitReservation{"won"}).status, 200);
  rig.tick(kNow + 2 * base::kHourMs - 1);
  rig.run();
  CHECK_EQ(rig.stage().stock().kept(), 0);
  CHECK_EQ(rig.ask(kNow + 2 * base::kHourMs, CommitReservation{"won"}).status, 404);
}

// The rules once more, written for reading: everything is looked through for every answer.
class NaiveStock {
 public:
  struct Held {
    std::map<std::string, std::int64_t> lines;
    std::int64_t expires = 0;
    std::string state;
  };

  int apply(std::int64_t now, const event::StockCommand& command) {
    for (auto& [id, held] : reservations) {
      if (held.state == "pending" && held.expires <= now) held.state = "expired";
    }
    if (const auto* set = std::get_if<SetStock>(&command)) {
      received[set->sku] += set->on_hand - on_hand(set->sku);
      safety[set->sku] = set->safety;
      return 200;
    }
    if (const auto* reserve = std::get_if<Reserve>(&command)) {
      Held held{{}, now + reserve->ttl_ms, "pending"};
      for (const auto& line : reserve->lines) held.lines[line.sku] += line.quantity;
      if (const auto known = reservations.find(reserve->id); known != reservations.end()) {
        return known->second.lines != held.lines || known->second.state == "rejected" ? 409 : 201;
      }
      if (!fits(held)) held.state = "rejected";
      reservations[reserve->id] = held;
      return held.state == "pending" ? 201 : 409;
    }
    if (const auto* commit = std::get_if<CommitReservation>(&command)) {
      const auto found = reservations.find(commit->id);
      if (found == reservations.end()) return 404;
      Held& held = found->second;
      if (held.state == "committed") return 200;
      if (held.state == "pending") {
        for (const auto& [sku, quantity] : held.lines) {
          if (on_hand(sku) < quantity) return 409;
        }
        held.state = "committed";
        return 200;
      }
      if (held.state != "expired") return 409;
      held.state = fits(held) ? "committed" : "late";
      return held.state == "committed" ? 200 : 409;
    }
    const auto found = reservations.find(std::get<ReleaseReservation>(command).id);
    if (found == reservations.end()) return 404;
    if (found->second.state == "committed") return 409;
    if (found->second.state == "pending" || found->second.state == "expired")
      found->second.state = "released";
    return 200;
  }

  std::int64_t sum(const std::string& sku, const std::string& state) const {
    std::int64_t total = 0;
    for (const auto& [id, held] : reservations) {
      const auto line = held.lines.find(sku);
      if (held.state == state && line != held.lines.end()) total += line->second;
    }
    return total;
  }
  std::int64_t on_hand(const std::string& sku) { return received[sku] - sum(sku, "committed"); }
  bool fits(const Held& held) {
    return std::all_of(held.lines.begin(), held.lines.end(), [&](const auto& line) {
      return on_hand(line.first) - sum(line.first, "pending") - safety[line.first] >= line.second;
    });
  }

  std::map<std::string, std::int64_t> received, safety;
  std::map<std::string, Held> reservations;
};

event::StockCommand random_command(base::SeededRandom& random) {
  const auto sku = [&] { return std::string(1, static_cast<char>('a' + random.below(4))); };
  const auto id = [&] { return "r" + std::to_string(random.below(60)); };
  const std::uint64_t kind = random.below(20);
  if (kind == 0)
    return SetStock{sku(), static_cast<std::int64_t>(random.below(25)),
                    static_cast<std::int64_t>(random.below(3)), ""};
  if (kind < 11) {
    Reserve reserve{id(), {}, 1000 + static_cast<std::int64_t>(random.below(20'000))};
    for (std::uint64_t i = 0; i <= random.below(3); ++i) {
      reserve.lines.push_back({sku(), 1 + static_cast<std::int64_t>(random.below(3))});
    }
    return reserve;
  }
  if (kind < 17) return CommitReservation{id()};
  return ReleaseReservation{id()};
}

TEST_CASE("on random histories with restarts stock agrees with a naive model, step by step") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    EntityRig rig{{}};
    NaiveStock naive;
    std::int64_t now = kNow;
    bool recounted_low = false;
    for (int step = 0; step < 300; ++step) {
      CAPTURE(step);
      now += static_cast<std::int64_t>(random.below(2000));
      const auto command = random_command(random);
      const auto answer = rig.ask(now, command);
      REQUIRE_EQ(answer.status, naive.apply(now, command));
      if (random.chance(0.02)) rig.checkpoint();
      if (random.chance(0.02)) {
        rig.crash();
        rig.run();
      }
      for (const std::string sku : {"a", "b", "c", "d"}) {
        const StockItem* item = rig.stage().stock().item(sku);
        if (item == nullptr) continue;
        REQUIRE_EQ(item->on_hand, naive.on_hand(sku));
        REQUIRE_EQ(item->reserved, naive.sum(sku, "pending"));
        REQUIRE_EQ(item->received - item->committed, item->on_hand);
        REQUIRE(item->on_hand >= 0);
        recounted_low = recounted_low || item->reserved > item->on_hand;
        const bool promised_too_much =
            item->reserved > item->on_hand && !std::holds_alternative<SetStock>(command);
        if (promised_too_much) REQUIRE(recounted_low);
      }
    }
  }
}

TEST_CASE("without outside counts, what is reserved never exceeds what is on hand") {
  base::SeededRandom random(5);
  EntityRig rig{{}};
  for (const std::string sku : {"a", "b", "c", "d"}) rig.ask(kNow, SetStock{sku, 20, 2, ""});
  std::int64_t now = kNow;
  for (int step = 0; step < 3000; ++step) {
    now += static_cast<std::int64_t>(random.below(2000));
    const auto command = random_command(random);
    if (std::holds_alternative<SetStock>(command)) continue;
    rig.ask(now, command);
    for (const std::string sku : {"a", "b", "c", "d"}) {
      const StockItem* item = rig.stage().stock().item(sku);
      REQUIRE(item->reserved >= 0);
      REQUIRE(item->reserved <= item->on_hand);
    }
  }
}

}  // namespace
}  // namespace millrace::commerce
