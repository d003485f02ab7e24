#include "http/server_fixture.h"

#include <doctest/doctest.h>

#include <thread>

using namespace millrace::http;

TEST_CASE("a stream carries what is written until it is closed") {
  ServerFixture fixture;
  TestClient client(fixture.server->port());
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
  ServerFixture fixture(limits);
  TestClient client(fixture.server->port());
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
  ServerFixture fixture(limits);
  std::shared_ptr<Stream> stream;
  {
    TestClient client(fixture.server->port());
    REQUIRE(client.send(get("/stream")));
    stream = fixture.opened_stream();
  }
  while (stream->write(":\n")) std::this_thread::yield();
  TestClient client(fixture.server->port());
  REQUIRE(client.send(get("/stream")));
  fixture.opened_stream().reset();
  CHECK(client.rest().starts_with("HTTP/1.1 200 OK\r\n"));
}
