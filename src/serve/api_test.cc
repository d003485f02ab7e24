#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>

#include "base/random.h"
#include "serve/api_bench.h"
#include "serve/sql_answer.h"
#include "serve/static_files.h"

using namespace millrace;
using namespace millrace::serve;

namespace {

// The product ids of an answer, in order.
std::vector<std::string> product_ids(const std::string& body) {
  std::vector<std::string> ids;
  const std::string key = "\"product_id\":\"";
  for (auto at = body.find(key); at != std::string::npos; at = body.find(key, at + 1)) {
    const auto begin = at + key.size();
    ids.push_back(body.substr(begin, body.find('"', begin) - begin));
  }
  return ids;
}

using Ids = std::vector<std::string>;

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("recommendations leave out the last clicked product unless it is asked for") {
  ApiBench bench;
  bench.recommendations.session = {{"a", 3}, {"b", 2}, {"c", 1}};
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?items=b,a&n=3").body), Ids{"b", "c"});
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?items=b,a&n=3&include_current=1").body),
           Ids{"a", "b", "c"});
  CHECK_EQ(bench.recommendations.asked_items, Ids{"b", "a"});
}

TEST_CASE("products that are known to be sold out are never recommended, unknown stock is") {
  ApiBench bench;
  bench.apply(make_product("gone", "shoes", 0));
  bench.apply(make_product("left", "shoes", 1));
  bench.apply(make_product("unknown", "shoes"));
  bench.recommendations.session = {{"gone", 3}, {"left", 2}, {"unknown", 1}};
  bench.apply(make_trending("", {"gone"}));
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?items=x").body), Ids{"left", "unknown"});
  CHECK_EQ(product_ids(bench.get("/v1/trending").body), Ids{});
}

TEST_CASE("the cold-start ladder is climbed rung by rung, and each product says which one it came from") {
  ApiBench bench;
  bench.apply(make_product("s", "shoes"));
  bench.apply(make_visitor("v", {"s"}));
  bench.recommendations.session = {{"r", 1}};
  bench.apply(make_product("p", "hats"));
  bench.apply(make_trending("shoes", {"r", "s", "ct"}));
  bench.apply(make_trending("", {"ct", "t"}));
  const auto response = bench.get("/v1/recommendations?visitor=v");
  CHECK_EQ(product_ids(response.body), Ids{"r", "ct", "t", "p"});
  CHECK(contains(response.body, R"("product_id":"r","score":1,"source":"session")"));
  CHECK(contains(response.body, R"("product_id":"ct","score":7,"source":"category_trending")"));
  CHECK(contains(response.body, R"("product_id":"t","score":8,"source":"trending")"));
  CHECK(contains(response.body, R"("product_id":"p","score":10,"source":"popular")"));
  CHECK(contains(response.body, R"("source":"session","session_items":["s"])"));
  CHECK_EQ(bench.recommendations.asked_session, 0xabc);
  // Somebody who was never seen starts at trending; n stops the climb.
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?visitor=stranger&n=2").body), Ids{"ct", "t"});
  CHECK(contains(bench.get("/v1/recommendations?visitor=stranger&n=2").body,
                 R"("source":"trending","session_items":[])"));
}

TEST_CASE("what a visitor just bought is not recommended to them on any rung") {
  ApiBench bench;
  auto visitor = make_visitor("buyer", {"s"});
  visitor->bought = {"kettle", "t"};
  bench.apply(visitor);
  bench.apply(make_visitor("other", {"s"}));
  bench.recommendations.session = {{"kettle", 3}, {"r", 1}};
  bench.apply(make_trending("", {"t", "u"}));
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?visitor=buyer").body), Ids{"r", "u"});
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?visitor=other").body), Ids{"kettle", "r", "t", "u"});
  CHECK_EQ(product_ids(bench.get("/v1/recommendations?items=s").body), Ids{"kettle", "r", "t", "u"});
}

