#include "http/http.h"

#include <doctest/doctest.h>

#include "http/recorder.h"

using namespace millrace::http;

namespace {

Request request(Method method, std::string_view target) {
  Request made;
  made.method = method;
  made.target = target;
  REQUIRE(parse_target(target, made));
  return made;
}

Response dispatched(const Router& router, Method method, std::string_view target) {
  auto made = request(method, target);
  auto recorder = std::make_shared<Recorder>();
  router.dispatch(made, Responder(recorder));
  REQUIRE(recorder->response);
  return *recorder->response;
}

Route says(std::string text) {
  return [text](const Request& asked, Responder responder) {
    Response response;
    response.body = text;
    for (const auto& parameter : asked.parameters) response.body += "|" + parameter;
    std::move(responder).send(std::move(response));
  };
}

}  // namespace

TEST_CASE("a target is split into path and query, both decoded") {
  const auto made = request(Method::get, "/a%20b/+c?x=1%2B1&y=a+b&z&=v&x=2");
  CHECK(made.path == "/a b/+c");
  REQUIRE(made.query.size() == 5);
  CHECK(made.query_value("x") == "1+1");
  CHECK(made.query_value("y") == "a b");
  CHECK(made.query_value("z") == "");
  CHECK(made.query_value("absent") == "");
}

TEST_CASE("an absolute target counts from its path on, and a bare host means the root") {
  CHECK(request(Method::get, "http://shop.example/v1/x?a=b").path == "/v1/x");
  CHECK(request(Method::get, "http://shop.example").path == "/");
  CHECK(request(Method::options, "*").path == "/");
  CHECK(request(Method::get, "/redirect?to=http://a/b").path == "/redirect");
}

TEST_CASE("targets with broken escapes or without a path are refused") {
  Request made;
  for (const std::string_view bad : {"", "a", "/%", "/%4", "/%zz", "/x?a=%g0", "shop.example:443"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_target(bad, made));
  }
}

TEST_CASE("routes are found by exact path first, then by placeholders in order") {
  Router router;
  router.add(Method::get, "/v1/products/{sku}", says("one"));
  router.add(Method::get, "/v1/products/top", says("top"));
  router.add(Method::get, "/files/{rest...}", says("file"));
  router.add(Method::post, "/v1/r/{id}/commit", says("commit"));
  router.add(Method::get, "/", says("root"));
  CHECK(dispatched(router, Method::get, "/v1/products/top").body == "top");
  CHECK(dispatched(router, Method::get, "/v1/products/a%2Fb").body == "one|a/b");
  CHECK(dispatched(router, Method::get, "/files/a/b%20c").body == "file|a/b c");
  CHECK(dispatched(router, Method::post, "/v1/r/7/commit").body == "commit|7");
  CHECK(dispatched(router, Method::get, "/").body == "root");
  CHECK(dispatched(router, Method::head, "/v1/products/top").body == "top");
  CHECK(dispatched(router, Method::get, "/v1/products/").status == 404);
  CHECK(dispatched(router, Method::get, "/v1/products/a/b").status == 404);
  CHECK(dispatched(router, Method::get, "/v1").status == 404);
}

TEST_CASE("a path under another method is 405 and names what it takes") {
  Router router;
  router.add(Method::get, "/v1/x", says("get"));
  router.add(Method::del, "/v1/x", says("del"));
  router.add(Method::put, "/v1/{name}", says("put"));
  const auto response = dispatched(router, Method::post, "/v1/x");
  CHECK(response.status == 405);
  REQUIRE(response.headers.size() == 1);
  CHECK(response.headers[0].second == "GET, HEAD, PUT, DELETE");
  CHECK(dispatched(router, Method::put, "/v1/x").body == "put|x");
}

TEST_CASE("a responder that is dropped answers 500") {
  auto recorder = std::make_shared<Recorder>();
  { Responder dropped(recorder); }
  REQUIRE(recorder->response);
  CHECK(recorder->response->status == 500);
  recorder->response.reset();
  {
    Responder used(recorder);
    std::move(used).send({});
  }
  CHECK(recorder->response->status == 200);
}

TEST_CASE("JSON strings are escaped and invalid UTF-8 is replaced") {
  const auto json = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  CHECK(json("a\"b\\c\n\x01\x7f") == R"("a\"b\\c\n\u0001\u007f")");
  CHECK(json("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x9f") == "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x9f\"");
  CHECK(json("\xff") == "\"\xef\xbf\xbd\"");
  CHECK(json("a\xc3") == "\"a\xef\xbf\xbd\"");
  CHECK(json("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // A surrogate.
  CHECK(json("\xc0\xaf") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // Overlong.
}

TEST_CASE("an error names its code, what happened and what to do") {
  const auto response = error_response(409, "stock_short", "Not \"enough\".", "Order less.");
  CHECK(response.status == 409);
  CHECK(response.body ==
        R"({"error":{"code":"stock_short","message":"Not \"enough\".","hint":"Order less."}})");
}
