#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "http/http.h"
#include "http/server.h"

namespace millrace::http {

class EventStream;
class SocketConnection;

// What the connections of one server share.
struct Shared {
  ServerSettings settings;
  const Router* router = nullptr;
  ServerCounters counters;
  std::atomic<std::size_t> in_flight{0};
  std::atomic<std::size_t> buffered_bytes{0};
};

// One thread's share of the connections: their event loop, their clock of coarse ticks, and the queue through which
// answers from other threads come in. However many answers arrive while the loop is busy, it is woken once.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(std::shared_ptr<Shared> shared);

  boost::asio::io_context& io() { return io_; }
  Shared& shared() { return *shared_; }
  bool on_own_thread() { return io_.get_executor().running_in_this_thread(); }

  // Any thread. After the loop has ended these do nothing.
  void deliver(std::shared_ptr<SocketConnection> connection, Response response);
  void flush_stream(std::shared_ptr<SocketConnection> connection, std::shared_ptr<EventStream> stream);

  // The rest on the loop's own thread, or before it runs.
  // Sends the answers that have come in: called before each request that was read, as they have waited longer.
  void send_waiting() {
    if (woken_.load(std::memory_order_relaxed)) drain();
  }
  void run();
  void add(SocketConnection& connection);
  void remove(SocketConnection& connection);
  // The tick at which `ms` from now have surely passed.
  std::uint64_t tick_after(std::int64_t ms) const;
  bool stopping() const { return stopping_; }
  void begin_stop(std::int64_t drain_ms);

 private:
  struct Delivery {
    std::shared_ptr<SocketConnection> connection;
    std::optional<Response> response;
    std::shared_ptr<EventStream> stream;  // Instead of a response: it has bytes to send.
  };
  void enqueue(Delivery delivery);
  void drain();
  void schedule_tick();
  void tick();
  void finish_if_drained();

  std::shared_ptr<Shared> shared_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  const std::int64_t tick_ms_;
  std::uint64_t tick_ = 1;
  std::uint64_t drain_until_ = 0;
  bool stopping_ = false;
  std::vector<SocketConnection*> connections_;

  std::mutex mutex_;
  std::vector<Delivery> queue_;      // Guarded by mutex_, as is ended_.
  std::atomic<bool> woken_ = false;  // Set under mutex_; a reader without it may be a moment late.
  bool ended_ = false;
  std::vector<Delivery> draining_;
};

}  // namespace millrace::http
