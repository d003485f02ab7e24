#pragma once

#include <deque>
#include <mutex>

#include "base/clock.h"
#include "base/histogram.h"
#include "serve/sources.h"

namespace millrace::app {

// Quantiles of what a histogram recorded in about the last ten seconds. Any thread.
class RecentQuantiles {
 public:
  // `per_ms`: how many of the histogram's units make a millisecond.
  RecentQuantiles(const base::Histogram& histogram, double per_ms, const base::Clock& clock)
      : histogram_(histogram), per_ms_(per_ms), clock_(clock) {}

  serve::Quantiles read() {
    const std::lock_guard lock(mutex_);
    const base::Instant now = clock_.now();
    auto newest = histogram_.snapshot();
    while (past_.size() > 1 && now - past_[1].at >= kWindowNs) past_.pop_front();
    const auto window = past_.empty() ? newest : newest.since(past_.front().counts);
    if (past_.empty() || now - past_.back().at >= kStepNs) past_.push_back({now, std::move(newest)});
    if (window.count() == 0) return {};
    return {static_cast<double>(window.percentile(0.5)) / per_ms_,
            static_cast<double>(window.percentile(0.99)) / per_ms_};
  }

 private:
  static constexpr std::int64_t kWindowNs = 10'000'000'000;
  static constexpr std::int64_t kStepNs = 1'000'000'000;
  struct Moment {
    base::Instant at;
    base::HistogramSnapshot counts;
  };
  const base::Histogram& histogram_;
  const double per_ms_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::deque<Moment> past_;
};

}  // namespace millrace::app
