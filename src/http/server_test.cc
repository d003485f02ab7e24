#include "http/server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace millrace::http;

namespace {

constexpr int kDeadlineSeconds = 20;  // Only ever waited for by a failing test.

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval deadline{kDeadlineSeconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  // One answer: its head and as much body as Content-Length says; empty at the end of the stream.
  std::string answer(std::string_view head_only = {}) {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return {};
    }
    const auto length = received_.find("Content-Length: ");
    std::size_t size = end + 4;
    if (length != std::string::npos && length < end && head_only != "HEAD") {
      size += static_cast<std::size_t>(std::stoul(received_.substr(length + 16)));
    }
    while (received_.size() < size) {
      if (!receive()) return {};
    }
    std::string one = received_.substr(0, size);
    received_.erase(0, size);
    return one;
  }
  std::string until(std::string_view mark) {
    while (received_.find(mark) == std::string::npos) {
      if (!receive()) return {};
    }
    return received_;
  }
  // Everything until the server closes; "no end" when it does not.
  std::string rest() {
    while (receive()) {
    }
    return timed_out_ ? "no end" : received_;
  }

 private:
  bool receive() {
    char bytes[65536];
    const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) timed_out_ = true;
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }
  int socket_;
  bool timed_out_ = false;
  std::string received_;
};

// Responders that a route put aside, for the test to answer from its own thread.
class Shelf {
 public:
  void put(Responder responder) {
    const std::lock_guard lock(mutex_);
    responders_.push_back(std::move(responder));
    changed_.notify_all();
  }
  std::vector<Responder> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(kDeadlineSeconds),
                              [&] { return responders_.size() >= count; }));
    return std::exchange(responders_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> responders_;
};

