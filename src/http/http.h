#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace millrace::http {

enum class Method : std::uint8_t { get, head, post, put, del, options, other };
enum class Scheme : std::uint8_t { http, https };

// A whole request. It and its views are valid until its Responder was used: whoever answers later, from elsewhere, has
// copied what it still needs.
struct Request {
  Method method = Method::get;
  std::string_view target;  // As sent.
  std::string path;         // Percent-decoded, without the query; always starts with '/'.
  std::vector<std::pair<std::string, std::string>> query;  // Percent-decoded, in order.
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;                // De-chunked; still in its content encoding.
  std::string peer;                     // Address of the client without the port.
  std::vector<std::string> parameters;  // What the route's {placeholders} matched, percent-decoded.
  Scheme scheme = Scheme::http;         // Of this connection; what a proxy before us had is not in it.

  // Case-insensitive; empty when absent.
  std::string_view header(std::string_view name) const;
  std::string_view query_value(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// The other half of an endless answer (server-sent events). Safe from any thread. write() returns false once the
// client has gone or has fallen more than the server's stream_bytes_max behind; the stream is then closed.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual bool write(std::string_view chunk) = 0;
  virtual void close() = 0;
};

// The right to answer one request, exactly once, from any thread. Dropping it unanswered sends 500.
class Responder {
 public:
  // Where answers go: the server's connection, or a recorder in tests (http/recorder.h).
  class Connection {
   public:
    virtual ~Connection() = default;
    virtual void send(Response response) = 0;
    virtual std::shared_ptr<Stream> stream(Response head) = 0;
  };
  explicit Responder(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();
  void send(Response response) &&;
  // Sends status and headers now and leaves the connection open for writing; it is closed afterwards.
  std::shared_ptr<Stream> stream(Response head) &&;

 private:
  std::shared_ptr<Connection> connection_;
};

using Route = std::function<void(const Request&, Responder)>;

// Chooses the route of a request: exact path segments, "{name}" for one segment, a trailing "{rest...}" for what is left.
// A path without placeholders goes before one with; among those the first added wins. GET routes answer HEAD too. A path
// that exists under another method is answered 405 with Allow; an unknown one 404; both in JSON.
class Router {
 public:
  void add(Method method, std::string_view pattern, Route route);
  // Puts what `wrap` makes of it in the place of every route there is. It goes by the pattern that a route was added under: however a
  // client spells a path, what it reaches was wrapped as that pattern.
  void wrap(const std::function<Route(Method method, std::string_view pattern, Route route)>& wrap);
  // Fills request.parameters.
  void dispatch(Request& request, Responder responder) const;

 private:
  struct Entry {
    Method method;
    std::string pattern;
    std::vector<std::string> segments;
    Route route;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  const Route* exact(const Request& request) const;

  std::unordered_map<std::string, std::vector<std::pair<Method, Route>>, TextHash, std::equal_to<>> exact_;
  std::vector<Entry> entries_;  // Those with placeholders.
};

// Named limits; each is answered with the status given and counted.
struct Limits {
  std::size_t request_line_bytes_max = 20 * 1024;      // 414
  std::size_t header_bytes_max = 32 * 1024;            // 431
  std::size_t body_bytes_max = 4 * 1024 * 1024;        // 413
  std::size_t connections_max = 10'000;                // New ones are closed at once.
  std::size_t buffered_bytes_max = 512 * 1024 * 1024;  // Request bytes held by all connections together; 503.
  std::size_t headers_max = 100;                       // 431
  std::size_t stream_bytes_max = 1024 * 1024;          // Unsent bytes per event stream.
  std::size_t requests_in_flight_max = 4096;           // 503 with Retry-After.
  std::int64_t header_timeout_ms = 10'000;             // From the first byte to the end of the headers; 408.
  std::int64_t body_timeout_ms = 20'000;   // From the end of the headers to the end of the body; 408.
  std::int64_t write_timeout_ms = 20'000;  // Without any progress; the connection is closed.
  std::int64_t idle_timeout_ms = 75'000;   // Keep-alive.
};

std::string_view to_string(Method method);
std::string_view reason_phrase(int status);

// Splits a request target into request.path and request.query, percent-decoding both ('+' is a space in the query only).
// False when it is neither origin-form nor absolute-form, or holds an incomplete escape.
bool parse_target(std::string_view target, Request& request);

// Appends `text` percent-decoded; false on an incomplete or non-hexadecimal escape.
enum class Plus : std::uint8_t { literal, space };
bool percent_decode(std::string_view text, Plus plus, std::string& out);

bool equals_ignoring_case(std::string_view a, std::string_view b);

// A JSON error body: {"error":{"code":..., "message":..., "hint":...}}.
Response error_response(int status, std::string_view code, std::string_view message, std::string_view hint);

// Appends `text` as a JSON string literal with its quotes; invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace millrace::http
