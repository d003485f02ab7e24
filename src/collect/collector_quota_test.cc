#include <doctest/doctest.h>

#include "collect/collector.h"
#include "collect/segment_dialect.h"
#include "http/recorder.h"
#include "journal/memory_journal.h"
#include "sim/sim_clock.h"

using namespace millrace;
using namespace millrace::collect;

TEST_CASE("a batch over its source's quota is refused whole, and what it brought is nowhere") {
  sim::SimClock clock{base::WallTime{1'750'000'000'000}};
  const auto quota = std::make_shared<Quota>(10, 3, clock);
  SourceSettings metered{1, "shop", "wk", "", true};
  metered.quota = quota;
  const SourceTable table = *SourceTable::make({metered, {2, "app", "free", "", true}}, {});
  const SegmentDialect dialect(table, {});
  journal::MemoryJournal journal;
  journal::GroupCommit commit(journal, clock, {});
  Collector collector({}, {&commit}, clock);
  collector.meter(table);
  http::Router router;
  collector.attach(dialect, router);
  const auto post = [&](int items, std::string_view key) {
    std::string body = R"({"batch":[)";
    for (int i = 0; i < items; ++i) {
      body += std::string(i > 0 ? "," : "") + R"({"type":"track","event":"E","anonymousId":"a"})";
    }
    body += "]}";
    http::Request request;
    request.method = http::Method::post;
    REQUIRE(http::parse_target("/v1/batch", request));
    request.headers.emplace_back("X-Write-Key", key);
    request.body = body;
    const auto recorder = std::make_shared<http::Recorder>();
    router.dispatch(request, http::Responder(recorder));
    while (commit.run_once()) {
    }
    REQUIRE(recorder->response);
    return *recorder->response;
  };
  CHECK(post(2, "wk").status == 200);
  const auto refused = post(2, "wk");
  CHECK(refused.status == 429);
  CHECK(refused.body.find("\"over_quota\"") != std::string::npos);
  CHECK(post(1, "wk").status == 200);
  CHECK(post(1, "wk").status == 429);
  CHECK(post(50, "free").status == 200);
  CHECK(journal.end().value == 53);
  CHECK(collector.counters().requests_over_quota.load() == 2);
  CHECK(collector.counters().items_received.load() == 53);
  const auto refusals = collector.refusals().entries();
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].source == 1);
  CHECK(refusals[0].code == "over_quota");
  CHECK(refusals[0].requests == 2);
}
