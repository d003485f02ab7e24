#include "tools/http_client.h"

#include <doctest/doctest.h>

using millrace::tools::parse_endpoint;

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

TEST_CASE("https is refused by name, and with what to do instead") {
  const auto refused = parse_endpoint("https://shop.example");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message().find("http alone, not https") != std::string::npos);
  CHECK(refused.error().message().find("tunnel") != std::string::npos);
}
