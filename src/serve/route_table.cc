#include "serve/route_table.h"

#include <utility>

namespace millrace::serve {

namespace {

// Stands between a route and the connection to see when the answer is given.
class TimedConnection final : public http::Responder::Connection {
 public:
  TimedConnection(http::Responder responder, RouteProbe& probe, const base::Clock& clock)
      : responder_(std::move(responder)), probe_(probe), clock_(clock), start_(clock.now()) {}

  void send(http::Response response) override {
    probe_.answered(response.status, clock_.now() - start_);
    std::move(responder_).send(std::move(response));
  }
  std::shared_ptr<http::Stream> stream(http::Response head) override {
    probe_.answered(head.status, clock_.now() - start_);
    return std::move(responder_).stream(std::move(head));
  }

 private:
  http::Responder responder_;
  RouteProbe& probe_;
  const base::Clock& clock_;
  const base::Instant start_;
};

}  // namespace

void RouteProbe::answered(int status, std::int64_t elapsed_ns) {
  duration_ns.record(static_cast<std::uint64_t>(elapsed_ns < 0 ? 0 : elapsed_ns));
  const auto status_class = static_cast<std::size_t>(status / 100 - 1);
  if (status_class < answers.size()) answers[status_class].fetch_add(1, std::memory_order_relaxed);
}

RouteProbe& RouteTable::add_probe(http::Method method, std::string_view pattern) {
  RouteProbe& probe = probes_.emplace_back();
  probe.method = method;
  probe.pattern = pattern;
  return probe;
}

void RouteTable::answer(http::Method method, std::string_view pattern, Answer answer) {
  RouteProbe& probe = add_probe(method, pattern);
  router_.add(
      method, pattern,
      [this, &probe, answer = std::move(answer)](const http::Request& request, http::Responder responder) {
        const base::Instant start = clock_.now();
        http::Response response = answer(request);
        probe.answered(response.status, clock_.now() - start);
        std::move(responder).send(std::move(response));
      });
}

void RouteTable::later(http::Method method, std::string_view pattern, http::Route route) {
  RouteProbe& probe = add_probe(method, pattern);
  router_.add(
      method, pattern,
      [this, &probe, route = std::move(route)](const http::Request& request, http::Responder responder) {
        route(request,
              http::Responder(std::make_shared<TimedConnection>(std::move(responder), probe, clock_)));
      });
}

}  // namespace millrace::serve
