#include "app/journal_set.h"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <optional>

#include "app/signal.h"
#include "base/random.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using app::JournalSet;
using app::JournalSettings;
using base::ErrorCode;
using event::Topic;

namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;

// Until the housekeeper's thread has got there.
bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    app::Signal().wait(5);
  }
  return false;
}

struct Fixture {
  sim::SimDisk disk{1};
  sim::SimClock clock;
  base::SeededRandom random{1};
  JournalSettings settings;
  std::atomic<std::uint64_t> needed{0};
  std::unique_ptr<JournalSet> set;

  Fixture() {
    settings.segment_bytes = kMebibyte;
    settings.compression = journal::Compression::none;
  }
  JournalSet& start() {
    auto opened = JournalSet::open(settings, disk, clock, random);
    REQUIRE(opened.ok());
    set = *std::move(opened);
    set->start([this](Topic, std::uint32_t) { return journal::Offset{needed}; });
    return *set;
  }
  // Appends one record and waits for what becomes of it.
  std::optional<ErrorCode> append(Topic topic, std::size_t bytes) {
    journal::RecordBuffer record;
    record.add(std::string(bytes, 'x'));
    std::atomic<int> done{0};
    std::optional<ErrorCode> failed;
    const auto taken =
        set->commit(topic, 0).submit(std::move(record), journal::Durability::synced, [&](auto first) {
          if (!first.ok()) failed = first.error().code();
          done = 1;
        });
    REQUIRE(taken.ok());
    REQUIRE(eventually([&] { return done == 1; }));
    return failed;
  }
  std::uint64_t failures() {
    std::uint64_t sum = 0;
    for (const Topic topic : {Topic::events, Topic::facts, Topic::sessions, Topic::actions})
      sum += set->prepare_failures(topic, 0);
    return sum;
  }
};

}  // namespace

TEST_CASE("a full disk is left alone, and the journals go on when there is room again") {
  Fixture f;
  f.disk.set_capacity(3 * kMebibyte);
  JournalSet& set = f.start();
  REQUIRE(eventually([&] { return f.failures() > 0; }));
  int taken = 0;
  std::optional<ErrorCode> failed;
  while (!(failed = f.append(Topic::events, 64 << 10))) REQUIRE(++taken < 100);
  CHECK(*failed == ErrorCode::exhausted);
  CHECK(taken > 0);
  CHECK(set.commit(Topic::events, 0).disk_full());
  CHECK_FALSE(set.commit(Topic::events, 0).stopped());
  // Minutes of a full disk: each journal has tried once or twice.
  for (int second = 0; second < 60; ++second) {
    f.clock.advance_ms(1000);
    app::Signal().wait(1);
  }
  CHECK(set.commit(Topic::events, 0).disk_full());
  CHECK(f.failures() <= 8);
  f.disk.set_capacity(100 * kMebibyte);
  // Nobody appends, and yet it is found out.
  REQUIRE(eventually([&] {
    f.clock.advance_ms(1000);
    return !set.commit(Topic::events, 0).disk_full();
  }));
  CHECK_FALSE(f.append(Topic::events, 64 << 10));
  CHECK(set.journal(Topic::events, 0).end().value == static_cast<std::uint64_t>(taken) + 1);
}

TEST_CASE("retention drops what is too much, but nothing that would be read again, of every topic") {
  Fixture f;
  f.settings.retention_bytes = 1;
  f.needed = 25;
  JournalSet& set = f.start();
  for (const Topic topic : {Topic::events, Topic::sessions}) {
    for (int i = 0; i < 60; ++i) REQUIRE_FALSE(f.append(topic, 64 << 10));
    REQUIRE(eventually([&] {
      f.clock.advance_ms(1000);
      return set.journal(topic, 0).begin().value > 0;
    }));
    CHECK(set.journal(topic, 0).begin().value <= 25);
  }
  f.needed = 60;
  REQUIRE(eventually([&] {
    f.clock.advance_ms(1000);
    return set.journal(Topic::events, 0).begin().value > 25;
  }));
  // What begins the journal may be dropped before it is read.
  CHECK(eventually([&] {
    const auto first = set.journal(Topic::events, 0).read(set.journal(Topic::events, 0).begin(), 1);
    return first.ok() && !first->payloads.empty();
  }));
}

TEST_CASE("what was appended is there when the set is opened again") {
  Fixture f;
  f.settings.event_partitions = 3;
  f.start();
  for (int i = 0; i < 5; ++i) REQUIRE_FALSE(f.append(Topic::events, 10));
  f.set.reset();
  JournalSet& set = f.start();
  CHECK(set.partitions(Topic::events) == 3);
  CHECK(set.partitions(Topic::facts) == 1);
  CHECK(set.journal(Topic::events, 0).end().value == 5);
  CHECK(set.journal(Topic::events, 1).end().value == 0);
  CHECK(set.totals().segments >= 6);
}
