#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/result.h"
#include "tools/http_client.h"

namespace millrace::tools {

enum class LoadTarget : std::uint8_t {
  collect,    // POST /v1/batch, or /v1/track when batch is 1.
  recommend,  // GET /v1/recommendations for a random product.
  raw,        // POST the collect payload to `path`, whoever answers there: a ceiling to compare with.
};

struct LoadSettings {
  Endpoint to;
  LoadTarget target = LoadTarget::collect;
  std::string path = "/";
  std::string write_key = "load";
  double rate = 0;  // Events (or requests, when not collecting) a second; 0: as fast as answers come.
  std::size_t batch = 50;
  std::size_t connections = 64;
  double seconds = 10;
  std::uint64_t seed = 1;
  double probes_per_s = 0;  // Visitors whose way into a view is timed; collecting only.
  std::string acked_file;   // Message ids of every acknowledged item are appended here.
  std::uint64_t visitors = 200'000;
};

struct LoadReport {
  std::uint64_t sent = 0;                 // Requests.
  std::uint64_t events_acked = 0;         // Items of requests that were answered 2xx.
  std::map<int, std::uint64_t> statuses;  // 0: no answer.
  double seconds = 0;
  double cpu_seconds = 0;  // Of this process.
  base::HistogramSnapshot
      latency_us;  // From the intended send to the answer; an unanswered request counts as infinite.
  base::HistogramSnapshot visible_us;       // From the 200 to the view, by probes: upper bounds.
  base::HistogramSnapshot sent_to_view_us;  // From the intended send to the view, by probes.
  std::uint64_t probes_lost = 0;
  std::int64_t poll_us = 0;  // Period of asking, the probes' error.
};

// Open loop: send times are drawn in advance as a Poisson process, and latency counts from the intended time, so a server that
// stalls cannot slow the questions down. With rate 0 it is a closed loop over the connections, for finding a peak; its
// latencies then say nothing about a given load.
base::Result<LoadReport> run_load(const LoadSettings& settings, const base::Clock& clock);

}  // namespace millrace::tools