TEST_CASE("stock commands reach their journal and their outcome the client") {
  ApiBench bench;
  const auto put =
      bench.ask(http::Method::put, "/v1/stock/a%2Fb", R"({"on_hand":100,"safety":2,"reference":"r1"})");
  CHECK_FALSE(put->response);
  REQUIRE_EQ(bench.stock_commands.size(), 1);
  const auto* set = std::get_if<event::SetStock>(&bench.stock_commands[0].first);
  REQUIRE(set);
  CHECK_EQ(set->sku, "a/b");
  CHECK_EQ(set->on_hand, 100);
  CHECK_EQ(set->safety, 2);
  CHECK_EQ(set->reference, "r1");
  bench.stock_commands[0].second(200, R"({"sku":"a/b"})");
  REQUIRE(put->response);
  CHECK_EQ(put->response->status, 200);
  CHECK_EQ(put->response->body, R"({"sku":"a/b"})");

  bench.ask(http::Method::post, "/v1/stock/reservations",
            R"({"id":"r","lines":[{"sku":"a","quantity":2},{"sku":"b","quantity":1}]})");
  const auto* reserve = std::get_if<event::Reserve>(&bench.stock_commands[1].first);
  REQUIRE(reserve);
  CHECK_EQ(reserve->id, "r");
  CHECK_EQ(reserve->ttl_ms, 900'000);
  CHECK_EQ(reserve->lines, std::vector<event::StockLine>{{"a", 2}, {"b", 1}});

  bench.ask(http::Method::post, "/v1/stock/reservations/r/commit");
  CHECK_EQ(std::get<event::CommitReservation>(bench.stock_commands[2].first).id, "r");
  bench.ask(http::Method::del, "/v1/stock/reservations/r");
  CHECK_EQ(std::get<event::ReleaseReservation>(bench.stock_commands[3].first).id, "r");
  for (auto& [command, answer] : bench.stock_commands) answer(200, "{}");
}

TEST_CASE("a stock outcome that does not come in time is answered as unknown, once") {
  ApiBench bench;
  const auto late = bench.ask(http::Method::put, "/v1/stock/a", R"({"on_hand":1})");
  bench.clock.instant.ns += 9'000'000'000;
  const auto young = bench.ask(http::Method::put, "/v1/stock/b", R"({"on_hand":1})");
  bench.clock.instant.ns += 2'000'000'000;
  bench.get_api().tick();
  REQUIRE(late->response);
  CHECK_EQ(late->response->status, 503);
  CHECK(contains(late->response->body, "outcome_unknown"));
  CHECK_FALSE(young->response);
  bench.stock_commands[0].second(200, "{}");
  CHECK_EQ(late->response->status, 503);
  bench.stock_commands[1].second(200, "{}");
  CHECK_EQ(young->response->status, 200);
}

TEST_CASE("too many waiting stock commands, and a full journal, are refused with Retry-After") {
  ApiBench bench;
  bench.settings.stock.waiting_max = 1;
  bench.ask(http::Method::put, "/v1/stock/a", R"({"on_hand":1})");
  auto refused = bench.ask(http::Method::put, "/v1/stock/a", R"({"on_hand":1})");
  REQUIRE(refused->response);
  CHECK_EQ(refused->response->status, 429);
  bench.stock_commands[0].second(200, "{}");
  CHECK_FALSE(bench.ask(http::Method::put, "/v1/stock/a", R"({"on_hand":1})")->response);

  ApiBench full;
  full.sources.submit_stock = [](const auto&, auto) -> base::Status {
    return base::Error(base::ErrorCode::unavailable, "disk full");
  };
  refused = full.ask(http::Method::put, "/v1/stock/a", R"({"on_hand":1})");
  REQUIRE(refused->response);
  CHECK_EQ(refused->response->status, 503);
  CHECK_EQ(refused->response->headers.at(0).first, "Retry-After");
}

TEST_CASE("a live page gets what is known, then pulses, changes and actions") {
  ApiBench bench;
  bench.apply(make_visitor("v-1", {"shoe-1"}));
  bench.sources.live_figures = [] {
    LiveFigures figures;
    figures.ack.p99_ms = 4.5;
    return figures;
  };
  const auto page = bench.ask(http::Method::get, "/v1/live");
  REQUIRE(page->chunks);
  CHECK_EQ(page->response->content_type, "text/event-stream");
  CHECK(contains(page->chunks->text, "event: trending\n"));
  CHECK(contains(page->chunks->text, "event: products\n"));
  CHECK(contains(page->chunks->text, "event: funnel\n"));
  CHECK(contains(page->chunks->text, R"("visitor_id":"v-1","state":"open")"));
  page->chunks->text.clear();

  event::LedgerCell cell;
  for (int tick = 0; tick < 10; ++tick) {
    cell.received = cell.verdicts[0] = static_cast<std::uint64_t>(100 * tick);
    bench.apply(cell);
    bench.get_api().tick();
    bench.clock.instant.ns += 200'000'000;
  }
  CHECK(contains(page->chunks->text, R"("events_total":900,"events_per_s":500,)"));
  CHECK(contains(page->chunks->text, R"("ack_p99_ms":4.5)"));
  CHECK_FALSE(contains(page->chunks->text, "event: session\nevent: session"));

  page->chunks->text.clear();
  event::Action action;
  action.id = 5;
  action.payload = R"({"a":1})";
  bench.get_api().live().publish(action);
  bench.get_api().tick();
  CHECK(contains(page->chunks->text, R"("id":"0000000000000005","kind":"cart_abandoned")"));
  CHECK(contains(page->chunks->text, R"("payload":{"a":1})"));
}

TEST_CASE("session events are a bounded sample, oldest change first") {
  ApiBench bench;
  const auto page = bench.ask(http::Method::get, "/v1/live");
  for (std::uint64_t id = 1; id <= 50; ++id) {
    auto visitor = make_visitor("v-" + std::to_string(id), {});
    visitor->session_id = id;
    bench.apply(visitor);
  }
  page->chunks->text.clear();
  bench.get_api().tick();
  const auto first = page->chunks->text.find("v-49");
  const auto second = page->chunks->text.find("v-50");
  CHECK_NE(second, std::string::npos);
  CHECK_LT(first, second);
  CHECK_FALSE(contains(page->chunks->text, "v-48"));
  page->chunks->text.clear();
  bench.get_api().tick();
  CHECK_FALSE(contains(page->chunks->text, "event: session"));
}

TEST_CASE("a live page that is gone is dropped, and there is a limit to how many there are") {
  ApiBench bench;
  bench.settings.live.clients_max = 2;
  const auto first = bench.ask(http::Method::get, "/v1/live");
  const auto second = bench.ask(http::Method::get, "/v1/live");
  CHECK_EQ(bench.get("/v1/live").status, 503);
  first->chunks->closed = true;
  bench.get_api().tick();
  CHECK_EQ(bench.get_api().live().clients(), 1);
  CHECK(bench.ask(http::Method::get, "/v1/live")->chunks);
}

TEST_CASE("what went wrong with a statement decides the status") {
  const auto status = [](base::ErrorCode code, const char* message) {
    return sql_answer(base::Error(code, message)).status;
  };
  CHECK_EQ(status(base::ErrorCode::invalid_argument, "syntax error"), 400);
  CHECK_EQ(status(base::ErrorCode::unavailable, "took too long"), 408);
  CHECK_EQ(status(base::ErrorCode::exhausted, "4 are running"), 429);
  CHECK_EQ(status(base::ErrorCode::io, "disk"), 500);
  CHECK(contains(sql_answer(base::Error(base::ErrorCode::invalid_argument, "not allowed: COPY")).body,
                 "sql_not_allowed"));
  CHECK(contains(sql_answer(base::Error(base::ErrorCode::invalid_argument, "only SELECT is allowed")).body,
                 "sql_not_allowed"));
  const auto for_admins = sql_answer(base::Error(base::ErrorCode::invalid_argument,
                                                 "not allowed: only the role admin may read admin.audit"));
  CHECK_EQ(for_admins.status, 403);
  CHECK(contains(for_admins.body, "role_too_low"));
  query::SqlResult result;
  result.columns = {{"n", "BIGINT"}};
  result.rows = {{{query::SqlCell::Kind::number, "1"}}};
  CHECK_EQ(sql_answer(result).body,
           R"({"columns":[{"name":"n","type":"BIGINT"}],"rows":[[1]],"took_ms":0,"truncated":false})");
}

TEST_CASE("a parameter that nothing reads, and a member that is given twice, are refused") {
  ApiBench bench;
  bench.sources.lake = [] { return LakeStatus{}; };
  bench.sources.status = [] { return PlatformStatus{}; };
  bench.sources.suppressions = [] { return std::vector<SuppressedId>{}; };
  bench.sources.contracts = [](std::string_view, const http::Request&,
                               std::function<void(http::Response)> send) { send(http::Response{}); };
  for (const char* path : {"/v1/lake", "/v1/status", "/v1/privacy/suppressions", "/v1/contracts",
                           "/v1/contracts/modes", "/v1/contracts/violations"}) {
    CAPTURE(path);
    CHECK_EQ(bench.get(path).status, 200);
    const auto refused = bench.get(std::string(path) + "?n=-1");
    CHECK_EQ(refused.status, 400);
    CHECK(contains(refused.body, "There is no parameter 'n' here."));
  }
  const auto twice = bench.ask(http::Method::put, "/v1/stock/tea", R"({"on_hand":1,"on_hand":2})");
  REQUIRE(twice->response);
  CHECK_EQ(twice->response->status, 400);
  CHECK(contains(twice->response->body, "Give it once."));
}

TEST_CASE("readiness names its reasons") {
  ApiBench bench;
  bench.sources.unready_reasons = [] { return std::vector<std::string>{"replaying events/0"}; };
  const auto response = bench.get("/readyz");
  CHECK_EQ(response.status, 503);
  CHECK_EQ(response.body, R"({"ready":false,"reasons":["replaying events/0"],"waiting":[]})");
}

TEST_CASE("what waits behind the door is told, and is no reason to turn events away") {
  ApiBench bench;
  bench.sources.waiting_reasons = [] { return std::vector<std::string>{"the lake takes no commit"}; };
  const auto response = bench.get("/readyz");
  CHECK_EQ(response.status, 200);
  CHECK_EQ(response.body, R"({"ready":true,"reasons":[],"waiting":["the lake takes no commit"]})");
}

TEST_CASE("embedded files are served with types, tags and compression") {
  const EmbeddedFile files[] = {{"/index.html", "<p>hello</p>", "", "\"t1\""},
                                {"/assets/app-1a2b.js", "let plain;", "squeezed", "\"t2\""},
                                {"/millrace.js", "tag()", "", "\"t3\""}};
  http::Router router;
  add_static_files(router, files);
  const auto ask = [&](std::string_view target,
                       std::vector<std::pair<std::string_view, std::string_view>> headers) {
    auto recorder = std::make_shared<http::Recorder>();
    http::Request request;
    request.target = target;
    request.headers = std::move(headers);
    REQUIRE(http::parse_target(target, request));
    router.dispatch(request, http::Responder(recorder));
    REQUIRE(recorder->response);
    return *recorder->response;
  };
  const auto header = [](const http::Response& response, std::string_view name) -> std::string {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  };
  const auto page = ask("/", {});
  CHECK_EQ(page.body, "<p>hello</p>");
  CHECK_EQ(page.content_type, "text/html; charset=utf-8");
  CHECK_EQ(header(page, "Cache-Control"), "no-cache");
  CHECK(contains(header(page, "Content-Security-Policy"), "default-src 'self'"));
  for (const char* list :
       {"gzip;q=0", "br, gzip;q=0.000, *", "*, x-gzip; q=0", "*;q=0", "gzip2", "identity, br", ""}) {
    CAPTURE(list);
    const auto plain = ask("/assets/app-1a2b.js", {{"Accept-Encoding", list}});
    CHECK(header(plain, "Content-Encoding").empty());
  }
  for (const char* list : {"gzip;q=0.1", "br;q=0,GZIP", "*", "deflate, *;q=0.5"}) {
    CAPTURE(list);
    CHECK_EQ(header(ask("/assets/app-1a2b.js", {{"Accept-Encoding", list}}), "Content-Encoding"), "gzip");
  }
  const auto packed = ask("/assets/app-1a2b.js", {{"Accept-Encoding", "br, gzip"}});
  CHECK_EQ(packed.body, "squeezed");
  CHECK_EQ(header(packed, "Content-Encoding"), "gzip");
  CHECK(contains(header(packed, "Cache-Control"), "immutable"));
  CHECK_EQ(ask("/assets/app-1a2b.js", {}).body, "let plain;");
  const auto unchanged = ask("/index.html", {{"If-None-Match", "\"t1\""}});
  CHECK_EQ(unchanged.status, 304);
  CHECK(unchanged.body.empty());
  CHECK_EQ(ask("/assets/other.js", {}).status, 404);
  const auto tag = ask("/millrace.js", {});
  CHECK_EQ(tag.content_type, "text/javascript; charset=utf-8");
  CHECK_EQ(header(tag, "Cache-Control"), "public, max-age=3600, stale-while-revalidate=86400");
  CHECK_EQ(header(tag, "Access-Control-Allow-Origin"), "*");
  CHECK_EQ(ask("/millrace.js", {{"If-None-Match", "\"t3\""}}).status, 304);
}

TEST_CASE("without a dashboard the front page says how to build it") {
  http::Router router;
  add_static_files(router, {});
  auto recorder = std::make_shared<http::Recorder>();
  http::Request request;
  request.target = request.path = "/";
  router.dispatch(request, http::Responder(recorder));
  CHECK(contains(recorder->response->body, "npm run build"));
}

TEST_CASE("the cost of a recommendation's answer, the recommender aside" * doctest::skip()) {
  ApiBench bench;
  base::SeededRandom random(9);
  for (int i = 0; i < 20'000; ++i) bench.apply(make_product("product-" + std::to_string(i), "shoes", 5));
  for (int i = 0; i < 36; ++i)
    bench.recommendations.session.push_back(
        {"product-" + std::to_string(random.below(20'000)), 1.0 / (i + 1)});
  bench.apply(make_visitor("v", {"product-1", "product-2"}));
  const std::clock_t start = std::clock();
  for (int i = 0; i < 20'000; ++i) bench.get("/v1/recommendations?visitor=v&n=20");
  const double taken_us = 1e6 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / 20'000;
  MESSAGE(taken_us << " us a request of 20 products");
}
