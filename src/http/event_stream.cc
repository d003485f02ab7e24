#include "http/event_stream.h"

#include "http/socket_connection.h"

namespace millrace::http {

EventStream::EventStream(std::shared_ptr<Loop> loop, std::weak_ptr<SocketConnection> connection,
                         std::size_t bytes_max, Response head)
    : loop_(std::move(loop)),
      connection_(std::move(connection)),
      bytes_max_(bytes_max),
      head_(std::move(head)) {
  pending_ = head_.body;
}

bool EventStream::write(std::string_view chunk) {
  bool wakes = false;
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    taken = pending_.size() + chunk.size() <= bytes_max_;
    if (taken) {
      pending_ += chunk;
    } else {
      closed_ = overrun_ = true;
    }
    wakes = !std::exchange(woken_, true) || !taken;
  }
  if (wakes) wake();
  return taken;
}

void EventStream::close() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
  }
  wake();
}

EventStream::Next EventStream::take(std::string& out, Bytes bytes) {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  if (overrun_) return Next::overrun;
  if (bytes == Bytes::keep) out += pending_;
  pending_.clear();
  return closed_ ? Next::last : Next::more;
}

void EventStream::abandon() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  pending_ = {};
}

void EventStream::wake() {
  if (auto connection = connection_.lock()) loop_->flush_stream(std::move(connection), shared_from_this());
}

}  // namespace millrace::http
