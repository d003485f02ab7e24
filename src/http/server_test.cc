#include "http/server_fixture.h"

#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <thread>

using namespace millrace::http;

TEST_CASE("a connection serves one request after the other") {
  ServerFixture fixture;
  TestClient client(fixture.server->port());
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
  ServerFixture fixture;
  TestClient client(fixture.server->port());
  REQUIRE(client.send(post("x")));
  CHECK(client.answer().find("X-Split: a  Injected: b\r\n") != std::string::npos);
}

TEST_CASE("pipelined requests are answered in order, those that wait included") {
  ServerFixture fixture;
  TestClient client(fixture.server->port());
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
  ServerFixture fixture;
  TestClient client(fixture.server->port());
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
  ServerFixture fixture;
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<TestClient>(fixture.server->port()));
  for (int round = 0; round < 20; ++round) {
    for (auto& client : clients) REQUIRE(client->send(get("/later")));
    for (auto& responder : fixture.shelf.take(clients.size())) std::move(responder).send({});
    for (auto& client : clients) CHECK(status(client->answer()) == 200);
  }
}

TEST_CASE("an answer that has come in goes out before the next request that was read is routed") {
  Shelf shelf;
  std::promise<void> both_wait, answered;
  std::shared_future<void> go_on(both_wait.get_future()), given(answered.get_future());
  std::optional<TestClient> first;
  std::string seen;
  Router router;
  router.add(Method::get, "/later",
             [&](const Request&, Responder responder) { shelf.put(std::move(responder)); });
  router.add(Method::get, "/hold", [&](const Request&, Responder responder) {
    shelf.put(Responder(nullptr));
    go_on.wait();
    std::move(responder).send({});
  });
  router.add(Method::get, "/meanwhile", [&](const Request&, Responder responder) {
    shelf.put(Responder(nullptr));
    given.wait();
    std::move(responder).send({});
  });
  router.add(Method::get, "/next", [&](const Request&, Responder responder) {
    seen = first->answer();
    std::move(responder).send({});
  });
  ServerSettings settings;
  settings.threads = 1;
  auto server = start_server(settings, router);
  REQUIRE(server);
  const auto port = (*server)->port();
  TestClient holding(port), second(port), third(port);
  first.emplace(port);
  REQUIRE(first->send(get("/later")));
  auto waiting = shelf.take(1);
  REQUIRE(holding.send(get("/hold")));
  shelf.take(1);
  // The loop finds these two together.
  REQUIRE(second.send(get("/meanwhile")));
  REQUIRE(third.send(get("/next")));
  both_wait.set_value();
  shelf.take(1);
  std::move(waiting[0]).send({});
  answered.set_value();
  CHECK(status(third.answer()) == 200);
  CHECK(status(seen) == 200);
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection after the answer") {
  ServerFixture fixture;
  for (const auto& request :
       {std::string("GET /hello HTTP/1.0\r\n\r\n"), get("/hello", "Connection: close\r\n")}) {
    TestClient client(fixture.server->port());
    REQUIRE(client.send(request));
    const auto answer = client.rest();
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(answer.ends_with("hello"));
  }
  TestClient kept(fixture.server->port());
  REQUIRE(kept.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(kept.answer().find("Connection: keep-alive\r\n") != std::string::npos);
  REQUIRE(kept.send(get("/hello")));
  CHECK(status(kept.answer()) == 200);
}

TEST_CASE("a client that has said all it will still gets its answer") {
  ServerFixture fixture;
  TestClient client(fixture.server->port());
  REQUIRE(client.send(get("/hello")));
  client.end_sending();
  CHECK(client.rest().ends_with("hello"));
}

TEST_CASE("stopping finishes what is in flight, closes what is idle, and takes nothing new") {
  ServerFixture fixture;
  const auto port = fixture.server->port();
  TestClient busy(port), idle(port), streaming(port);
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
  ServerFixture fixture;
  TestClient busy(fixture.server->port());
  REQUIRE(busy.send(get("/later")));
  auto waiting = fixture.shelf.take(1);
  fixture.server->stop(50);
  CHECK(busy.rest().empty());
  std::move(waiting[0]).send({});
  fixture.server.reset();
}

TEST_CASE("a port in use and a wrong address are errors with a reason") {
  ServerFixture fixture;
  Router router;
  ServerSettings settings;
  settings.port = fixture.server->port();
  const auto taken = start_server(settings, router);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().message().find("cannot be listened on") != std::string::npos);
  settings.address = "nowhere";
  CHECK_FALSE(start_server(settings, router));
}
