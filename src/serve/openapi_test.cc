#include <doctest/doctest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <set>

#include "serve/api_bench.h"
#include "serve/recent_items.h"
#include "serve/routes.h"
#include "serve/schema_check.h"

using namespace millrace;
using namespace millrace::serve;

namespace {

std::string description_text() {
  std::ifstream file(MILLRACE_SOURCE_DIR "/src/serve/openapi.json", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// A route's pattern as OpenAPI writes it.
std::string described_path(std::string pattern) {
  if (const auto dots = pattern.find("..."); dots != std::string::npos) pattern.erase(dots, 3);
  return pattern;
}

struct Description {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  Description() { document = parser.parse(simdjson::padded_string(description_text())); }

  // The schema of an answer's JSON.
  simdjson::dom::element answer_schema(const std::string& path, const std::string& method, int status) {
    simdjson::dom::element schema;
    const auto error = document["paths"][path][method]["responses"][std::to_string(status)]["content"]
                               ["application/json"]["schema"]
                                   .get(schema);
    REQUIRE_MESSAGE(error == simdjson::SUCCESS, method << " " << path << " does not describe " << status);
    return schema;
  }
};

void fill(ApiBench& bench) {
  bench.apply(make_product("shoe-1", "shoes", 12));
  bench.apply(make_product("shoe-2"));
  auto unpriced = make_product("x\"y\n");
  unpriced->currency = {};
  unpriced->price = {};
  bench.apply(event::ViewUpdate(std::shared_ptr<const event::ProductView>(unpriced)));
  bench.apply(make_visitor("v-1", {"shoe-2", "shoe-1"}));
  auto fresh = make_visitor("v-2", {});
  fresh->user_id = "u-2";
  fresh->session_id = 9;
  bench.apply(fresh);
  bench.apply(make_trending("", {"shoe-2", "unknown"}));
  bench.apply(make_trending("shoes", {"shoe-1"}));
  event::FunnelCell cell;
  cell.minute_ms = 1'795'258'800'000;
  cell.channel = event::Channel::paid;
  cell.category = "shoes";
  cell.sessions = {7, 6, 5, 4, 3, 2, 1};
  bench.apply(cell);
  event::LedgerCell ledger;
  ledger.minute_ms = 1'795'258'800'000;
  ledger.received = 3;
  ledger.verdicts = {2, 1};
  bench.apply(ledger);
  ledger.source = 40;
  bench.apply(ledger);
  bench.recommendations.session = {{"shoe-2", 0.5}, {"shoe-1", 0.4}};
  bench.sources.lake = [] {
    LakeStatus status;
    status.tables.push_back({"conformed.events", 5, 1, 1, 100, 7, {1'795'258'800'000}, {{"events/0", 5}}});
    status.tables.push_back({"raw.events", 0, 0, 0, 0, 0, {}, {}});
    return status;
  };
  bench.sources.status = [] {
    PlatformStatus status;
    status.started_at = {1'795'258'000'000};
    status.partitions.push_back({"events/0", 0, 5, 5});
    return status;
  };
  bench.sources.actions = [](const ActionQuery&) {
    ActionEntry entry;
    entry.action.id = 77;
    entry.action.visitor_id = "v-1";
    entry.action.at = {1'795'258'800'000};
    entry.action.payload = R"({"cart":[]})";
    entry.state = DeliveryState::failed;
    entry.last_error = "500";
    return std::vector<ActionEntry>{entry, {}};
  };
  bench.sources.offer = [](std::string_view visitor) -> std::optional<event::Action> {
    event::Action left;
    left.id = 78;
    left.visitor_id = visitor;
    left.at = {1'795'258'800'000};
    return left;
  };
  bench.sources.run_sql = [](std::string, const http::Request&, Respond respond) {
    respond(json_response(
        R"({"columns":[{"name":"n","type":"BIGINT"}],"rows":[[1]],"took_ms":3,"truncated":false})"));
  };
  static RecentItems recent{RecentItemLimits{}};
  event::Event seen;
  seen.raw = R"({"type":"page"})";
  seen[event::Text::anonymous_id] = "v-1";
  seen[event::Text::message_id] = "m-1";
  seen[event::Text::extra] = R"({"context":{"a":1}})";
  auto& shoe = seen.products.emplace_back();
  shoe.product_id = "shoe-1";
  shoe.price = {1'000'000};
  shoe.has_price = true;
  seen.set(event::Amount::revenue, {1'000'000});
  recent.accepted(seen, bench.clock.wall());
  recent.accepted(seen, bench.clock.wall());
  event::QuarantinedItem broken;
  broken.reason = "invalid_json";
  broken.raw = "{\xff";
  recent.turned_away(broken, event::Verdict::quarantined, bench.clock.wall());
  recent.refused("unknown_write_key", "No source has this write key.", bench.clock.wall());
  bench.sources.recent_items = &recent;
  bench.sources.make_visitor_id = [] { return std::string(32, 'a'); };
  bench.sources.advance_clock = [](base::WallTime) -> base::Status { return base::Ok{}; };
  bench.sources.suppress = [](std::string_view id) -> base::Result<bool> {
    if (id == "bad") return base::Error(base::ErrorCode::invalid_argument, "No.");
    if (id == "full") return base::Error(base::ErrorCode::exhausted, "No space.");
    return true;
  };
  bench.sources.end_suppression = [](std::string_view) -> base::Result<bool> { return false; };
  bench.sources.erase_person = [](std::string_view id) -> base::Result<bool> {
    if (id == "full") return base::Error(base::ErrorCode::io, "write failed");
    return true;
  };
  bench.sources.open_vault = [](const std::vector<std::string>& tokens,
                                event::Purpose) -> base::Result<std::vector<OpenedToken>> {
    return std::vector<OpenedToken>{{tokens.front(), "opened", "ada@example.com"}, {"tok", "gone", ""}};
  };
  bench.sources.vault_openings = [] {
    return std::vector<VaultOpening>(3, {{1}, "api", "marketing", "opened", "tok_1_00"});
  };
  bench.sources.suppressions = [] {
    return std::vector<SuppressedId>{{std::string(32, 'a'), {1'795'258'800'000}}};
  };
}

struct Exchange {
  http::Method method;
  std::string target;
  std::string path;  // As described.
  int status;
  std::string body;
};

const Exchange kExchanges[] = {
    {http::Method::get, "/v1/privacy/suppressions", "/v1/privacy/suppressions", 200, ""},
    {http::Method::put, "/v1/privacy/suppressions/ada%40example.com", "/v1/privacy/suppressions/{id}", 200,
     ""},
    {http::Method::put, "/v1/privacy/suppressions/bad", "/v1/privacy/suppressions/{id}", 400, ""},
    {http::Method::put, "/v1/privacy/suppressions/full", "/v1/privacy/suppressions/{id}", 503, ""},
    {http::Method::del, "/v1/privacy/suppressions/u", "/v1/privacy/suppressions/{id}", 200, ""},
    {http::Method::del, "/v1/privacy/persons/ada%40example.com", "/v1/privacy/persons/{id}", 200, ""},
    {http::Method::del, "/v1/privacy/persons/full", "/v1/privacy/persons/{id}", 503, ""},
    {http::Method::post, "/v1/vault/open", "/v1/vault/open", 200,
     R"({"tokens":["tok_1_2041394ff91c5a145c57fdf513340172"],"purpose":"marketing"})"},
    {http::Method::post, "/v1/vault/open", "/v1/vault/open", 400, R"({"tokens":["t"],"purpose":"fun"})"},
    {http::Method::post, "/v1/vault/open", "/v1/vault/open", 400, R"({"tokens":[],"purpose":"marketing"})"},
    {http::Method::post, "/v1/vault/open", "/v1/vault/open", 400, R"({"tokens":[1],"purpose":"marketing"})"},
    {http::Method::get, "/v1/vault/openings?n=2", "/v1/vault/openings", 200, ""},
    {http::Method::get, "/v1/vault/openings?n=0", "/v1/vault/openings", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v-1", "/v1/recommendations", 200, ""},
    {http::Method::get, "/v1/recommendations?visitor=nobody&n=100", "/v1/recommendations", 200, ""},
    {http::Method::get, "/v1/recommendations?items=a,shoe-1&include_current=1", "/v1/recommendations", 200,
     ""},
    {http::Method::get, "/v1/recommendations", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?items=,&n=1", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&items=a", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&n=0", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&n=101", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&n=1.5", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&include_current=yes", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&limit=3", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/recommendations?visitor=v&visitor=w", "/v1/recommendations", 400, ""},
    {http::Method::get, "/v1/offers?visitor=v-1", "/v1/offers", 200, ""},
    {http::Method::get, "/v1/offers", "/v1/offers", 400, ""},
    {http::Method::get, "/v1/offers?visitor=v-1&n=2", "/v1/offers", 400, ""},
    {http::Method::get, "/v1/trending", "/v1/trending", 200, ""},
    {http::Method::get, "/v1/trending?category=shoes&n=1", "/v1/trending", 200, ""},
    {http::Method::get, "/v1/trending?category=none", "/v1/trending", 200, ""},
    {http::Method::get, "/v1/trending?n=x", "/v1/trending", 400, ""},
    {http::Method::get, "/v1/visitors/v-1", "/v1/visitors/{id}", 200, ""},
    {http::Method::get, "/v1/visitors/v-2", "/v1/visitors/{id}", 200, ""},
    {http::Method::get, "/v1/visitors/nobody", "/v1/visitors/{id}", 404, ""},
    {http::Method::get, "/v1/visitors/v-1?n=1", "/v1/visitors/{id}", 400, ""},
    {http::Method::get, "/v1/products", "/v1/products", 200, ""},
    {http::Method::get, "/v1/products?sort=views&n=5", "/v1/products", 200, ""},
    {http::Method::get, "/v1/products?sort=price", "/v1/products", 400, ""},
    {http::Method::get, "/v1/products/shoe-1", "/v1/products/{sku}", 200, ""},
    {http::Method::get, "/v1/products/x%22y%0A", "/v1/products/{sku}", 200, ""},
    {http::Method::get, "/v1/products/none", "/v1/products/{sku}", 404, ""},
    {http::Method::get, "/v1/products/shoe-1?x=1", "/v1/products/{sku}", 400, ""},
    {http::Method::get, "/v1/sessions", "/v1/sessions", 200, ""},
    {http::Method::get, "/v1/sessions?n=501", "/v1/sessions", 400, ""},
    {http::Method::get, "/v1/funnel", "/v1/funnel", 200, ""},
    {http::Method::get, "/v1/funnel?by=channel,device,category", "/v1/funnel", 200, ""},
    {http::Method::get, "/v1/funnel?from=2026-11-21&to=2026-11-22&by=category", "/v1/funnel", 200, ""},
    {http::Method::get, "/v1/funnel?from=0&to=1795259999999&by=category", "/v1/funnel", 200, ""},
    {http::Method::get, "/v1/funnel?by=country", "/v1/funnel", 400, ""},
    {http::Method::get, "/v1/funnel?from=yesterday", "/v1/funnel", 400, ""},
    {http::Method::get, "/v1/funnel?from=2026-11-22&to=2026-11-21", "/v1/funnel", 400, ""},
    {http::Method::get, "/v1/ledger", "/v1/ledger", 200, ""},
    {http::Method::get, "/v1/ledger?source=shop&step=range", "/v1/ledger", 200, ""},
    {http::Method::get, "/v1/ledger?step=day", "/v1/ledger", 400, ""},
    {http::Method::get, "/v1/ledger?source=none", "/v1/ledger", 404, ""},
    {http::Method::put, "/v1/stock/shoe-1", "/v1/stock/{sku}", 400, "{}"},
    {http::Method::put, "/v1/stock/shoe-1", "/v1/stock/{sku}", 400, "not json"},
    {http::Method::put, "/v1/stock/shoe-1", "/v1/stock/{sku}", 400, R"({"on_hand":-1})"},
    {http::Method::put, "/v1/stock/shoe-1", "/v1/stock/{sku}", 400, R"({"on_hand":1,"ttl":3})"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400, "[]"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400, R"({"id":"r","lines":[]})"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400,
     R"({"id":"r","lines":[{"sku":"a","quantity":1},{"sku":"a","quantity":1}]})"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400,
     R"({"id":"r","lines":[{"sku":"a","quantity":0}]})"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400,
     R"({"id":"r","lines":[{"sku":"a","quantity":1,"price":3}]})"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400,
     R"({"id":"r","lines":[{"sku":"a","quantity":1}],"ttl_s":86401})"},
    {http::Method::post, "/v1/stock/reservations", "/v1/stock/reservations", 400,
     R"({"id":"r","lines":[{"sku":"a","quantity":1000000001}]})"},
    {http::Method::put, "/v1/stock/" + std::string(201, 's'), "/v1/stock/{sku}", 400, R"({"on_hand":1})"},
    {http::Method::put, "/v1/stock/%FF", "/v1/stock/{sku}", 400, R"({"on_hand":1})"},
    {http::Method::post, "/v1/stock/reservations/%C3/commit", "/v1/stock/reservations/{id}/commit", 400, ""},
    {http::Method::del, "/v1/stock/reservations/%C3", "/v1/stock/reservations/{id}", 400, ""},
    {http::Method::get, "/v1/events/recent", "/v1/events/recent", 200, ""},
    {http::Method::get, "/v1/events/recent?source=shop&verdict=quarantined&n=1&after=1&contains=%7B",
     "/v1/events/recent", 200, ""},
    {http::Method::get, "/v1/events/recent?source=none", "/v1/events/recent", 404, ""},
    {http::Method::get, "/v1/events/recent?verdict=good", "/v1/events/recent", 400, ""},
    {http::Method::get, "/v1/events/stream?source=none", "/v1/events/stream", 404, ""},
    {http::Method::get, "/v1/events/stream?n=0", "/v1/events/stream", 400, ""},
    {http::Method::get, "/v1/id", "/v1/id", 200, ""},
    {http::Method::post, "/v1/id?anonymous=1", "/v1/id", 200, ""},
    {http::Method::get, "/v1/id?anonymous=yes", "/v1/id", 400, ""},
    {http::Method::get, "/v1/actions?state=failed", "/v1/actions", 200, ""},
    {http::Method::get, "/v1/actions?state=lost", "/v1/actions", 400, ""},
    {http::Method::post, "/v1/sql", "/v1/sql", 200, R"({"sql":"select 1"})"},
    {http::Method::post, "/v1/sql", "/v1/sql", 400, R"({"query":"select 1"})"},
    {http::Method::get, "/v1/contracts", "/v1/contracts", 503, ""},
    {http::Method::put, "/v1/contracts/modes", "/v1/contracts/modes", 503, "{}"},
    {http::Method::get, "/v1/quarantine", "/v1/quarantine", 503, ""},
    {http::Method::get, "/v1/lake", "/v1/lake", 200, ""},
    {http::Method::get, "/v1/status", "/v1/status", 200, ""},
    {http::Method::post, "/v1/clock", "/v1/clock", 200, R"({"advance_to":"2026-11-21T10:00:00Z"})"},
    {http::Method::post, "/v1/clock", "/v1/clock", 400, R"({"advance_to":"soon"})"},
    {http::Method::get, "/healthz", "/healthz", 200, ""},
    {http::Method::get, "/readyz", "/readyz", 200, ""},
};

}  // namespace

TEST_CASE("every route is described, and nothing else is") {
  Description description;
  ApiBench bench;
  std::set<std::string> routes, described;
  for (const RouteProbe& probe : bench.get_api().routes().probes()) {
    routes.insert(lower(http::to_string(probe.method)) + " " + described_path(probe.pattern));
  }
  for (const auto& [path, operations] : simdjson::dom::object(description.document["paths"])) {
    for (const auto& [method, operation] : simdjson::dom::object(operations)) {
      described.insert(std::string(method) + " " + std::string(path));
    }
  }
  CHECK_EQ(routes, described);
}

TEST_CASE("every operation says what its other errors look like") {
  Description description;
  for (const auto& [path, operations] : simdjson::dom::object(description.document["paths"])) {
    for (const auto& [method, operation] : simdjson::dom::object(operations)) {
      CAPTURE(path);
      CHECK(operation["responses"]["default"].error() == simdjson::SUCCESS);
    }
  }
}

TEST_CASE("every example of the description fits its schema") {
  Description description;
  SchemaCheck check(description.document);
  int examples = 0;
  const auto check_content = [&](simdjson::dom::element content, const std::string& where) {
    simdjson::dom::element example;
    if (content["application/json"]["example"].get(example) != simdjson::SUCCESS) return;
    ++examples;
    CHECK_EQ(check.problem(content["application/json"]["schema"], example, where), "");
  };
  for (const auto& [path, operations] : simdjson::dom::object(description.document["paths"])) {
    for (const auto& [method, operation] : simdjson::dom::object(operations)) {
      const std::string where = std::string(method) + " " + std::string(path);
      simdjson::dom::element body;
      if (operation["requestBody"]["content"].get(body) == simdjson::SUCCESS) check_content(body, where);
      for (const auto& [status, answer] : simdjson::dom::object(operation["responses"])) {
        simdjson::dom::element content;
        if (answer["content"].get(content) == simdjson::SUCCESS)
          check_content(content, where + " " + std::string(status));
      }
    }
  }
  CHECK_GT(examples, 50);
}

TEST_CASE("what the routes answer fits the description") {
  Description description;
  SchemaCheck check(description.document);
  ApiBench bench;
  fill(bench);
  for (const Exchange& exchange : kExchanges) {
    CAPTURE(exchange.target);
    CAPTURE(exchange.body);
    const auto recorder = bench.ask(exchange.method, exchange.target, exchange.body);
    REQUIRE(recorder->response);
    CHECK_EQ(recorder->response->status, exchange.status);
    simdjson::dom::parser parser;
    simdjson::dom::element answer;
    REQUIRE(parser.parse(simdjson::padded_string(recorder->response->body)).get(answer) == simdjson::SUCCESS);
    const auto schema =
        description.answer_schema(exchange.path, lower(http::to_string(exchange.method)), exchange.status);
    CHECK_EQ(check.problem(schema, answer, ""), "");
  }
}

TEST_CASE("a source that is missing is answered 503, in JSON") {
  ApiBench bench;
  bench.sources = {};
  for (const char* target :
       {"/v1/lake", "/v1/status", "/v1/actions", "/v1/offers?visitor=v", "/iceberg/v1/config"}) {
    const auto response = bench.get(target);
    CHECK_EQ(response.status, 503);
    CHECK_NE(response.body.find("not_available"), std::string::npos);
  }
  CHECK_EQ(bench.ask(http::Method::post, "/v1/sql", R"({"sql":"select 1"})")->response->status, 503);
  CHECK_EQ(bench.ask(http::Method::put, "/v1/stock/a", R"({"on_hand":1})")->response->status, 503);
  CHECK_EQ(bench.ask(http::Method::post, "/v1/clock", R"({"advance_to":"2026-11-21"})")->response->status,
           409);
}

TEST_CASE("the description is served as it is in the source tree") {
  ApiBench bench;
  const auto response = bench.get("/openapi.json");
  CHECK_EQ(response.content_type, "application/json");
  CHECK_EQ(response.body, description_text());
}
