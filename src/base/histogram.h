#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace::base {

// The counts of a Histogram at one moment, or of several added together. Percentiles are merged by merging
// counts, never by averaging.
class HistogramSnapshot {
 public:
  std::uint64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  double mean() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  // Upper edge of the highest bucket in use, exact for values below 256; 0 when empty.
  std::uint64_t max() const;
  // Smallest recorded value v such that at least `fraction` of all values are <= v, rounded up to its
  // bucket's edge: never understated, overstated by less than 0.4 %. 0 when empty. percentile(0.99) is the
  // p99.
  std::uint64_t percentile(double fraction) const;
  // How many values were <= `value`, rounded to bucket edges as above: what a cumulative Prometheus bucket
  // needs.
  std::uint64_t count_at_most(std::uint64_t value) const;

  void merge(const HistogramSnapshot& other);
  // What was recorded after `earlier` was taken of the same histogram: rates and percentiles of a window.
  HistogramSnapshot since(const HistogramSnapshot& earlier) const;

 private:
  friend class Histogram;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};

// Log-linear histogram (256 linear buckets to a power of two, after HdrHistogram): relative error below 0.4
// % over the whole range, 70 KB, recording is two relaxed atomic additions from any thread. The unit is the
// caller's and belongs in the name of the member that holds it (`fsync_ns`, `batch_bytes`). Values above
// kValueMax count as kValueMax: 73 minutes in ns.
class Histogram {
 public:
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << 42) - 1;

  void record(std::uint64_t value) { record_many(value, 1); }
  void record_many(std::uint64_t value, std::uint64_t times);
  // Consistent enough for reporting: values recorded meanwhile may or may not be in it.
  HistogramSnapshot snapshot() const;

 private:
  friend class HistogramSnapshot;
  static constexpr int kLinearBits = 8;
  static constexpr std::size_t kBuckets = static_cast<std::size_t>(42 - kLinearBits + 1) << kLinearBits;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_edge(std::size_t bucket);

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

}  // namespace millrace::base
