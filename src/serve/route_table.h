#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/histogram.h"
#include "http/http.h"

namespace millrace::serve {

// What one route did.
struct RouteProbe {
  http::Method method = http::Method::get;
  std::string pattern;
  base::Histogram duration_ns;  // From the whole request to the whole answer, without the network.
  std::array<std::atomic<std::uint64_t>, 5> answers{};  // By class of status: 1xx to 5xx.

  void answered(int status, std::int64_t elapsed_ns);
};

// The routes of the API: adds them to a router, times them and keeps the list. Must outlive the router's use.
class RouteTable {
 public:
  using Answer = std::function<http::Response(const http::Request&)>;

  RouteTable(http::Router& router, const base::Clock& clock) : router_(router), clock_(clock) {}

  // A route whose answer is ready at once.
  void answer(http::Method method, std::string_view pattern, Answer answer);
  // A route that answers by itself, now or later, or with a stream.
  void later(http::Method method, std::string_view pattern, http::Route route);

  const std::deque<RouteProbe>& probes() const { return probes_; }

 private:
  RouteProbe& add_probe(http::Method method, std::string_view pattern);

  http::Router& router_;
  const base::Clock& clock_;
  std::deque<RouteProbe> probes_;
};

}  // namespace millrace::serve
