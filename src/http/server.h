#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/http.h"

namespace millrace::http {

struct ServerSettings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one.
  int threads = 2;
  Limits limits;
};

struct ServerCounters {
  std::atomic<std::uint64_t> connections{0};  // Open now.
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};  // Over a limit, or malformed.
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
};

// HTTP/1.1 over TCP: keep-alive, pipelining, chunked bodies, Expect: 100-continue, HEAD. Routes run on the server's threads
// and must not block; an answer may come later from anywhere.
class Server {
 public:
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  virtual const ServerCounters& counters() const = 0;
  // Stops accepting, lets requests in flight finish for at most drain_ms, closes, joins its threads.
  virtual void stop(std::int64_t drain_ms) = 0;
};

// Binds and starts serving. `router` must outlive the server.
base::Result<std::unique_ptr<Server>> start_server(const ServerSettings& settings, const Router& router);

}  // namespace millrace::http
