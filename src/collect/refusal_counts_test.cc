#include "collect/refusal_counts.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "collect/collector.h"
#include "collect/segment_dialect.h"
#include "collect/snowplow_dialect.h"
#include "collect/webhook_dialect.h"
#include "http/recorder.h"
#include "journal/memory_journal.h"
#include "sim/sim_clock.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

constexpr std::string_view kTrack = R"({"event":"E","anonymousId":"a"})";

SourceTable all_kinds() {
  std::vector<SourceSettings> sources = {{1, "plain", "plain", "", true}, {2, "secret", "secret", "s3", true},
                                         {3, "off", "off", "", false},    {4, "pages", "pages", "", true},
                                         {5, "away", "away", "", true},   {6, "hooks", "hooks", "s3", true}};
  sources[3].origins = {"https://shop.example"};
  return *SourceTable::make(std::move(sources), {});
}

struct Door {
  explicit Door(std::size_t pending_bytes_max = 1 << 20)
      : commit(journal, clock, journal::GroupCommitSettings{.pending_bytes_max = pending_bytes_max}) {
    collector.attach(segment, router);
    collector.attach(snowplow, router);
    collector.attach(webhooks, router);
  }
  ~Door() {
    while (commit.run_once()) {
    }
  }
  struct Call {
    http::Request request;
    std::string target, body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::shared_ptr<http::Recorder> recorder = std::make_shared<http::Recorder>();
  };
  // The answer's status; 0 when there is none yet.
  int post(std::string_view target, std::string_view body,
           std::vector<std::pair<std::string, std::string>> headers) {
    Call& call = *calls.emplace_back(std::make_unique<Call>());
    call.target = target;
    call.body = body;
    call.request.method = http::Method::post;
    REQUIRE(http::parse_target(call.target, call.request));
    call.headers = std::move(headers);
    for (const auto& [name, value] : call.headers) call.request.headers.emplace_back(name, value);
    call.request.body = call.body;
    router.dispatch(call.request, http::Responder(call.recorder));
    return call.recorder->response ? call.recorder->response->status : 0;
  }
  std::map<std::pair<int, std::string>, std::uint64_t> counted() const {  // -1: nobody's.
    std::map<std::pair<int, std::string>, std::uint64_t> found;
    for (const auto& entry : collector.refusals().entries()) {
      found[{entry.source ? int{*entry.source} : -1, std::string(entry.code)}] = entry.requests;
    }
    return found;
  }

  sim::SimClock clock{base::WallTime{1'750'000'000'000}};
  SourceTable table = all_kinds();
  journal::MemoryJournal journal;
  journal::GroupCommit commit;
  SegmentDialect segment{table, {}};
  SnowplowDialect snowplow{table, {}, {}};
  WebhookDialect webhooks{table, {}, nullptr};
  std::vector<std::unique_ptr<Call>> calls;
  http::Router router;
  Collector collector{{.elsewhere = {false, false, false, false, false, true}}, {&commit}, clock};
};

}  // namespace

TEST_CASE("a request that is turned away counts for the source that it showed, or for nobody") {
  struct Row {
    std::string_view target, body;
    std::vector<std::pair<std::string, std::string>> headers;
    int status;
    int source;
    std::string_view code;
  };
  const std::vector<Row> rows = {
      {"/v1/track", kTrack, {{"X-Write-Key", "none"}}, 401, -1, "unknown_write_key"},
      {"/v1/track", kTrack, {}, 401, -1, "unknown_write_key"},
      {"/v1/track", kTrack, {{"X-Write-Key", "secret:wrong"}}, 401, 2, "unknown_write_key"},
      {"/v1/track", kTrack, {{"X-Write-Key", "off"}}, 404, 3, "source_disabled"},
      {"/v1/track",
       kTrack,
       {{"X-Write-Key", "pages"}, {"Origin", "https://e.example"}},
       403,
       4,
       "origin_not_allowed"},
      {"/v1/track", kTrack, {{"X-Write-Key", "away"}}, 421, 5, "other_region"},
      {"/v1/track", "{", {{"X-Write-Key", "plain"}}, 400, 1, "invalid_json"},
      {"/v1/track", "{", {}, 400, -1, "invalid_json"},
      // The write key in the body, of the batch or of its item.
      {"/v1/batch", R"({"writeKey":"off","batch":[]})", {}, 404, 3, "source_disabled"},
      {"/v1/batch", R"({"batch":[{"type":"track","writeKey":"off"}]})", {}, 404, 3, "source_disabled"},
      {"/v1/batch", R"({"writeKey":"plain","batch":[,]})", {}, 400, 1, "invalid_json"},
      {"/com.snowplowanalytics.snowplow/tp2",
       R"({"data":[{"e":"pv","aid":"off"}]})",
       {},
       404,
       3,
       "source_disabled"},
      {"/webhooks/shopify/hooks", "{}", {}, 401, 6, "bad_signature"},
      {"/webhooks/shopify/none", "{}", {}, 401, -1, "unknown_write_key"},
      {"/webhooks/json/hooks", "{}", {}, 404, 6, "no_mapping"}};
  for (const Row& row : rows) {
    CAPTURE(row.target);
    CAPTURE(row.body);
    Door door;
    CHECK(door.post(row.target, row.body, row.headers) == row.status);
    const std::map<std::pair<int, std::string>, std::uint64_t> one = {
        {{row.source, std::string(row.code)}, 1}};
    CHECK(door.counted() == one);
    CHECK(door.post(row.target, row.body, row.headers) == row.status);
    CHECK(door.counted().begin()->second == 2);
    CHECK(door.journal.end().value == 0);
  }
}

TEST_CASE("what is let in is in no refusal, and nor is what the request before it showed") {
  Door door;
  CHECK(door.post("/v1/track", kTrack, {{"X-Write-Key", "plain"}}) == 0);
  CHECK(door.counted().empty());
  CHECK(door.post("/v1/track", "{", {}) == 400);
  CHECK(door.counted() == std::map<std::pair<int, std::string>, std::uint64_t>{{{-1, "invalid_json"}, 1}});
}

TEST_CASE("a batch of several sources that the journal does not take counts once for each of them") {
  Door door(100);
  const std::string batch = R"({"batch":[{"type":"track","event":"E","anonymousId":"a","writeKey":"plain"},)"
                            R"({"type":"track","event":"E","anonymousId":"a","writeKey":"pages"},)"
                            R"({"type":"track","event":"E","anonymousId":"a","writeKey":"plain"},)"
                            R"({"type":"track","event":"E","anonymousId":"a","writeKey":"none"}]})";
  int refused = 0;
  for (int i = 0; i < 4; ++i) refused += door.post("/v1/batch", batch, {}) == 429;
  REQUIRE(refused > 0);
  const auto times = static_cast<std::uint64_t>(refused);
  CHECK(door.counted() == std::map<std::pair<int, std::string>, std::uint64_t>{{{1, "overloaded"}, times},
                                                                               {{4, "overloaded"}, times}});
  CHECK(door.collector.counters().items_refused.load() == 4);
}
