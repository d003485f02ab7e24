#include "process/dedup_index.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "base/random.h"
#include "process/memory_state_store.h"

namespace millrace::process {

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;

base::Hash128 id_of(std::uint64_t number) { return base::hash128("message " + std::to_string(number)); }

void checkpoint(DedupIndex& index, StateStore& store, std::size_t slice) {
  index.freeze();
  StateBatch batch;
  while (!index.drain(batch, slice)) {
  }
  REQUIRE(store.commit(batch).ok());
  index.committed();
}

std::map<std::string, std::string> contents(const StateStore& store) {
  std::map<std::string, std::string> all;
  REQUIRE(store
              .scan("",
                    [&](std::string_view key, std::string_view value) {
                      all.emplace(key, value);
                      return true;
                    })
              .ok());
  return all;
}

}  // namespace

TEST_CASE("an id is new once, and per visitor") {
  MemoryStateStore store;
  DedupIndex index(store, "d/", {});
  CHECK(index.first_time(1, id_of(1), {kStart}));
  CHECK_FALSE(index.first_time(1, id_of(1), {kStart}));
  CHECK(index.first_time(2, id_of(1), {kStart}));
  checkpoint(index, store, 7);
  CHECK_FALSE(index.first_time(1, id_of(1), {kStart + 71 * base::kHourMs}));
  CHECK(index.first_time(1, id_of(1), {kStart + 85 * base::kHourMs}));
  CHECK_FALSE(index.first_time(1, id_of(1), {kStart + 85 * base::kHourMs}));
}

TEST_CASE("an id is remembered across the whole horizon") {
  MemoryStateStore store;
  for (std::int64_t phase = 0; phase < 12; ++phase) {
    DedupIndex index(store, "d/", {});
    const std::int64_t seen = kStart + phase * base::kHourMs;
    CHECK(index.first_time(1, id_of(1), {seen}));
    CHECK_FALSE(index.first_time(1, id_of(1), {seen + 72 * base::kHourMs}));
  }
}

