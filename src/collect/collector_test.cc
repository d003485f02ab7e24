#include "collect/collector.h"

#include <doctest/doctest.h>

#include "collect/segment_dialect.h"
#include "event/record.h"
#include "http/recorder.h"
#include "journal/memory_journal.h"
#include "sim/sim_clock.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

constexpr base::WallTime kNow{1'750'000'000'000};

SourceTable two_sources() {
  auto table = SourceTable::make({{1, "shop", "wk", "", true}, {2, "app", "wk2", "", true}}, {});
  REQUIRE(table);
  return *std::move(table);
}

// A collector with journals that this thread writes.
class Fixture {
 public:
  explicit Fixture(std::size_t partitions = 4, CollectorSettings settings = {}, std::size_t pending_bytes_max = 1 << 20)
      : sources_(two_sources()), dialect_(sources_, {}) {
    std::vector<journal::GroupCommit*> commits;
    for (std::size_t i = 0; i < partitions; ++i) {
      journals.push_back(std::make_unique<journal::MemoryJournal>());
      commits_.push_back(std::make_unique<journal::GroupCommit>(
          *journals.back(), clock, journal::GroupCommitSettings{.pending_bytes_max = pending_bytes_max}));
      commits.push_back(commits_.back().get());
    }
    collector = std::make_unique<Collector>(settings, commits, clock);
    collector->attach(dialect_, router_);
  }

  // Keeps the request alive with its recorder, as a connection would.
  struct Call {
    http::Request request;
    std::string body;
    std::shared_ptr<http::Recorder> recorder = std::make_shared<http::Recorder>();
    bool answered() const { return recorder->response.has_value(); }
    const http::Response& response() const {
      REQUIRE(answered());
      return *recorder->response;
    }
  };
  std::unique_ptr<Call> post(std::string_view path, std::string body) {
    auto call = std::make_unique<Call>();
    call->body = std::move(body);
    call->request.method = http::Method::post;
    call->request.peer = "192.0.2.7";
    REQUIRE(http::parse_target(path, call->request));
    call->request.headers.emplace_back("X-Write-Key", "wk");
    call->request.body = call->body;
    router_.dispatch(call->request, http::Responder(call->recorder));
    return call;
  }
  void sync() {
    for (auto& commit : commits_) {
      while (commit->run_once()) {
      }
    }
  }
  std::vector<event::Event> events(std::vector<journal::RecordBatch>& memory) const {
    std::vector<event::Event> found;
    for (const auto& journal : journals) {
      auto batch = journal->read({0}, 1 << 20);
      REQUIRE(batch);
      memory.push_back(*std::move(batch));
      for (const auto payload : memory.back().payloads) {
        if (*event::record_kind(payload) != event::RecordKind::event) continue;
        REQUIRE(event::decode_event(payload, found.emplace_back()));
      }
    }
    return found;
  }

  sim::SimClock clock{kNow};
  std::vector<std::unique_ptr<journal::MemoryJournal>> journals;

 private:
  std::vector<std::unique_ptr<journal::GroupCommit>> commits_;
  SourceTable sources_;
  SegmentDialect dialect_;
  http::Router router_;

 public:
  std::unique_ptr<Collector> collector;
};

std::string track(std::string_view visitor, std::string_view id) {
  return R"({"type":"track","event":"Product Viewed","anonymousId":")" + std::string(visitor) + R"(","messageId":")" +
         std::string(id) + R"(","properties":{"product_id":"p1","price":12.5}})";
}

}  // namespace

TEST_CASE("a request is answered when its event is durable, and not before") {
  Fixture fixture;
  const auto call = fixture.post("/v1/track", track("v", "m1"));
  CHECK_FALSE(call->answered());
  fixture.clock.advance_ms(3);
  fixture.sync();
  CHECK(call->response().status == 200);
  CHECK(call->response().body == R"({"success":true,"received":1,"accepted":1,"quarantined":0,"items":[]})");
  CHECK(fixture.collector->counters().ack_ns.snapshot().max() >= 3'000'000);
  std::vector<journal::RecordBatch> memory;
  const auto events = fixture.events(memory);
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == event::EventType::product_viewed);
  CHECK(events[0].source == 1);
  CHECK(events[0][event::Text::anonymous_id] == "v");
  CHECK(events[0][event::Text::ip] == "192.0.2.7");
  CHECK(events[0].received_at == kNow);
  REQUIRE(events[0].products.size() == 1);
  CHECK(events[0].products[0].price == event::Money{12'500'000});
}
