#include "app/recent_quantiles.h"

#include <doctest/doctest.h>

#include "sim/sim_clock.h"

using namespace millrace;
using app::RecentQuantiles;

TEST_CASE("quantiles are those of about the last ten seconds, in milliseconds") {
  base::Histogram histogram;
  sim::SimClock clock;
  RecentQuantiles recent(histogram, 1000, clock);
  CHECK(recent.read().p99_ms == 0);
  histogram.record_many(2000, 99);
  histogram.record(50'000);
  clock.advance_ms(1000);
  auto now = recent.read();
  CHECK(now.p50_ms == doctest::Approx(2).epsilon(0.005));
  CHECK(now.p99_ms == doctest::Approx(2).epsilon(0.005));
  // What was slow then has no part in what is told half a minute later.
  for (int second = 0; second < 30; ++second) {
    clock.advance_ms(1000);
    histogram.record_many(100, 10);
    now = recent.read();
  }
  CHECK(now.p99_ms == doctest::Approx(0.1).epsilon(0.01));
}

TEST_CASE("a quiet time has no quantiles, and being asked often changes nothing") {
  base::Histogram histogram;
  sim::SimClock clock;
  RecentQuantiles recent(histogram, 1, clock);
  histogram.record_many(7, 100);
  recent.read();
  histogram.record_many(9, 100);
  for (int i = 0; i < 500; ++i) {
    clock.advance_ms(10);
    CHECK(recent.read().p50_ms >= 7);
  }
  for (int i = 0; i < 200; ++i) {
    clock.advance_ms(100);
    recent.read();
  }
  CHECK(recent.read().p50_ms == 0);
}
