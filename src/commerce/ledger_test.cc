#include "commerce/ledger.h"

#include <doctest/doctest.h>

#include <map>

#include "base/bytes.h"
#include "commerce/visitor_keys.h"
#include "process/memory_state_store.h"

using namespace millrace;
using namespace millrace::commerce;
using event::Flag;
using event::Verdict;

namespace {

constexpr base::WallTime kStart{1'700'000'040'000};  // On a minute.

struct LedgerRig {
  static constexpr std::int64_t kRetentionMs = 10 * base::kMinuteMs;

  event::Event event(std::int64_t after_ms, std::optional<Flag> flag = std::nullopt,
                     std::uint16_t source = 0) {
    event::Event event;
    event.source = source;
    event.received_at = kStart + after_ms;
    if (flag) event.set(*flag);
    return event;
  }
  void checkpoint() {
    ledger->state().freeze();
    process::StateBatch batch;
    while (!ledger->state().drain(batch, 3)) {
    }
    INVARIANT(store.commit(batch).ok());
    ledger->state().committed();
  }
  void restart() {
    ledger.emplace(store, CellSettings{kLedgerPrefix, kLedgerQueuePrefix, 100, kRetentionMs});
  }
  // What is stored, by minute and source; the minute of all earlier ones is kEarlier.
  std::map<std::pair<std::int64_t, std::uint16_t>, event::LedgerCell> stored() {
    std::vector<event::ViewUpdate> updates;
    INVARIANT(Ledger::restore(store, kLedgerPrefix, updates).ok());
    std::map<std::pair<std::int64_t, std::uint16_t>, event::LedgerCell> cells;
    for (const auto& update : updates) {
      const auto& cell = std::get<event::LedgerCell>(update);
      cells[{cell.minute_ms, cell.source}] = cell;
    }
    return cells;
  }

  process::MemoryStateStore store;
  std::optional<Ledger> ledger = std::optional<Ledger>(
      std::in_place, store, CellSettings{kLedgerPrefix, kLedgerQueuePrefix, 100, kRetentionMs});
};

}  // namespace

TEST_CASE("what consent left of an event is counted beside its verdict, by source and minute") {
  LedgerRig rig;
  rig.ledger->count(rig.event(0), Verdict::accepted, kStart);
  rig.ledger->count(rig.event(1, Flag::pseudonymised), Verdict::accepted, kStart);
  rig.ledger->count(rig.event(2, Flag::anonymised), Verdict::bot, kStart);
  rig.ledger->count(rig.event(3, Flag::anonymised), Verdict::duplicate, kStart);
  rig.ledger->count(rig.event(4, Flag::anonymised, 1), Verdict::accepted, kStart);
  rig.ledger->count(rig.event(base::kMinuteMs, Flag::pseudonymised), Verdict::accepted, kStart);
  rig.ledger->count(0, kStart, Verdict::consent_dropped, kStart);
  rig.checkpoint();
  rig.restart();
  const auto cells = rig.stored();
  REQUIRE_EQ(cells.size(), 3);
  const auto& first = cells.at({kStart.ms, 0});
  CHECK_EQ(first.received, 5);
  CHECK_EQ(first.pseudonymised, 1);
  CHECK_EQ(first.anonymised, 2);
  CHECK_EQ(cells.at({kStart.ms, 1}).anonymised, 1);
  CHECK_EQ(cells.at({kStart.ms, 1}).pseudonymised, 0);
  CHECK_EQ(cells.at({kStart.ms + base::kMinuteMs, 0}).pseudonymised, 1);
}

TEST_CASE("minutes that are forgotten go on counting in what their source had earlier, consent included") {
  LedgerRig rig;
  for (std::int64_t minute = 0; minute < 5; ++minute) {
    rig.ledger->count(rig.event(minute * base::kMinuteMs, Flag::anonymised), Verdict::accepted, kStart);
    rig.ledger->count(rig.event(minute * base::kMinuteMs, Flag::pseudonymised), Verdict::accepted, kStart);
    rig.checkpoint();
    rig.restart();
  }
  rig.ledger->forget(kStart + LedgerRig::kRetentionMs + 2 * base::kMinuteMs, 100);
  rig.checkpoint();
  const auto cells = rig.stored();
  const auto& earlier = cells.at({event::LedgerCell::kEarlier, 0});
  CHECK_EQ(cells.size(), 3);
  CHECK_EQ(earlier.received, 6);
  CHECK_EQ(earlier.anonymised, 3);
  CHECK_EQ(earlier.pseudonymised, 3);
}

TEST_CASE("a cell from before consent was counted is read as having none of it, and counts on") {
  LedgerRig rig;
  std::string key = kLedgerPrefix, old;
  process::NumberKey::append(static_cast<std::uint64_t>(kStart.ms / base::kMinuteMs) << 16, key);
  base::ByteWriter writer(old);
  for (const std::uint64_t count : {300, 2, 1, 0, 4, 7}) writer.varint(count);
  process::StateBatch batch;
  batch.put(key, old);
  REQUIRE(rig.store.commit(batch).ok());
  rig.restart();
  CHECK_EQ(rig.stored().at({kStart.ms, 0}).received, 314);
  CHECK_EQ(rig.stored().at({kStart.ms, 0}).anonymised, 0);
  rig.ledger->count(rig.event(0), Verdict::accepted, kStart);
  rig.checkpoint();
  // Without any of it a cell is written as it always was.
  std::string grown;
  base::ByteWriter again(grown);
  for (const std::uint64_t count : {301, 2, 1, 0, 4, 7}) again.varint(count);
  CHECK_EQ(*rig.store.get(key), std::optional<std::string>(grown));
  rig.ledger->count(rig.event(0, Flag::anonymised), Verdict::accepted, kStart);
  rig.checkpoint();
  CHECK_EQ(rig.stored().at({kStart.ms, 0}).anonymised, 1);
  CHECK_EQ(rig.stored().at({kStart.ms, 0}).received, 316);
}

TEST_CASE("a cell that was cut off or has too much is refused") {
  for (const std::string& bytes :
       {std::string("\x01\x02\x03", 3), std::string("\x01\x00\x00\x00\x00\x00\x01", 7),
        std::string("\x01\x00\x00\x00\x00\x00\x01\x00\x05", 9)}) {
    LedgerRig rig;
    std::string key = kLedgerPrefix;
    process::NumberKey::append(1, key);
    process::StateBatch batch;
    batch.put(key, bytes);
    REQUIRE(rig.store.commit(batch).ok());
    std::vector<event::ViewUpdate> updates;
    CHECK_FALSE(Ledger::restore(rig.store, kLedgerPrefix, updates).ok());
  }
}
