#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace millrace::base {

// Values below 2^kLinearBits have a bucket each. Above, a value with its top bit at position p falls in one
// of 2^kLinearBits buckets of width 2^(p - kLinearBits).
std::size_t Histogram::bucket_of(std::uint64_t value) {
  value = std::min(value, kValueMax);
  const int width = std::bit_width(value);
  if (width <= kLinearBits) return static_cast<std::size_t>(value);
  const int shift = width - kLinearBits - 1;
  const std::uint64_t linear = (value >> shift) & ((std::uint64_t{1} << kLinearBits) - 1);
  return static_cast<std::size_t>((static_cast<std::uint64_t>(shift + 1) << kLinearBits) + linear);
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) {
  const std::uint64_t group = bucket >> kLinearBits;
  if (group == 0) return bucket;
  const std::uint64_t linear = bucket & ((std::size_t{1} << kLinearBits) - 1);
  const std::uint64_t lower = ((std::uint64_t{1} << kLinearBits) + linear) << (group - 1);
  return lower + (std::uint64_t{1} << (group - 1)) - 1;
}

void Histogram::record_many(std::uint64_t value, std::uint64_t times) {
  counts_[bucket_of(value)].fetch_add(times, std::memory_order_relaxed);
  sum_.fetch_add(value * times, std::memory_order_relaxed);
}

HistogramSnapshot Histogram::snapshot() const {
  HistogramSnapshot result;
  result.counts_.resize(kBuckets);
  for (std::size_t i = 0; i < kBuckets; ++i) {
    result.counts_[i] = counts_[i].load(std::memory_order_relaxed);
    result.count_ += result.counts_[i];
  }
  result.sum_ = sum_.load(std::memory_order_relaxed);
  return result;
}

std::uint64_t HistogramSnapshot::max() const {
  for (std::size_t i = counts_.size(); i > 0; --i) {
    if (counts_[i - 1] != 0) return Histogram::upper_edge(i - 1);
  }
  return 0;
}

std::uint64_t HistogramSnapshot::percentile(double fraction) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return Histogram::upper_edge(i);
  }
  return max();
}

std::uint64_t HistogramSnapshot::count_at_most(std::uint64_t value) const {
  if (counts_.empty()) return 0;
  const std::size_t last = Histogram::bucket_of(value);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i <= last; ++i) seen += counts_[i];
  return seen;
}

void HistogramSnapshot::merge(const HistogramSnapshot& other) {
  if (counts_.size() < other.counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& earlier) const {
  HistogramSnapshot result = *this;
  for (std::size_t i = 0; i < std::min(counts_.size(), earlier.counts_.size()); ++i) {
    result.counts_[i] -= earlier.counts_[i];
  }
  result.count_ -= earlier.count_;
  result.sum_ -= earlier.sum_;
  return result;
}

}  // namespace millrace::base
