#include "http/loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "http/socket_connection.h"

namespace millrace::http {

namespace asio = boost::asio;

namespace {

// Fine enough for the shortest timeout, coarse enough to cost nothing.
std::int64_t tick_ms_for(const Limits& limits) {
  const std::int64_t shortest = std::min(
      {limits.header_timeout_ms, limits.body_timeout_ms, limits.write_timeout_ms, limits.idle_timeout_ms});
  return std::clamp<std::int64_t>(shortest / 8, 5, 250);
}

}  // namespace

Loop::Loop(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)),
      work_(io_.get_executor()),
      timer_(io_),
      tick_ms_(tick_ms_for(shared_->settings.limits)) {}

void Loop::deliver(std::shared_ptr<SocketConnection> connection, Response response) {
  enqueue({std::move(connection), std::move(response), nullptr});
}

void Loop::flush_stream(std::shared_ptr<SocketConnection> connection, std::shared_ptr<EventStream> stream) {
  enqueue({std::move(connection), std::nullopt, std::move(stream)});
}

void Loop::enqueue(Delivery delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    queue_.push_back(std::move(delivery));
    if (woken_) return;
    woken_ = true;
  }
  asio::post(io_, [self = shared_from_this()] { self->drain(); });
}

void Loop::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_.swap(queue_);
    woken_ = false;
  }
  for (Delivery& delivery : draining_) {
    if (delivery.response) {
      delivery.connection->answer(std::move(*delivery.response));
    } else {
      delivery.connection->send_stream(delivery.stream);
    }
  }
  draining_.clear();
}

void Loop::run() {
  schedule_tick();
  io_.run();
}

void Loop::add(SocketConnection& connection) {
  connection.index_ = connections_.size();
  connections_.push_back(&connection);
}

void Loop::remove(SocketConnection& connection) {
  SocketConnection* const last = connections_.back();
  connections_[connection.index_] = last;
  last->index_ = connection.index_;
  connections_.pop_back();
  shared_->counters.connections.fetch_sub(1, std::memory_order_relaxed);
}

std::uint64_t Loop::tick_after(std::int64_t ms) const {
  return tick_ + 1 + static_cast<std::uint64_t>(ms / tick_ms_);
}

void Loop::schedule_tick() {
  timer_.expires_after(std::chrono::milliseconds(tick_ms_));
  timer_.async_wait([this](const boost::system::error_code& code) {
    if (!code) tick();
  });
}

void Loop::tick() {
  ++tick_;
  // Backwards, as an expired connection removes itself by moving the last one into its place.
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (i < connections_.size()) connections_[i]->on_tick(tick_);
  }
  if (stopping_) finish_if_drained();
  if (work_.owns_work()) schedule_tick();
}

void Loop::begin_stop(std::int64_t drain_ms) {
  stopping_ = true;
  drain_until_ = tick_after(drain_ms);
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (i < connections_.size()) connections_[i]->on_stop();
  }
  finish_if_drained();
}

void Loop::finish_if_drained() {
  if (!connections_.empty() && tick_ < drain_until_) return;
  while (!connections_.empty()) connections_.back()->close();
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;  // From here on nothing is posted, so that nothing is left in a loop that no longer runs.
  }
  timer_.cancel();
  work_.reset();
}

}  // namespace millrace::http
