#include "http/server_fixture.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <thread>

using namespace millrace::http;

TEST_CASE("100 Continue is sent to who waits for it, and an oversized body is refused before it is sent") {
  Limits limits;
  limits.body_bytes_max = 1000;
  ServerFixture fixture(limits);
  TestClient client(fixture.server->port());
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
  ServerFixture fixture(limits);
  TestClient client(fixture.server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n" +
              std::string(2'000'000, 'x'));
  client.end_sending();
  const auto answer = client.rest();
  CHECK(status(answer) == 413);
  CHECK(answer.find(R"("code":"body_too_large")") != std::string::npos);
  CHECK(fixture.server->counters().refused.load() == 1);
}

TEST_CASE("garbage is refused with a sentence, and the next client does not notice") {
  ServerFixture fixture;
  for (const std::string_view garbage :
       {std::string_view("\x16\x03\x01\x02\x01\r\n\r\n"), std::string_view("GET /\r\n\r\n"),
        std::string_view("\0\0\0\0\r\n\r\n", 8)}) {
    TestClient client(fixture.server->port());
    REQUIRE(client.send(garbage));
    CHECK(status(client.rest()) == 400);
  }
  TestClient cut(fixture.server->port());
  REQUIRE(cut.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
  cut.end_sending();
  CHECK(cut.rest().empty());
  TestClient good(fixture.server->port());
  REQUIRE(good.send(get("/hello")));
  CHECK(status(good.answer()) == 200);
}

TEST_CASE("slow clients are let go, each kind by its own limit") {
  Limits limits;
  limits.header_timeout_ms = 60;
  limits.body_timeout_ms = 60;
  limits.idle_timeout_ms = 60;
  ServerFixture fixture(limits);
  TestClient in_header(fixture.server->port());
  REQUIRE(in_header.send("GET /hello HTTP/1.1\r\nHost"));
  TestClient in_body(fixture.server->port());
  REQUIRE(in_body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"));
  TestClient silent(fixture.server->port());
  CHECK(status(in_header.rest()) == 408);
  CHECK(status(in_body.rest()) == 408);
  CHECK(silent.rest().empty());
}

TEST_CASE("bytes that trickle in do not buy time") {
  Limits limits;
  limits.header_timeout_ms = 100;
  ServerFixture fixture(limits);
  TestClient client(fixture.server->port());
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
  ServerFixture fixture(limits);
  TestClient a(fixture.server->port()), b(fixture.server->port()), c(fixture.server->port());
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
  ServerFixture fixture(limits);
  TestClient first(fixture.server->port());
  REQUIRE(first.send(get("/hello")));
  CHECK(status(first.answer()) == 200);
  TestClient second(fixture.server->port());
  CHECK(second.rest().empty());
}