TEST_CASE("new ids cost no read once their filters are warm") {
  MemoryStateStore store;
  DedupIndex index(store, "d/", {.filter_ids_min = 1024, .run_ids = 2048});
  for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE(index.first_time(i % 100, id_of(i), {kStart}));
  checkpoint(index, store, 500);
  for (std::uint64_t i = 20'000; i < 40'000; ++i) REQUIRE(index.first_time(i % 100, id_of(i), {kStart}));
  CHECK(index.figures().store_reads < 800);  // What the filters let through: a few in a hundred at most.
  CHECK(index.figures().ids == 40'000);
  checkpoint(index, store, 500);
  CHECK(index.figures().ids_in_memory == 40'000 % 2048);
  const std::uint64_t reads = index.figures().store_reads;
  for (std::uint64_t i = 0; i < 38'000; ++i) REQUIRE_FALSE(index.first_time(i % 100, id_of(i), {kStart}));
  CHECK(index.figures().store_reads - reads < 50'000);  // Each is in one run; few others are looked in.
}

TEST_CASE("after a restart the filters are filled in passing") {
  const DedupSettings settings{.run_ids = 2048};
  MemoryStateStore store;
  {
    DedupIndex index(store, "d/", settings);
    for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE(index.first_time(i % 100, id_of(i), {kStart}));
    checkpoint(index, store, 500);
  }
  DedupIndex index(store, "d/", settings);
  REQUIRE(index.restore().ok());
  CHECK(index.figures().ids == 20'000);
  CHECK(index.figures().ids_cold == 20'000 - 20'000 % 2048);
  for (std::uint64_t i = 0; i < 20'000; ++i) REQUIRE_FALSE(index.first_time(i % 100, id_of(i), {kStart}));
  const std::uint64_t reads = index.figures().store_reads;
  for (std::uint64_t i = 20'000; i < 70'000; ++i) REQUIRE(index.first_time(i % 100, id_of(i), {kStart}));
  CHECK(index.figures().ids_cold == 0);
  CHECK(index.figures().store_reads - reads < 2'500);
}

TEST_CASE("expired ids leave the store") {
  MemoryStateStore store;
  DedupIndex index(store, "d/", {});
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(index.first_time(1, id_of(i), {kStart}));
  checkpoint(index, store, 10);
  CHECK(contents(store).size() == 3);  // The newest bucket, a count, a piece.
  for (std::uint64_t i = 100; i < 70'000; ++i) REQUIRE(index.first_time(1, id_of(i), {kStart}));
  checkpoint(index, store, 1000);
  CHECK(contents(store).size() ==
        1 + 1 + 64 + 1 + 2);  // Of the full run blocks and a filter, of the open one two pieces.
  REQUIRE(index.first_time(1, id_of(100'000), {kStart + 100 * base::kHourMs}));
  checkpoint(index, store, 10);
  CHECK(contents(store).size() == 3);
}

// The oracle keeps every (visitor, id) with the bucket it was first seen in. Crashes go back to the last
// commit, for the oracle too; at the end the stored bytes must be those of an index that was never
// interrupted and committed once.
TEST_CASE(
    "the index agrees with an oracle under random ids, checkpoints and crashes, and its bytes do not depend "
    "on them") {
  struct Call {
    std::uint64_t visitor;
    std::uint64_t id;
    std::int64_t at;
  };
  const DedupSettings settings{.horizon_ms = 1000, .bucket_ms = 200, .filter_ids_min = 64, .run_ids = 50};
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    std::vector<Call> calls;
    std::int64_t now = 10'000;
    for (int i = 0; i < 3000; ++i) {
      now += random.chance(0.01) ? static_cast<std::int64_t>(random.below(1500))
                                 : static_cast<std::int64_t>(random.below(3));
      calls.push_back(
          {random.below(3), random.below(1000), now - static_cast<std::int64_t>(random.below(20))});
    }
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::int64_t> seen;
    std::int64_t newest = 0;
    std::vector<bool> expected;
    for (const Call& call : calls) {
      newest = std::max(newest, call.at / 200);
      const auto found = seen.find({call.visitor, call.id});
      const bool first = found == seen.end() || found->second < newest - 5;
      if (first) seen[{call.visitor, call.id}] = std::max(call.at / 200, newest - 5);
      expected.push_back(first);
    }

    MemoryStateStore store;
    auto index = std::make_unique<DedupIndex>(store, "d/", settings);
    std::size_t at = 0, frozen_at = 0, durable_at = 0;
    enum { idle, draining, drained } phase = idle;
    StateBatch batch;
    while (at < calls.size()) {
      REQUIRE(index->first_time(calls[at].visitor, id_of(calls[at].id), {calls[at].at}) == expected[at]);
      ++at;
      if (random.chance(0.9)) continue;
      if (phase == idle) {
        index->freeze();
        frozen_at = at;
        batch.clear();
        phase = draining;
      } else if (phase == draining) {
        if (index->drain(batch, 1 + random.below(60))) phase = drained;
      } else {
        REQUIRE(store.commit(batch).ok());
        durable_at = frozen_at;
        index->committed();
        phase = idle;
      }
      if (random.chance(0.05)) {
        index = std::make_unique<DedupIndex>(store, "d/", settings);
        REQUIRE(index->restore().ok());
        at = durable_at;
        phase = idle;
      }
    }
    if (phase != idle) {
      while (phase == draining && !index->drain(batch, 10)) {
      }
      REQUIRE(store.commit(batch).ok());
      index->committed();
    }
    checkpoint(*index, store, 13);

    MemoryStateStore once_store;
    DedupIndex once(once_store, "d/", settings);
    for (const Call& call : calls) once.first_time(call.visitor, id_of(call.id), {call.at});
    checkpoint(once, once_store, 1000);
    REQUIRE(contents(store) == contents(once_store));
  }
}

}  // namespace millrace::process