class Fixture {
 public:
  explicit Fixture(Limits limits = {}, int threads = 2) {
    router_.add(Method::get, "/hello", [](const Request&, Responder responder) {
      Response response;
      response.content_type = "text/plain";
      response.body = "hello";
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::post, "/echo", [](const Request& request, Responder responder) {
      Response response;
      response.body = request.body;
      response.headers.emplace_back("X-Split", "a\r\nInjected: b");
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::get, "/empty", [](const Request&, Responder responder) {
      Response response;
      response.status = 204;
      std::move(responder).send(std::move(response));
    });
    router_.add(Method::get, "/later",
                [this](const Request&, Responder responder) { shelf.put(std::move(responder)); });
    router_.add(Method::get, "/stream", [this](const Request&, Responder responder) {
      Response head;
      head.content_type = "text/event-stream";
      const std::lock_guard lock(mutex_);
      stream_ = std::move(responder).stream(std::move(head));
      opened_.notify_all();
    });
    ServerSettings settings;
    settings.limits = limits;
    settings.threads = threads;
    auto started = start_server(settings, router_);
    REQUIRE(started);
    server = std::move(*started);
  }
  std::shared_ptr<Stream> opened_stream() {
    std::unique_lock lock(mutex_);
    REQUIRE(
        opened_.wait_for(lock, std::chrono::seconds(kDeadlineSeconds), [&] { return stream_ != nullptr; }));
    return std::exchange(stream_, nullptr);
  }

  Shelf shelf;

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  std::shared_ptr<Stream> stream_;
  Router router_;

 public:
  std::unique_ptr<Server> server;
};

std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}
std::string post(std::string_view body, std::string_view more = {}) {
  return "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}
int status(std::string_view answer) {
  return answer.size() < 12 ? 0 : std::stoi(std::string(answer.substr(9, 3)));
}

}  // namespace

TEST_CASE("a connection serves one request after the other") {
  Fixture fixture;
  Client client(fixture.server->port());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(client.send(get("/hello")));
    CHECK(client.answer() == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  }
  REQUIRE(client.send(get("/empty")));
  CHECK(client.answer() == "HTTP/1.1 204 No Content\r\n\r\n");
  REQUIRE(client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(client.answer("HEAD") == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  REQUIRE(client.send(get("/none")));
  CHECK(status(client.answer()) == 404);
  REQUIRE(client.send("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(status(client.answer()) == 405);
  CHECK(fixture.server->counters().requests.load() == 7);
}

TEST_CASE("a header value cannot smuggle in another header") {
  Fixture fixture;
  Client client(fixture.server->port());
  REQUIRE(client.send(post("x")));
  CHECK(client.answer().find("X-Split: a  Injected: b\r\n") != std::string::npos);
}

TEST_CASE("pipelined requests are answered in order, those that wait included") {
  Fixture fixture;
  Client client(fixture.server->port());
  REQUIRE(client.send(post("1") + post("2") + get("/later") + post("3")));
  CHECK(client.answer().ends_with("\r\n\r\n1"));
  CHECK(client.answer().ends_with("\r\n\r\n2"));
  auto waiting = fixture.shelf.take(1);
  Response response;
  response.body = "late";
  std::move(waiting[0]).send(std::move(response));
  CHECK(client.answer().ends_with("\r\n\r\nlate"));
  CHECK(client.answer().ends_with("\r\n\r\n3"));
}

TEST_CASE("a client that pipelines without reading is held back, and loses nothing") {
  Fixture fixture;
  Client client(fixture.server->port());
  const std::string body(200'000, 'b');
  constexpr int kRequests = 200;
  std::thread sender([&] {
    for (int i = 0; i < kRequests; ++i) client.send(post(body));
  });
  int whole = 0;
  for (int i = 0; i < kRequests; ++i) whole += client.answer().ends_with(body) ? 1 : 0;
  sender.join();
  CHECK(whole == kRequests);
}

TEST_CASE("many answers from another thread reach their own connections") {
  Fixture fixture;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<Client>(fixture.server->port()));
  for (int round = 0; round < 20; ++round) {
    for (auto& client : clients) REQUIRE(client->send(get("/later")));
    for (auto& responder : fixture.shelf.take(clients.size())) std::move(responder).send({});
    for (auto& client : clients) CHECK(status(client->answer()) == 200);
  }
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection after the answer") {
  Fixture fixture;
  for (const auto& request :
       {std::string("GET /hello HTTP/1.0\r\n\r\n"), get("/hello", "Connection: close\r\n")}) {
    Client client(fixture.server->port());
    REQUIRE(client.send(request));
    const auto answer = client.rest();
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(answer.ends_with("hello"));
  }
  Client kept(fixture.server->port());
  REQUIRE(kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(kept.answer().find("Connection: keep-alive\r\n") != std::string::npos);
  REQUIRE(kept.send(get("/hello")));
  CHECK(status(kept.answer()) == 200);
}

TEST_CASE("a client that has said all it will still gets its answer") {
  Fixture fixture;
  Client client(fixture.server->port());
  REQUIRE(client.send(get("/hello")));
  client.end_sending();
  CHECK(client.rest().ends_with("hello"));
}

TEST_CASE("100 Continue is sent to who waits for it, and an oversized body is refused before it is sent") {
  Limits limits;
  limits.body_bytes_max = 1000;
  Fixture fixture(limits);
  Client client(fixture.server->port());
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(client.answer() == "HTTP/1.1 100 Continue\r\n\r\n");
  REQUIRE(client.send("abc"));
  CHECK(client.answer().ends_with("abc"));
  REQUIRE(
      client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(status(client.rest()) == 413);
}

TEST_CASE("who sends too much reads the refusal and not a reset") {
  Limits limits;
  limits.body_bytes_max = 1000;
  Fixture fixture(limits);
  Client client(fixture.server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" +
              std::string(2'000'000, 'x'));
  client.end_sending();
  const auto answer = client.rest();
  CHECK(status(answer) == 413);
  CHECK(answer.find(R"("code":"body_too_large")") != std::string::npos);
  CHECK(fixture.server->counters().refused.load() == 1);
}

TEST_CASE("garbage is refused with a sentence, and the next client does not notice") {
  Fixture fixture;
  for (const std::string_view garbage :
       {std::string_view("\x16\x03\x01\x02\x01\r\n\r\n"), std::string_view("GET /\r\n\r\n"),
        std::string_view("\0\0\0\0\r\n\r\n", 8)}) {
    Client client(fixture.server->port());
    REQUIRE(client.send(garbage));
    CHECK(status(client.rest()) == 400);
  }
  Client cut(fixture.server->port());
  REQUIRE(cut.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
  cut.end_sending();
  CHECK(cut.rest().empty());
  Client good(fixture.server->port());
  REQUIRE(good.send(get("/hello")));
  CHECK(status(good.answer()) == 200);
}

TEST_CASE("slow clients are let go, each kind by its own limit") {
  Limits limits;
  limits.header_timeout_ms = 60;
  limits.body_timeout_ms = 60;
  limits.idle_timeout_ms = 60;
  Fixture fixture(limits);
  Client in_header(fixture.server->port());
  REQUIRE(in_header.send("GET /hello HTTP/1.1\r\nHost"));
  Client in_body(fixture.server->port());
  REQUIRE(in_body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"));
  Client silent(fixture.server->port());
  CHECK(status(in_header.rest()) == 408);
  CHECK(status(in_body.rest()) == 408);
  CHECK(silent.rest().empty());
}

TEST_CASE("bytes that trickle in do not buy time") {
  Limits limits;
  limits.header_timeout_ms = 100;
  Fixture fixture(limits);
  Client client(fixture.server->port());
  std::atomic<bool> ended{false};
  std::thread trickle([&] {
    const std::string head = "GET /hello HTTP/1.1\r\nHost: x\r\nX: ";
    client.send(head);
    while (!ended && client.send("a")) ::poll(nullptr, 0, 2);
  });
  CHECK(status(client.rest()) == 408);
  ended = true;
  trickle.join();
}

TEST_CASE("past the limit of requests in flight the answer is 503 with Retry-After") {
  Limits limits;
  limits.requests_in_flight_max = 2;
  Fixture fixture(limits);
  Client a(fixture.server->port()), b(fixture.server->port()), c(fixture.server->port());
  REQUIRE(a.send(get("/later")));
  REQUIRE(b.send(get("/later")));
  auto waiting = fixture.shelf.take(2);
  REQUIRE(c.send(get("/hello")));
  const auto refused = c.answer();
  CHECK(status(refused) == 503);
  CHECK(refused.find("Retry-After: 1\r\n") != std::string::npos);
  for (auto& responder : waiting) std::move(responder).send({});
  CHECK(status(a.answer()) == 200);
  CHECK(status(b.answer()) == 200);
  REQUIRE(c.send(get("/hello")));
  CHECK(status(c.answer()) == 200);
}

TEST_CASE("connections past the limit are closed at once") {
  Limits limits;
  limits.connections_max = 1;
  Fixture fixture(limits);
  Client first(fixture.server->port());
  REQUIRE(first.send(get("/hello")));
  CHECK(status(first.answer()) == 200);
  Client second(fixture.server->port());
  CHECK(second.rest().empty());
}

TEST_CASE("a stream carries what is written until it is closed") {
  Fixture fixture;
  Client client(fixture.server->port());
  REQUIRE(client.send(get("/stream")));
  const auto stream = fixture.opened_stream();
  CHECK(stream->write("data: 1\n\n"));
  CHECK(client.until("data: 1\n\n").starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  CHECK(stream->write("data: 2\n\n"));
  stream->close();
  CHECK(client.rest().ends_with("data: 1\n\ndata: 2\n\n"));
  CHECK_FALSE(stream->write("data: 3\n\n"));
}

TEST_CASE("a stream whose client stops reading is closed at its limit") {
  Limits limits;
  limits.stream_bytes_max = 64 * 1024;
  Fixture fixture(limits);
  Client client(fixture.server->port());
  REQUIRE(client.send(get("/stream")));
  const auto stream = fixture.opened_stream();
  const std::string chunk(16 * 1024, 's');
  std::size_t written = 0;
  while (stream->write(chunk) && written < (std::size_t{1} << 30)) written += chunk.size();
  CHECK(written < (std::size_t{1} << 30));
}

TEST_CASE("a stream whose client has gone says so, and one whose writer has gone is closed") {
  Limits limits;
  limits.idle_timeout_ms = 2000;  // Sets the pace of the check.
  Fixture fixture(limits);
  std::shared_ptr<Stream> stream;
  {
    Client client(fixture.server->port());
    REQUIRE(client.send(get("/stream")));
    stream = fixture.opened_stream();
  }
  while (stream->write(":\n")) std::this_thread::yield();
  Client client(fixture.server->port());
  REQUIRE(client.send(get("/stream")));
  fixture.opened_stream().reset();
  CHECK(client.rest().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("stopping finishes what is in flight, closes what is idle, and takes nothing new") {
  Fixture fixture;
  const auto port = fixture.server->port();
  Client busy(port), idle(port), streaming(port);
  REQUIRE(idle.send(get("/hello")));
  REQUIRE(status(idle.answer()) == 200);
  REQUIRE(busy.send(get("/later")));
  REQUIRE(streaming.send(get("/stream")));
  const auto stream = fixture.opened_stream();
  auto waiting = fixture.shelf.take(1);
  std::thread stopper([&] { fixture.server->stop(60'000); });
  CHECK(idle.rest().empty());
  CHECK(streaming.rest().starts_with("HTTP/1.1 200"));
  std::move(waiting[0]).send({});
  const auto answer = busy.rest();
  CHECK(status(answer) == 200);
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  stopper.join();
  CHECK_FALSE(stream->write("x"));
}

TEST_CASE("stopping does not wait for ever, and late answers are dropped") {
  Fixture fixture;
  Client busy(fixture.server->port());
  REQUIRE(busy.send(get("/later")));
  auto waiting = fixture.shelf.take(1);
  fixture.server->stop(50);
  CHECK(busy.rest().empty());
  std::move(waiting[0]).send({});
  fixture.server.reset();
}

TEST_CASE("a port in use and a wrong address are errors with a reason") {
  Fixture fixture;
  Router router;
  ServerSettings settings;
  settings.port = fixture.server->port();
  const auto taken = start_server(settings, router);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message().find("cannot be listened on") != std::string::npos);
  settings.address = "nowhere";
  CHECK_FALSE(start_server(settings, router));
}
