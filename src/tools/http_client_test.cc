#include "tools/http_client.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

using millrace::tools::parse_endpoint;

namespace {

// Answers each request with `pieces`, one write each, then ends the stream unless told to keep it.
struct Answered {
  std::string body;
  int status = -1;
  std::size_t calls = 0;
};
enum class After : std::uint8_t { keep, close };

Answered ask(const std::vector<std::string>& pieces, After after) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 4) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  Answered answered;
  {
    millrace::tools::HttpClient client({"127.0.0.1", ntohs(address.sin_port)}, 1);
    client.send(millrace::tools::render_request("GET", "/", ""), [&](const millrace::tools::Reply& reply) {
      ++answered.calls;
      answered.status = reply.status;
      answered.body = reply.body;
    });
    const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    client.poll(1000);
    char request[1024];
    CHECK(::recv(server, request, sizeof request, 0) > 0);
    for (const std::string& piece : pieces) {
      CHECK(::send(server, piece.data(), piece.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(piece.size()));
      client.poll(1000);
    }
    if (after == After::close) {
      ::close(server);
      for (int i = 0; i < 10 && answered.calls == 0; ++i) client.poll(1000);
    }
    CHECK((answered.calls == 1) == (client.outstanding() == 0));
    if (after == After::keep) ::close(server);
  }
  ::close(listener);
  return answered;
}

}  // namespace

TEST_CASE("an answer is whole when its length, its last chunk or the end of the stream says so") {
  const auto lengthy = ask({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "llo"}, After::keep);
  CHECK_EQ(lengthy.body, "hello");
  const auto chunked = ask({"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhel",
                            "lo\r\nA;x=1\r\n0123456789\r\n0\r\nTrailer: 1\r\n", "\r\n"},
                           After::keep);
  CHECK_EQ(chunked.body, "hello0123456789");
  const auto to_the_end = ask({"HTTP/1.0 200 OK\r\n\r\nhe", "llo"}, After::close);
  CHECK_EQ(to_the_end.status, 200);
  CHECK_EQ(to_the_end.body, "hello");
  CHECK_EQ(ask({"HTTP/1.0 200 OK\r\n\r\nhe", "llo"}, After::keep).calls, 0);
  CHECK_EQ(ask({"HTTP/1.1 204 No Content\r\n\r\n"}, After::keep).status, 204);
  const auto interim =
      ask({"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx"}, After::keep);
  CHECK_EQ(interim.status, 201);
  CHECK_EQ(interim.body, "x");
}

TEST_CASE("an answer that is cut off or malformed is none") {
  for (const char* wrong : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
                            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx",
                            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
                            "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    CAPTURE(wrong);
    const auto answered = ask({wrong}, After::close);
    CHECK_EQ(answered.calls, 1);
    CHECK_EQ(answered.status, 0);
    CHECK(answered.body.empty());
  }
}

TEST_CASE("a server is named by address or by name, with a port or without") {
  CHECK_EQ(parse_endpoint("http://127.0.0.1:8080")->host, "127.0.0.1");
  CHECK_EQ(parse_endpoint("http://127.0.0.1:8080/")->port, 8080);
  CHECK_EQ(parse_endpoint("http://127.0.0.1")->port, 80);
  CHECK_EQ(parse_endpoint("http://localhost:8080/v1/sql")->host, "127.0.0.1");
  CHECK_EQ(parse_endpoint("http://[::1]:8080")->host, "::1");
  CHECK_EQ(parse_endpoint("http://[::1]:8080/v1/sql")->port, 8080);
  CHECK_EQ(parse_endpoint("http://[2001:DB8:0::1]")->host, "2001:db8::1");
  CHECK_EQ(parse_endpoint("http://[::1]")->port, 80);
}

TEST_CASE("what names no server is refused with what was expected") {
  for (const char* url :
       {"", "127.0.0.1:8080", "http://", "http://:8080", "http://[::1", "http://::1:8080", "http://[::1]x",
        "http://[::1]:", "http://[]:80", "http://[127.0.0.1]:80", "http://[::1%eth0]:80",
        "http://127.0.0.1:80x", "http://127.0.0.1:", "http://127.0.0.1:0", "http://127.0.0.1:65536",
        "http://127.0.0.1:x", "http://a@b:80"}) {
    CAPTURE(url);
    REQUIRE_FALSE(parse_endpoint(url).ok());
    CHECK(parse_endpoint(url).error().message().find("expected http://HOST:PORT") != std::string::npos);
  }
}

TEST_CASE(
    "a server that is reached by TLS is named by https, and certificates to believe by a file that has "
    "some") {
  const auto secure = parse_endpoint("https://localhost");
  REQUIRE(secure.ok());
  CHECK_EQ(secure->host, "127.0.0.1");
  CHECK_EQ(secure->port, 443);
  CHECK_EQ(secure->authority, "localhost");
  CHECK(secure->tls != nullptr);
  CHECK_EQ(parse_endpoint("https://[::1]:8443/x")->authority, "[::1]:8443");
  CHECK(parse_endpoint("http://127.0.0.1:8080")->tls == nullptr);
  CHECK_EQ(parse_endpoint("http://127.0.0.1:8080/")->authority, "127.0.0.1:8080");
  const auto absent = parse_endpoint("https://localhost", "/nonexistent/ca.pem");
  REQUIRE_FALSE(absent.ok());
  CHECK_EQ(absent.error().message().find("/nonexistent/ca.pem: cannot be read as certificates"), 0);
  CHECK_NE(parse_endpoint("http://localhost", "ca.pem").error().message().find("in the clear"),
           std::string::npos);
}
