#include "serve/visitor_id.h"

#include <doctest/doctest.h>

#include "serve/api_bench.h"

using namespace millrace;
using namespace millrace::serve;

namespace {

struct IdBench : ApiBench {
  int made = 0;
  IdBench() {
    sources.make_visitor_id = [this] { return std::string(31, 'a') + std::to_string(++made % 10); };
  }
  using Headers = std::vector<std::pair<std::string_view, std::string_view>>;
  http::Response ask_id(http::Method method, std::string_view target, Headers headers = {}) {
    return *ask(method, target, {}, std::move(headers))->response;
  }
  http::Response post(Headers headers = {}) {
    return ask_id(http::Method::post, "/v1/id", std::move(headers));
  }
};

std::string header(const http::Response& response, std::string_view name) {
  std::string found;
  for (const auto& [key, value] : response.headers) {
    if (http::equals_ignoring_case(key, name)) found = value;
  }
  return found;
}

// "millrace_id=VALUE", as a browser sends it back.
std::string pair_of(const http::Response& response) {
  const std::string cookie = header(response, "Set-Cookie");
  return cookie.substr(0, cookie.find(';'));
}

}  // namespace

TEST_CASE("a new visitor gets an id in a cookie that scripts cannot read") {
  IdBench bench;
  const auto response = bench.post();
  CHECK_EQ(response.body, R"({"anonymous_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1","new":true,"stored":true})");
  const std::string cookie = header(response, "Set-Cookie");
  CHECK(cookie.starts_with("millrace_id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1."));
  CHECK(cookie.ends_with("; Max-Age=34128000; Path=/; HttpOnly; SameSite=Lax"));
  CHECK_EQ(header(response, "Cache-Control"), "no-store");
}

TEST_CASE("the cookie is secure behind https, as the proxy or the page says") {
  IdBench bench;
  const auto secure = [&](IdBench::Headers headers) {
    return header(bench.post(std::move(headers)), "Set-Cookie").ends_with("; Secure");
  };
  CHECK(secure({{"X-Forwarded-Proto", "https"}}));
  CHECK(secure({{"Origin", "https://shop.example"}}));
  CHECK_FALSE(secure({{"Origin", "http://shop.example"}}));
  CHECK_FALSE(secure({{"X-Forwarded-Proto", "http"}, {"Origin", "https://shop.example"}}));
}

TEST_CASE("the cookie is written once a visit and keeps its id for ever") {
  IdBench bench;
  const std::string first = pair_of(bench.post());
  auto again = bench.post({{"Cookie", "a=b; " + first + "; c=d"}});
  CHECK_EQ(again.body, R"({"anonymous_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1","new":false,"stored":true})");
  CHECK_EQ(header(again, "Set-Cookie"), "");

  bench.clock.advance_ms(31 * 60 * 1000);
  again = bench.post({{"Cookie", first}});
  CHECK_NE(again.body.find("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"), std::string::npos);
  const std::string second = pair_of(again);
  CHECK_NE(second, "");
  CHECK_NE(second, first);
  CHECK_EQ(bench.made, 1);
}

TEST_CASE("what is not our cookie is nobody's id") {
  const std::string good = "millrace_id=" + std::string(32, 'b') + ".1795258000";
  for (const std::string& cookie :
       {std::string("millrace_id="), std::string("millrace_id=x"), std::string("millrace_idx=1"),
        "millrace_id=" + std::string(32, 'g') + ".1", "millrace_id=" + std::string(32, 'b') + ".",
        "millrace_id=" + std::string(32, 'b') + ".-5", "millrace_id=" + std::string(32, 'b') + ".1x",
        "x" + good, "millrace_id=" + std::string(32, 'b') + ".99999999999999999999", std::string(";;;=;"),
        std::string(20'000, ';')}) {
    CAPTURE(cookie);
    IdBench bench;
    CHECK_NE(bench.post({{"Cookie", cookie}}).body.find("\"new\":true"), std::string::npos);
  }
  IdBench bench;
  CHECK_NE(bench.post({{"Cookie", "millrace_id=broken; " + good}}).body.find("\"new\":false"),
           std::string::npos);
  CHECK_NE(bench.post({{"Cookie", "a=b"}, {"cookie", good}}).body.find("\"new\":false"), std::string::npos);
}

TEST_CASE("a cookie from the future is written anew") {
  IdBench bench;
  const std::string ahead = "millrace_id=" + std::string(32, 'b') + ".9795258000";
  const auto response = bench.post({{"Cookie", ahead}});
  CHECK_NE(response.body.find("\"new\":false"), std::string::npos);
  CHECK_NE(header(response, "Set-Cookie"), "");
}

TEST_CASE("without consent, from other sites and without days no cookie is read or set") {
  const std::string known = "millrace_id=" + std::string(32, 'b') + ".1795258000";
  const auto is_anonymous = [](const http::Response& response) {
    return header(response, "Set-Cookie").empty() &&
           response.body.find("\"stored\":false") != std::string::npos &&
           response.body.find("bbbb") == std::string::npos;
  };
  IdBench bench;
  CHECK(is_anonymous(bench.ask_id(http::Method::get, "/v1/id?anonymous=1", {{"Cookie", known}})));
  CHECK(is_anonymous(bench.post({{"Sec-Fetch-Site", "cross-site"}, {"Cookie", known}})));
  CHECK_FALSE(is_anonymous(bench.post({{"Sec-Fetch-Site", "same-site"}, {"Cookie", known}})));
  IdBench never;
  never.settings.visitor_id.days = 0;
  CHECK(is_anonymous(never.post({{"Cookie", known}})));
}

TEST_CASE("the cookie can be removed, from another host of the shop too") {
  IdBench bench;
  const IdBench::Headers origin = {{"Origin", "https://www.shop.example"}};
  const auto preflight = bench.ask_id(http::Method::options, "/v1/id", origin);
  CHECK_EQ(preflight.status, 204);
  CHECK_EQ(header(preflight, "Access-Control-Allow-Origin"), "https://www.shop.example");
  CHECK_NE(header(preflight, "Access-Control-Allow-Methods").find("DELETE"), std::string::npos);
  const auto response = bench.ask_id(http::Method::del, "/v1/id", origin);
  CHECK_EQ(response.status, 204);
  CHECK(header(response, "Set-Cookie").starts_with("millrace_id=; Max-Age=0;"));
  CHECK_EQ(header(response, "Access-Control-Allow-Credentials"), "true");
}

TEST_CASE("without a maker of ids there is no id service") {
  ApiBench bench;
  CHECK_EQ(bench.ask(http::Method::post, "/v1/id")->response->status, 503);
}
