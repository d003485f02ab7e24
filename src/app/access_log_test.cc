#include "app/access_log.h"

#include <doctest/doctest.h>

using namespace millrace::app;

TEST_CASE("the combined format of nginx and Apache") {
  const auto request = parse_combined(
      R"(203.0.113.9 - frank [21/Nov/2026:10:00:01 +0100] "GET /shoes?utm_source=a HTTP/1.1" 200 2326 "https://x.example/" "Mozilla \"5\"")");
  REQUIRE(request);
  CHECK(request->address == "203.0.113.9");
  CHECK(request->user == "frank");
  CHECK(request->at.ms == 1'795'251'601'000);
  CHECK(request->method == "GET");
  CHECK(request->target == "/shoes?utm_source=a");
  CHECK(request->status == 200);
  CHECK(request->referrer == "https://x.example/");
  CHECK(request->user_agent == "Mozilla \"5\"");
  CHECK(
      page_item(*request, "https://shop.example", "m") ==
      R"({"type":"page","messageId":"m","anonymousId":"log:203.0.113.9 igkbjjnadopeoghe)"
      R"(","userId":"frank","timestamp":"2026-11-21T09:00:01.000Z","properties":{"url":"https://shop.example/shoes?utm_source=a",)"
      R"("referrer":"https://x.example/","status":200},"context":{"library":{"name":"millrace tail"},"ip":"203.0.113.9",)"
      R"("userAgent":"Mozilla \"5\""}})");
}

TEST_CASE("the common format has neither referrer nor agent, and dashes are nothing") {
  const auto common = parse_combined(R"(::1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.0" 304 0)");
  REQUIRE(common);
  CHECK(common->user.empty());
  CHECK(common->referrer.empty());
  const auto dashes =
      parse_combined(R"(::1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.0" 304 - "-" "-")");
  REQUIRE(dashes);
  CHECK(dashes->user_agent.empty());
}

TEST_CASE("what is no line of a log is nothing") {
  for (const std::string_view line : {"", "x", "::1 - -", R"(::1 - - [x] "GET / HTTP/1.0" 200 1)",
                                      R"(::1 - - [01/Jan/2026:00:00:00 +0000] "GET" 200 1)",
                                      R"(::1 - - [01/Foo/2026:00:00:00 +0000] "GET / H" 200 1)",
                                      R"(::1 - - [01/Jan/2026:00:00:00 +0000] "GET / H)",
                                      R"(::1 - - [99/Jan/2026:00:00:00 +0000] "GET / H" 200 1)",
                                      R"(::1 - - [01/Jan/2026:00:00:00 +0000] "\)"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_combined(line));
  }
  for (const std::string_view line :
       {"", "{", "[]", "7", "{}", R"({"time":"2026-01-01T00:00:00Z"})",
        R"({"time":"x","method":"GET","uri":"/"})", R"({"time":"nan","method":"GET","uri":"/"})",
        R"({"time":"-inf","method":"GET","uri":"/"})", R"({"time":1e300,"method":"GET","uri":"/"})",
        R"({"time":253402300800000,"method":"GET","uri":"/"})"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_json_log(line));
  }
}

TEST_CASE("JSON logs by the names that servers use") {
  for (
      const std::string_view line :
      {R"({"time_iso8601":"2026-01-01T00:00:00+00:00","remote_addr":"1.2.3.4","request_method":"GET",)"
       R"("request_uri":"/a","status":"200","http_user_agent":"M","host":"s.example"})",
       R"({"ts":1767225600.0,"remote_ip":"1.2.3.4","method":"GET","uri":"/a","status":200,"user_agent":"M","host":"s.example"})",
       R"({"msec":"1767225600.000","remote_addr":"1.2.3.4","request":"GET /a HTTP/2.0","status":200,"agent":"M","host":"s.example"})",
       // Caddy, as it writes by default.
       R"({"level":"info","ts":1767225600.0,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"9.9.9.9",)"
       R"("remote_port":"4","client_ip":"1.2.3.4","proto":"HTTP/2.0","method":"GET","host":"s.example","uri":"/a","headers":)"
       R"({"Accept":["*/*"],"User-Agent":["M"],"Referer":["https://r.example/"]}},"bytes_read":0,"user_id":"","size":100,"status":200})"}) {
    CAPTURE(line);
    const auto request = parse_json_log(line);
    REQUIRE(request);
    CHECK(request->at.ms == 1'767'225'600'000);
    CHECK(request->address == "1.2.3.4");
    CHECK(request->target == "/a");
    CHECK(request->status == 200);
    CHECK(request->user_agent == "M");
    CHECK(is_page_view(*request));
    CHECK(page_item(*request, "", "m").find(R"("url":"https://s.example/a")") != std::string::npos);
  }
}

TEST_CASE("only what a person was shown is a page view") {
  const auto shown = [](std::string_view method, std::string_view target, int status) {
    LoggedRequest request;
    request.method = method;
    request.target = target;
    request.status = status;
    return is_page_view(request);
  };
  CHECK(shown("GET", "/", 200));
  CHECK(shown("GET", "/a?file=x.js", 304));
  CHECK_FALSE(shown("GET", "/a.JS?v=1", 200));
  CHECK_FALSE(shown("GET", "/a", 301));
  CHECK_FALSE(shown("GET", "/a", 404));
  CHECK_FALSE(shown("POST", "/a", 200));
}

TEST_CASE("a visitor that is made of address and agent shows the address, which the door makes a token of") {
  LoggedRequest request;
  request.address = "192.0.2.7";
  request.user_agent = "M";
  request.target = "/";
  const std::string item = page_item(request, "", "m");
  const std::size_t at = item.find(R"("anonymousId":"log:192.0.2.7 )");
  REQUIRE_NE(at, std::string::npos);
  request.user_agent = "N";
  CHECK_EQ(page_item(request, "", "m").find(item.substr(at, 46)), std::string::npos);
  request.anonymous_id = "v";
  CHECK_NE(page_item(request, "", "m").find(R"("anonymousId":"v")"), std::string::npos);
}
