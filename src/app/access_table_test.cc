#include "admin/access_table.h"

#include <doctest/doctest.h>

#include <set>

#include "serve/api_bench.h"

using namespace millrace;

TEST_CASE("the table of roles has every route of the API, once, and no other") {
  serve::ApiBench bench;
  std::set<std::pair<http::Method, std::string>> routes, rows;
  for (const auto& probe : bench.get_api().routes().probes()) routes.emplace(probe.method, probe.pattern);
  for (const auto& row : admin::access_table()) {
    CHECK_MESSAGE(rows.emplace(row.method, std::string(row.pattern)).second, row.pattern);
  }
  for (const auto& [method, pattern] : routes) {
    CHECK_MESSAGE(rows.contains({method, pattern}), http::to_string(method)
                                                        << " " << pattern << " has no role");
  }
  for (const auto& [method, pattern] : rows) {
    CHECK_MESSAGE(routes.contains({method, pattern}), http::to_string(method)
                                                          << " " << pattern << " is no route");
  }
}

TEST_CASE("what changes something takes an operator, is recorded, or is for shops' pages") {
  for (const auto& row : admin::access_table()) {
    CAPTURE(row.pattern);
    const bool safe = row.method == http::Method::get || row.method == http::Method::options;
    if (safe) CHECK(row.act.empty());
    const bool by_pages = row.access == admin::Access::open || row.access == admin::Access::write_key;
    const bool asks =
        row.pattern == "/v1/sql" || row.pattern.starts_with("/iceberg") || row.pattern.ends_with("/check");
    const bool records_itself = row.pattern.starts_with("/v1/admin/");
    if (safe || by_pages || asks || records_itself) continue;
    CHECK(admin::role_for(row.access) >= admin::Role::operator_);
    CHECK_FALSE(row.act.empty());
  }
}

TEST_CASE("a wrapped route is reached by no spelling of its path without its wrapper") {
  http::Router router;
  int reached = 0, wrapped = 0;
  const auto route = [&](const http::Request&, http::Responder responder) {
    ++reached;
    std::move(responder).send({});
  };
  router.add(http::Method::get, "/v1/admin/tokens", route);
  router.add(http::Method::del, "/v1/admin/tokens/{id}", route);
  router.add(http::Method::get, "/iceberg/{path...}", route);
  router.wrap([&](http::Method, std::string_view, http::Route) {
    return [&](const http::Request&, http::Responder responder) {
      ++wrapped;
      std::move(responder).send(http::error_response(401, "token_required", "", ""));
    };
  });
  for (const std::string_view target :
       {"/v1/admin/tokens", "/v1/%61dmin/tokens", "/v1/admin%2ftokens", "//v1/admin/tokens",
        "/v1/admin/tokens/", "/v1/admin/tokens/x", "/v1/admin/tokens/%2e%2e", "/iceberg/../v1/admin/tokens",
        "/iceberg/", "/v1/admin/tokens?x=y", "/v1/./admin/tokens", "http://h/v1/admin/tokens"}) {
    for (const auto method : {http::Method::get, http::Method::head, http::Method::del, http::Method::post,
                              http::Method::options, http::Method::other}) {
      http::Request request;
      request.method = method;
      request.target = target;
      REQUIRE(http::parse_target(target, request));
      const auto recorder = std::make_shared<http::Recorder>();
      router.dispatch(request, http::Responder(recorder));
      REQUIRE(recorder->response);
      CHECK(recorder->response->status >= 401);
    }
  }
  CHECK(reached == 0);
  CHECK(wrapped > 10);
}
