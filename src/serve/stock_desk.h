#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "event/fact.h"
#include "http/http.h"
#include "serve/sources.h"

namespace millrace::serve {

struct StockLimits {
  std::int64_t answer_timeout_ms = 10'000;  // Then 503 outcome_unknown.
  std::size_t waiting_max = 20'000;         // Then 429.
};

// Takes stock commands to their journal and their outcomes back to who waits for them. Any thread.
class StockDesk {
 public:
  StockDesk(const Sources& sources, const base::Clock& clock, StockLimits limits)
      : sources_(sources), clock_(clock), limits_(limits) {}

  void submit(const event::StockCommand& command, http::Responder responder);
  // Answers those who have waited too long; call it every second or so.
  void tick();

  std::size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  std::uint64_t timed_out() const { return timed_out_.load(std::memory_order_relaxed); }

 private:
  struct Waiter {
    explicit Waiter(http::Responder r) : responder(std::move(r)) {}
    http::Responder responder;
    std::atomic<bool> answered{false};
    base::Instant deadline;
  };
  // The first of outcome and timeout answers; false for the second.
  bool answer(Waiter& waiter, http::Response response);

  const Sources& sources_;
  const base::Clock& clock_;
  const StockLimits limits_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint64_t> timed_out_{0};
  std::mutex mutex_;
  std::deque<std::weak_ptr<Waiter>> by_deadline_;
};

}  // namespace millrace::serve
