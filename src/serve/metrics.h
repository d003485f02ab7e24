#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/histogram.h"

namespace millrace::serve {

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

enum class HistogramUnit : std::uint8_t { nanoseconds, microseconds, milliseconds, bytes };

// Collects samples and writes them in the Prometheus text format (version 0.0.4). Names begin with
// "millrace_", carry their unit (seconds, bytes), and counters end in "_total". Samples of one name may come
// from several sources, in any order.
class MetricSamples {
 public:
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  // Seconds or bytes, in buckets from 100 us to 10 s, or 64 B to 64 MB.
  void histogram(std::string_view name, std::string_view help, const base::HistogramSnapshot& snapshot,
                 HistogramUnit unit, Labels labels = {});

  std::string text() const;

 private:
  struct Family {
    std::string_view type;
    std::string help;
    std::string samples;
  };
  Family& family(std::string_view name, std::string_view type, std::string_view help);
  std::map<std::string, Family, std::less<>> families_;
};

// What a part of the program has to report. collect() may run on any thread, at any time.
class MetricSource {
 public:
  virtual ~MetricSource() = default;
  virtual void collect(MetricSamples& samples) const = 0;
};

// The sources that /metrics asks, in the order they were added. Add all before serving; they must outlive it.
class Metrics {
 public:
  void add(const MetricSource& source) { sources_.push_back(&source); }
  std::string text() const;

 private:
  std::vector<const MetricSource*> sources_;
};

}  // namespace millrace::serve
