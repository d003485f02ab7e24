#include "process/watermark.h"

#include <doctest/doctest.h>

#include "process/memory_state_store.h"

namespace millrace::process {

namespace {
constexpr std::int64_t kNoon = 1'700'000'000'000;
constexpr WatermarkSettings kWall{.mode = TimeMode::wall, .lateness_ms = 30'000, .idle_timeout_ms = 60'000};
}  // namespace

TEST_CASE("the watermark follows the newest event and never goes back") {
  MemoryStateStore store;
  Watermark watermark(store, "w", kWall);
  CHECK(watermark.on_event({kNoon}, {kNoon + 5}));
  CHECK(watermark.now().ms == kNoon - 30'000);
  CHECK_FALSE(watermark.on_event({kNoon - 29'000}, {kNoon + 6}));
  CHECK(watermark.late_events() == 0);
  CHECK_FALSE(watermark.on_event({kNoon - 31'000}, {kNoon + 7}));
  CHECK(watermark.late_events() == 1);
  CHECK(watermark.now().ms == kNoon - 30'000);
}

TEST_CASE("an event from the future does not pull the watermark along") {
  MemoryStateStore store;
  Watermark watermark(store, "w", kWall);
  watermark.on_event({kNoon + 2 * base::kHourMs}, {kNoon});
  CHECK(watermark.now().ms == kNoon - 30'000);
  CHECK_FALSE(watermark.is_late({kNoon - 30'000}));
  CHECK(watermark.is_late({kNoon - 30'001}));
}

TEST_CASE("ticks move a quiet partition on") {
  MemoryStateStore store;
  Watermark watermark(store, "w", kWall);
  watermark.on_event({kNoon}, {kNoon});
  CHECK_FALSE(watermark.on_tick({kNoon + 30'000}));
  CHECK(watermark.on_tick({kNoon + 30'001}));
  CHECK(watermark.now().ms == kNoon + 30'001 - 60'000);
}

TEST_CASE("a clock that was ahead and is set back takes the watermark with it") {
  for (const bool by_event : {true, false}) {
    MemoryStateStore store;
    Watermark watermark(store, "w", kWall);
    watermark.on_event({kNoon}, {kNoon});
    const std::int64_t ahead = kNoon + 365 * base::kDayMs;
    CHECK((by_event ? watermark.on_event({ahead}, {ahead}) : watermark.on_tick({ahead})));
    CHECK_FALSE(watermark.on_tick({kNoon + 1000}));
    CHECK(watermark.now().ms == kNoon + 1000 - 60'000);
    CHECK_FALSE(watermark.is_late({kNoon}));
    CHECK(watermark.on_tick({kNoon + 2000}));
    CHECK(watermark.now().ms == kNoon + 2000 - 60'000);
  }
}

TEST_CASE("a tick that waited for others a while does not take the watermark back") {
  MemoryStateStore store;
  Watermark watermark(store, "w", kWall);
  watermark.on_event({kNoon}, {kNoon});
  CHECK_FALSE(watermark.on_tick({kNoon - kClockSetBackMs}));
  CHECK(watermark.now().ms == kNoon - 30'000);
}

TEST_CASE("in events mode receipt means nothing and a tick is an event time") {
  MemoryStateStore store;
  Watermark watermark(store, "w",
                      {.mode = TimeMode::events, .lateness_ms = 30'000, .idle_timeout_ms = 60'000});
  watermark.on_event({kNoon + base::kDayMs}, {kNoon});
  CHECK(watermark.now().ms == kNoon + base::kDayMs - 30'000);
  CHECK(watermark.on_tick({kNoon + base::kDayMs + 1}));
  CHECK(watermark.now().ms == kNoon + base::kDayMs + 1 - 30'000);
  CHECK_FALSE(watermark.on_tick({kNoon}));  // Such a tick is no clock.
  CHECK(watermark.now().ms == kNoon + base::kDayMs + 1 - 30'000);
}

TEST_CASE("a checkpoint has the watermark of its moment") {
  MemoryStateStore store;
  Watermark watermark(store, "w", kWall);
  watermark.on_event({kNoon}, {kNoon});
  watermark.freeze();
  watermark.on_event({kNoon + 1000}, {kNoon + 1000});
  StateBatch batch;
  CHECK(watermark.drain(batch, 1));
  REQUIRE(store.commit(batch).ok());
  watermark.committed();
  Watermark restored(store, "w", kWall);
  REQUIRE(restored.restore().ok());
  CHECK(restored.now().ms == kNoon - 30'000);
}

}  // namespace millrace::process
