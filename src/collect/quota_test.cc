#include "collect/quota.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "base/random.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

struct Clock final : base::Clock {
  base::Instant now() const override { return {ns}; }
  base::WallTime wall() const override { return {}; }
  std::int64_t ns = 1'000'000'000'000;
};

// What the quota stands for: a bucket that drips.
struct Bucket {
  double events_per_s, burst, used = 0;
  std::int64_t at_ns;
  bool take(double events, std::int64_t now_ns) {
    used = std::max(0.0, used - static_cast<double>(now_ns - at_ns) * 1e-9 * events_per_s);
    at_ns = now_ns;
    if (used + std::min(events, burst) > burst + 1e-9) return false;
    used += events;
    return true;
  }
};

}  // namespace

TEST_CASE("a burst is let in at once, and then as many as come in the long run") {
  Clock clock;
  Quota quota(10, 5, clock);
  for (int i = 0; i < 5; ++i) CHECK(quota.take(1));
  CHECK_FALSE(quota.open());
  CHECK_FALSE(quota.take(1));
  CHECK(quota.retry_after_s() == 1);
  clock.ns += 100'000'000;
  CHECK(quota.open());
  CHECK(quota.take(1));
  CHECK_FALSE(quota.take(1));
  clock.ns += 3'600'000'000'000;
  CHECK(quota.take(5));
  CHECK_FALSE(quota.take(1));
}

TEST_CASE(
    "a batch is not split, and one larger than the burst goes in when nothing was used, and is paid for") {
  Clock clock;
  Quota quota(10, 5, clock);
  CHECK(quota.take(1));
  CHECK_FALSE(quota.take(100));
  clock.ns += 100'000'000;
  CHECK(quota.take(100));
  CHECK_FALSE(quota.open());
  CHECK(quota.retry_after_s() == 10);
  clock.ns += 9'500'000'000;
  CHECK_FALSE(quota.open());
  clock.ns += 100'000'000;
  CHECK(quota.open());
}

TEST_CASE("it lets in what a dripping bucket would") {
  const std::uint64_t seed = 20261121;
  CAPTURE(seed);
  base::SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    Clock clock;
    // Rates that divide a second, so that both count alike.
    const std::int64_t rates[] = {1, 2, 5, 10, 100, 1000, 1'000'000};
    const std::int64_t rate = rates[random.below(7)];
    const std::int64_t burst = 1 + static_cast<std::int64_t>(random.below(50));
    Quota quota(rate, burst, clock);
    Bucket bucket{static_cast<double>(rate), static_cast<double>(burst), 0, clock.ns};
    for (int step = 0; step < 200; ++step) {
      clock.ns += static_cast<std::int64_t>(random.below(4)) * (1'000'000'000 / rate);
      const auto events = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(burst) * 2));
      CHECK(quota.take(events) == bucket.take(static_cast<double>(events), clock.ns));
    }
  }
}

TEST_CASE("threads together get no more than one would") {
  Clock clock;
  Quota quota(1, 1000, clock);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) taken += quota.take(1) ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(taken == 1000);
}
