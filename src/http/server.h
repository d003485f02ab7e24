#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/http.h"

namespace millrace::http {

class TlsIdentity;

struct ServerSettings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one.
  int threads = 2;
  Limits limits;
  std::shared_ptr<TlsIdentity> tls;  // Null: in the clear. May be reloaded while it serves.
};

struct ServerCounters {
  std::atomic<std::uint64_t> connections{0};  // Open now.
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};  // Over a limit, or malformed.
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<std::uint64_t> tls_handshakes{0};
  std::atomic<std::uint64_t> tls_failed{0};  // Handshakes that came to nothing.
};

// HTTP/1.1 over TCP or TLS: keep-alive, pipelining, chunked bodies, Expect: 100-continue, HEAD. Routes run on the server's threads
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
