#include "tools/http_client.h"

#include <doctest/doctest.h>

using millrace::tools::parse_endpoint;

TEST_CASE("a server is named by address or by name, with a port or without") {
  CHECK_EQ(parse_endpoint("http://127.0.0.1:8080")->host, "127.0.0.1");
  CHECK_EQ(parse_endpoint("http://127.0.0.1:8080/")->port, 8080);
  CHECK_EQ(parse_endpoint("http://127.0.0.1")->port, 80);
  CHECK_EQ(parse_endpoint("http://localhost:8080/v1/sql")->host, "127.0.0.1");
}

TEST_CASE("what names no server is refused with what was expected") {
  for (const char* url :
       {"", "127.0.0.1:8080", "https://127.0.0.1", "http://", "http://:8080", "http://[::1]:8080",
        "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:x", "http://a@b:80"}) {
    CAPTURE(url);
    REQUIRE_FALSE(parse_endpoint(url).ok());
    CHECK(parse_endpoint(url).error().message().find("expected http://HOST:PORT") != std::string::npos);
  }
}
