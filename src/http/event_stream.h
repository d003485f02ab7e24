#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "http/http.h"
#include "http/loop.h"

namespace millrace::http {

// The bytes between whoever writes an endless answer and the loop that sends them.
class EventStream final : public Stream, public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(std::shared_ptr<Loop> loop, std::weak_ptr<SocketConnection> connection, std::size_t bytes_max,
              Response head);

  bool write(std::string_view chunk) override;
  void close() override;

  const Response& head() const { return head_; }

  enum class Next { more, last, overrun };
  enum class Bytes { keep, drop };
  // Appends what was written since; on the loop's thread.
  Next take(std::string& out, Bytes bytes);
  // The client has gone: every later write() fails.
  void abandon();

 private:
  void wake();

  const std::shared_ptr<Loop> loop_;
  const std::weak_ptr<SocketConnection> connection_;
  const std::size_t bytes_max_;
  const Response head_;

  std::mutex mutex_;
  std::string pending_;  // Guarded by mutex_, as is the rest.
  bool woken_ = false;
  bool closed_ = false;
  bool overrun_ = false;
};

}  // namespace millrace::http
