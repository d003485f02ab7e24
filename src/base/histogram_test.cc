#include "base/histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "base/random.h"

using millrace::base::Histogram;
using millrace::base::HistogramSnapshot;

TEST_CASE("an empty histogram answers zero") {
  const auto histogram = std::make_unique<Histogram>();
  CHECK(histogram->snapshot().percentile(0.99) == 0);
  CHECK(histogram->snapshot().max() == 0);
  CHECK(HistogramSnapshot{}.percentile(0.5) == 0);
  CHECK(HistogramSnapshot{}.count_at_most(10) == 0);
}

TEST_CASE("small values are exact") {
  const auto histogram = std::make_unique<Histogram>();
  for (std::uint64_t value = 0; value < 256; ++value) histogram->record(value);
  const auto snapshot = histogram->snapshot();
  CHECK(snapshot.percentile(0.0) == 0);
  CHECK(snapshot.percentile(0.5) == 127);
  CHECK(snapshot.percentile(1.0) == 255);
  CHECK(snapshot.count_at_most(99) == 100);
  CHECK(snapshot.mean() == doctest::Approx(127.5));
}

TEST_CASE("percentiles agree with a sorted list to 0.4 % and are never understated") {
  const auto histogram = std::make_unique<Histogram>();
  millrace::base::SeededRandom random(7);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20000; ++i) {
    values.push_back(random.next() >> (22 + random.below(40)));
    histogram->record(values.back());
  }
  std::sort(values.begin(), values.end());
  const auto snapshot = histogram->snapshot();
  for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
    const std::uint64_t exact = values[rank - 1];
    const std::uint64_t found = snapshot.percentile(fraction);
    CHECK(found >= exact);
    CHECK(static_cast<double>(found) <= static_cast<double>(exact) * 1.004 + 1);
  }
  CHECK(snapshot.count() == values.size());
}

TEST_CASE("values above the range count as the largest") {
  const auto histogram = std::make_unique<Histogram>();
  histogram->record(~std::uint64_t{0});
  CHECK(histogram->snapshot().max() == Histogram::kValueMax);
}

TEST_CASE("merge adds counts and since() takes a window out") {
  const auto histogram = std::make_unique<Histogram>();
  histogram->record_many(10, 3);
  const auto before = histogram->snapshot();
  histogram->record(1000);
  const auto window = histogram->snapshot().since(before);
  CHECK(window.count() == 1);
  CHECK(window.sum() == 1000);
  CHECK(window.percentile(0.5) == 1001);
  auto merged = window;
  merged.merge(before);
  CHECK(merged.count() == 4);
  CHECK(merged.percentile(0.5) == 10);
}
