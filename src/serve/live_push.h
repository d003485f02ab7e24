#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "event/fact.h"
#include "http/http.h"
#include "serve/sources.h"
#include "serve/views.h"

namespace millrace::serve {

struct LiveLimits {
  std::size_t clients_max = 1000;         // Then 503.
  std::size_t sessions_per_tick = 2;      // Session events are a sample of what happens.
  std::size_t actions_waiting_max = 100;  // Until the next tick; the oldest are skipped.
};

// The live page's server-sent events: computed once per tick for all clients. A client that falls behind is
// dropped by its stream's limit. subscribe() and publish() are safe from any thread; one thread calls tick(),
// about every 200 ms.
class LivePush {
 public:
  LivePush(Views& views, const Sources& sources, const base::Clock& clock, LiveLimits limits)
      : views_(views), sources_(sources), clock_(clock), limits_(limits) {}

  // Sends what is known now, then whatever comes.
  void subscribe(http::Responder responder);
  void publish(const event::Action& action);
  void tick();

  std::size_t clients() const { return clients_open_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::string pulse();
  std::string trending();
  std::string products() const;
  std::string funnel() const;
  std::string sessions();
  std::string actions();
  double events_per_s(std::uint64_t received);
  void broadcast(const std::string& text);

  Views& views_;
  const Sources& sources_;
  const base::Clock& clock_;
  const LiveLimits limits_;

  std::mutex mutex_;  // Guards the clients and the waiting actions.
  std::vector<std::shared_ptr<http::Stream>> clients_;
  std::deque<std::string> actions_;
  std::atomic<std::size_t> clients_open_{0};
  std::atomic<std::uint64_t> dropped_{0};

  // Of the ticking thread.
  std::deque<std::pair<base::Instant, std::uint64_t>> received_;
  std::uint64_t session_sequence_ = 0;
  std::uint64_t ticks_ = 0;
  std::string last_trending_;
  std::string last_products_;
  std::string last_funnel_;
};

}  // namespace millrace::serve
