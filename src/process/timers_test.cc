#include "process/timers.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "base/random.h"
#include "process/memory_state_store.h"

namespace millrace::process {

TEST_CASE("timers come up in the order of deadline, kind and key") {
  MemoryStateStore store;
  Timers timers(store, "t/");
  timers.set(2, "a", {50});
  timers.set(1, "b", {50});
  timers.set(1, "a", {50});
  timers.set(1, "c", {10});
  timers.set(1, "moved", {5});
  timers.set(1, "moved", {60});
  timers.set(1, "earlier", {90});
  timers.set(1, "earlier", {20});
  timers.set(1, "cancelled", {1});
  timers.cancel(1, "cancelled");
  CHECK(timers.size() == 6);
  CHECK(timers.next()->ms == 10);
  std::string order;
  Timers::Due due;
  while (timers.pop({55}, due)) {
    order += std::to_string(due.deadline.ms) + ":" + std::to_string(due.kind) + due.key + " ";
  }
  CHECK(order == "10:1c 20:1earlier 50:1a 50:1b 50:2a ");
  CHECK(timers.next()->ms == 60);
  CHECK(timers.deadline(1, "moved")->ms == 60);
  CHECK_FALSE(timers.deadline(1, "a").has_value());
  CHECK(timers.pop({60}, due));
  CHECK_FALSE(timers.pop({1000}, due));
  CHECK_FALSE(timers.next().has_value());
}

TEST_CASE("a timer set while others come up takes part") {
  MemoryStateStore store;
  Timers timers(store, "t/");
  timers.set(1, "b", {10});
  timers.set(1, "d", {10});
  Timers::Due due;
  REQUIRE(timers.pop({10}, due));
  CHECK(due.key == "b");
  timers.set(1, "c", {10});
  timers.set(1, "a", {9});
  timers.set(1, "d", {11});
  REQUIRE(timers.pop({10}, due));
  CHECK(due.key == "a");
  REQUIRE(timers.pop({10}, due));
  CHECK(due.key == "c");
  CHECK_FALSE(timers.pop({10}, due));
  REQUIRE(timers.pop({11}, due));
  CHECK(due.key == "d");
}

TEST_CASE("timers agree with a sorted set under random changes, checkpoints and crashes") {
  using Key = std::pair<std::uint8_t, std::string>;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    MemoryStateStore store;
    auto timers = std::make_unique<Timers>(store, "t/");
    std::map<Key, std::int64_t> live, frozen, durable;
    enum { idle, draining, drained } phase = idle;
    StateBatch batch;
    std::int64_t now = 0;
    const auto crash = [&] {
      timers = std::make_unique<Timers>(store, "t/");
      std::set<Key> found;
      REQUIRE(
          timers->restore([&](std::uint8_t kind, std::string_view key) { found.emplace(kind, key); }).ok());
      live = durable;
      CHECK(found.size() == live.size());
      for (const auto& [key, deadline] : live) CHECK(found.contains(key));
      phase = idle;
    };
    for (int step = 0; step < 3000; ++step) {
      const Key key{random.below(3), "k" + std::to_string(random.below(1 + random.below(300)))};
      const std::uint64_t dice = random.below(100);
      if (dice < 55) {
        const std::int64_t deadline = now + static_cast<std::int64_t>(random.below(50)) - 2;
        timers->set(key.first, key.second, {deadline});
        live[key] = deadline;
      } else if (dice < 65) {
        timers->cancel(key.first, key.second);
        live.erase(key);
      } else if (dice < 85) {
        now += static_cast<std::int64_t>(random.below(4));
        Timers::Due due;
        while (random.chance(0.9)) {
          std::tuple<std::int64_t, std::uint8_t, std::string> first{now + 1, 0, ""};
          for (const auto& [k, deadline] : live) first = std::min(first, {deadline, k.first, k.second});
          const bool expected = std::get<0>(first) <= now;
          REQUIRE(timers->pop({now}, due) == expected);
          if (!expected) break;
          REQUIRE(std::tuple(due.deadline.ms, due.kind, due.key) == first);
          live.erase({due.kind, due.key});
        }
      } else if (dice < 99) {
        if (phase == idle) {
          timers->freeze();
          frozen = live;
          batch.clear();
          phase = draining;
        } else if (phase == draining) {
          if (timers->drain(batch, 1 + random.below(50))) phase = drained;
        } else {
          REQUIRE(store.commit(batch).ok());
          durable = frozen;
          timers->committed();
          phase = idle;
          if (random.chance(0.2)) crash();
        }
      } else if (random.chance(0.3)) {
        crash();
      }
      REQUIRE(timers->size() == live.size());
    }
  }
}

}  // namespace millrace::process
