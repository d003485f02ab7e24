#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/tls_client.h"

namespace millrace::tools {

struct Endpoint {
  std::string host;  // An IPv4 or IPv6 address.
  std::uint16_t port = 80;
  std::string authority = "millrace";         // What the header Host says.
  std::shared_ptr<const TlsClient> tls = {};  // None: in the clear.
};
// "http://127.0.0.1:8080", "http://[::1]:8080", "https://shop.example"; a path behind it is ignored. A name is looked up once: its
// first IPv4 address counts, else its first IPv6 address. What cannot be spoken to is refused in a sentence for a person.
// `ca_file`: whom to believe a certificate, in place of those that the system trusts.
base::Result<Endpoint> parse_endpoint(std::string_view url, const std::string& ca_file = {});

// Larger answers are as none.
constexpr std::uint64_t kReplyBodyBytesMax = 1ull << 30;

struct Reply {
  int status = 0;  // 0: the connection failed before the answer was whole.
  std::string_view head;
  std::string_view body;  // Both valid during the callback.
  // Value of a header of the answer; case-insensitive.
  std::string_view header(std::string_view name) const;
};
using OnReply = std::function<void(const Reply&)>;

// Many keep-alive HTTP/1.1 connections to one server, one request at a time on each, driven by the caller's thread.
// Requests beyond the connections wait in order. Written to cost little: a load generator shares its machine with
// what it loads.
class HttpClient {
 public:
  HttpClient(Endpoint endpoint, std::size_t connections);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `request`: the whole request, head and body.
  void send(std::string request, OnReply on_reply);
  // Moves bytes until something happened or the timeout; 0 only looks.
  void poll(int timeout_ms);
  std::size_t outstanding() const { return waiting_.size() + busy_; }
  // Why TLS with the server cannot be, once a connection failed of it; what is asked fails of it again.
  const std::string& failure() const { return failure_; }
  bool has_idle() const { return !idle_.empty(); }
  // Polls until nothing is outstanding. False when `stop`, asked some ten times a second, gave it up; the callbacks of what is
  // outstanding then still run in a later poll().
  bool drain(const std::function<bool()>& stop = {}) {
    while (outstanding() > 0) {
      if (stop && stop()) return false;
      poll(100);
    }
    return true;
  }

 private:
  struct Connection {
    int socket = -1;
    std::unique_ptr<TlsSession> tls;
    bool connected = false;
    bool writable_wanted = false;
    bool busy = false;
    bool reused = false;  // Has answered before, so the server may have closed it while idle.
    std::string out;
    std::size_t written = 0;
    std::string in;
    std::string body;  // Of an answer that comes in chunks.
    OnReply on_reply;
  };
  struct Waiting {
    std::string request;
    OnReply on_reply;
  };
  void assign(std::size_t index, Waiting&& waiting);
  bool open(std::size_t index);
  void close(Connection& connection);
  void fail(std::size_t index);
  void write(std::size_t index);
  void read(std::size_t index);
  enum class Stream : std::uint8_t { open, ended };
  bool complete(std::size_t index, Stream stream);
  void want_write(std::size_t index, int wanted);
  void release(std::size_t index);

  const Endpoint endpoint_;
  std::string failure_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::deque<Waiting> waiting_;
  std::size_t busy_ = 0;
};

// Renders a request with a JSON body (or none).
std::string render_request(std::string_view method, std::string_view target, std::string_view body,
                           std::string_view write_key = {}, std::string_view token = {},
                           std::string_view host = "millrace");

}  // namespace millrace::tools
