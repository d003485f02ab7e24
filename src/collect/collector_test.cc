#include "collect/collector.h"

#include <doctest/doctest.h>

#include <set>

#include "collect/segment_dialect.h"
#include "collect/watch_recorder.h"
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
  explicit Fixture(std::size_t partitions = 4, CollectorSettings settings = {},
                   std::size_t pending_bytes_max = 1 << 20, std::vector<const GateMaker*> gates = {},
                   ItemWatch* watch = nullptr)
      : sources_(two_sources()), dialect_(sources_, {}) {
    std::vector<journal::GroupCommit*> commits;
    for (std::size_t i = 0; i < partitions; ++i) {
      journals.push_back(std::make_unique<journal::MemoryJournal>());
      commits_.push_back(std::make_unique<journal::GroupCommit>(
          *journals.back(), clock, journal::GroupCommitSettings{.pending_bytes_max = pending_bytes_max}));
      commits.push_back(commits_.back().get());
    }
    collector = std::make_unique<Collector>(settings, commits, clock, std::move(gates));
    if (watch != nullptr) collector->watch(*watch);
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
  void sync_one(std::size_t partition) {
    while (commits_[partition]->run_once()) {
    }
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
  std::vector<std::unique_ptr<Call>> held;  // Requests that outlive their test's statement.

 private:
  std::vector<std::unique_ptr<journal::GroupCommit>> commits_;
  SourceTable sources_;
  SegmentDialect dialect_;
  http::Router router_;

 public:
  std::unique_ptr<Collector> collector;
};

// Fails to append or to sync with the code given; not_found: does not fail.
class FailingJournal final : public journal::Journal {
 public:
  FailingJournal(base::ErrorCode append, base::ErrorCode sync) : append_(append), sync_(sync) {}
  base::Result<journal::Offset> append(std::span<const journal::RecordBuffer* const> buffers) override {
    if (append_ != base::ErrorCode::not_found) return base::Error(append_, "planned");
    return inner_.append(buffers);
  }
  base::Status sync() override {
    if (sync_ != base::ErrorCode::not_found) return base::Error(sync_, "planned");
    return inner_.sync();
  }
  base::Result<journal::RecordBatch> read(journal::Offset from, std::size_t bytes_max) const override {
    return inner_.read(from, bytes_max);
  }
  journal::Offset begin() const override { return inner_.begin(); }
  journal::Offset end() const override { return inner_.end(); }
  journal::Offset durable_end() const override { return inner_.durable_end(); }
  base::Status trim(journal::Offset before) override { return inner_.trim(before); }

 private:
  const base::ErrorCode append_;
  const base::ErrorCode sync_;
  journal::MemoryJournal inner_;
};

std::string track(std::string_view visitor, std::string_view id) {
  return R"({"type":"track","event":"Product Viewed","anonymousId":")" + std::string(visitor) +
         R"(","messageId":")" + std::string(id) + R"(","properties":{"product_id":"p1","price":12.5}})";
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

TEST_CASE("a batch over several partitions is answered once, when the last of them is durable") {
  Fixture fixture(4);
  std::string body = R"({"batch":[)";
  for (int i = 0; i < 40; ++i)
    body += (i == 0 ? "" : ",") + track("v" + std::to_string(i), "m" + std::to_string(i));
  const auto call = fixture.post("/v1/batch", body + R"(,{"type":"track","event":"x"}]})");
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK_FALSE(call->answered());
    fixture.sync_one(i);
  }
  CHECK(call->response().status == 200);
  std::vector<journal::RecordBatch> memory;
  CHECK(fixture.events(memory).size() == 40);
  const auto& counters = fixture.collector->counters();
  CHECK(counters.items_received.load() == 41);
  CHECK(counters.items_accepted.load() == 40);
  CHECK(counters.items_quarantined.load() == 1);
}

TEST_CASE("all events of one visitor go to one partition, in their order") {
  Fixture fixture(4);
  for (int i = 0; i < 20; ++i)
    fixture.held.push_back(fixture.post("/v1/track", track("same", "m" + std::to_string(i))));
  fixture.sync();
  std::vector<journal::RecordBatch> memory;
  const auto events = fixture.events(memory);
  REQUIRE(events.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) CHECK(events[i][event::Text::message_id] == "m" + std::to_string(i));
  int used = 0;
  for (const auto& journal : fixture.journals) used += journal->end().value > 0 ? 1 : 0;
  CHECK(used == 1);
}

TEST_CASE("a full queue is 429 with Retry-After, and the request is answered once") {
  Fixture fixture(1, {}, 200);
  const auto first = fixture.post("/v1/track", track("a", "1"));
  const auto second = fixture.post("/v1/track", track("b", "2"));
  const auto third = fixture.post("/v1/track", track("c", "3"));
  CHECK_FALSE(first->answered());
  CHECK(third->response().status == 429);
  REQUIRE(third->response().headers.size() == 1);
  CHECK(third->response().headers[0].first == "Retry-After");
  CHECK(third->response().body.find(R"("code":"overloaded")") != std::string::npos);
  fixture.sync();
  CHECK(first->response().status == 200);
  CHECK(fixture.collector->counters().requests_overloaded.load() >= 1);
  const auto later = fixture.post("/v1/track", track("d", "4"));
  fixture.sync();
  CHECK(later->response().status == 200);
}

TEST_CASE("a journal that fails is 503 with Retry-After, never 200") {
  struct Row {
    base::ErrorCode append;
    base::ErrorCode sync;
    std::string_view code;
  };
  const auto none = base::ErrorCode::not_found;
  for (const Row& row : {Row{base::ErrorCode::exhausted, none, "disk_full"},
                         Row{base::ErrorCode::io, none, "journal_unavailable"},
                         Row{none, base::ErrorCode::io, "journal_unavailable"}}) {
    FailingJournal journal(row.append, row.sync);
    sim::SimClock clock{kNow};
    journal::GroupCommit commit(journal, clock, {});
    const SourceTable sources = two_sources();
    const SegmentDialect dialect(sources, {});
    http::Router router;
    Collector collector({}, {&commit}, clock);
    collector.attach(dialect, router);
    Fixture::Call call;
    call.body = track("v", "m");
    call.request.method = http::Method::post;
    REQUIRE(http::parse_target("/v1/track?writeKey=wk", call.request));
    call.request.body = call.body;
    router.dispatch(call.request, http::Responder(call.recorder));
    while (commit.run_once()) {
    }
    CHECK(call.response().status == 503);
    CHECK(call.response().body.find("\"code\":\"" + std::string(row.code)) != std::string::npos);
    REQUIRE(call.response().headers.size() == 1);
    CHECK(call.response().headers[0].first == "Retry-After");
    CHECK(collector.counters().requests_failed.load() == 1);
    CHECK(collector.counters().ack_ns.snapshot().count() == 0);
  }
}

TEST_CASE("a refused request stores nothing and is answered at once") {
  Fixture fixture;
  const auto call = fixture.post("/v1/batch", R"({"batch":[)" + track("v", "m") + ",{]}");
  CHECK(call->response().status == 400);
  fixture.sync();
  std::vector<journal::RecordBatch> memory;
  CHECK(fixture.events(memory).empty());
  CHECK(fixture.collector->counters().requests_refused.load() == 1);
  CHECK(fixture.collector->counters().items_received.load() == 0);
}

TEST_CASE("when time is the events', history counts as received when it happened") {
  const std::string body =
      R"({"batch":[{"type":"track","event":"x","userId":"u","timestamp":"2015-06-02T05:02:12.117Z"},)"
      R"({"type":"track","event":"x"}]})";
  for (const TimeSource time : {TimeSource::wall, TimeSource::events}) {
    Fixture fixture(2, {.time = time});
    const auto import = fixture.post("/v1/import", body);
    const auto live = fixture.post("/v1/track", track("v", "m"));
    fixture.sync();
    REQUIRE(import->response().status == 200);
    REQUIRE(live->response().status == 200);
    std::vector<journal::RecordBatch> memory;
    int imported = 0;
    for (const auto& event : fixture.events(memory)) {
      const bool is_import = event.has(event::Flag::imported);
      imported += is_import ? 1 : 0;
      const base::WallTime expected =
          is_import && time == TimeSource::events ? base::WallTime{1'433'221'332'117} : kNow;
      CHECK(event.received_at == expected);
    }
    CHECK(imported == 1);
    for (const auto& batch : memory) {
      for (const auto payload : batch.payloads) {
        if (*event::record_kind(payload) != event::RecordKind::quarantined) continue;
        CHECK(event::decode_quarantined(payload)->received_at ==
              (time == TimeSource::events ? base::WallTime{1'433'221'332'117} : kNow));
      }
    }
  }
}

TEST_CASE("a request larger than the journal takes in one piece is cut into several") {
  Fixture fixture(1, {}, 64 << 20);
  const std::string padding(20'000, 'p');
  std::string body = R"({"batch":[)";
  constexpr int kItems = 300;
  for (int i = 0; i < kItems; ++i) {
    body += (i == 0 ? "" : ",");
    body += R"({"type":"track","event":"x","userId":"u","messageId":")" + std::to_string(i) +
            R"(","properties":{"p":")" + padding + "\"}}";
  }
  const auto call = fixture.post("/v1/batch", body + "]}");
  fixture.sync();
  CHECK(call->response().status == 200);
  CHECK(fixture.journals[0]->end().value == kItems);
}

namespace {

// Rules as the event's name says; says what it saw to the test.
class NamedGate final : public Gate {
 public:
  explicit NamedGate(std::vector<std::string>& stored) : stored_(stored) {}
  void begin(const http::Request& request) override { peer_ = request.peer; }
  Decision inspect(event::Event& event) override {
    const auto name = event[event::Text::event_name];
    if (name == "q") return {Ruling::quarantine, "named_q", "/event", "The event is named q."};
    if (name == "r") return {Ruling::reject, "named_r", "/event", "The event is named r."};
    if (name == "s") return {Ruling::suppress, "named_s", {}, {}};
    if (name == "c") return {Ruling::drop_no_consent, "named_c", {}, {}};
    event[event::Text::user_id] = peer_;
    event.purposes = {1, true};
    return {};
  }
  void cleanse(event::QuarantinedItem& item) override { item.raw = "cleansed"; }
  void stored(const event::Event& event) override { stored_.emplace_back(event[event::Text::event_name]); }

 private:
  std::vector<std::string>& stored_;
  std::string peer_;
};

class NamedGateMaker final : public GateMaker {
 public:
  std::unique_ptr<Gate> gate() const override { return std::make_unique<NamedGate>(stored); }
  mutable std::vector<std::string> stored;
};

}  // namespace

TEST_CASE(
    "a gate's ruling is the item's verdict, in the answer and in the journal, and dropped items leave no "
    "byte") {
  NamedGateMaker maker, second;
  WatchRecorder watch;
  Fixture fixture(2, {}, 1 << 20, {&maker, &second}, &watch);
  std::string body = R"({"batch":[)";
  for (const char* name : {"a", "q", "r", "s", "c", "b"}) {
    body += std::string(body.back() == '[' ? "" : ",") + R"({"type":"track","anonymousId":"v","event":")" +
            name + "\"}";
  }
  const auto call = fixture.post("/v1/batch", body + R"(,{"type":"track","event":"x"}]})");
  fixture.sync();
  const std::string& answer = call->response().body;
  CHECK(answer.find(R"("received":7,"accepted":2,"quarantined":3,"suppressed":1,"consent_dropped":1)") !=
        std::string::npos);
  CHECK(answer.find(R"({"index":2,"verdict":"quarantined","reason":"named_r","pointer":"/event")") !=
        std::string::npos);
  CHECK(answer.find(R"({"index":3,"verdict":"suppressed","reason":"named_s")") != std::string::npos);
  CHECK(answer.find(R"({"index":4,"verdict":"consent_dropped","reason":"named_c")") != std::string::npos);
  CHECK(maker.stored == std::vector<std::string>{"a", "b"});
  CHECK(second.stored == maker.stored);
  CHECK_EQ(fixture.collector->counters().items_suppressed.load(), 1);

  // Whoever watches sees what is stored: after the gates.
  CHECK(watch.seen == std::vector<std::string>{"accepted 192.0.2.7", "quarantined named_q cleansed",
                                               "quarantined named_r ", "suppressed named_s ",
                                               "consent_dropped named_c ", "accepted 192.0.2.7",
                                               "quarantined missing_identity cleansed"});

  std::vector<journal::RecordBatch> memory;
  for (const auto& event : fixture.events(memory)) {
    CHECK_EQ(event[event::Text::user_id], "192.0.2.7");
    CHECK(event.purposes == event::Purposes{1, true});
  }
  std::multiset<std::string> verdicts;
  for (const auto& batch : memory) {
    for (const auto payload : batch.payloads) {
      const auto kind = *event::record_kind(payload);
      if (kind == event::RecordKind::quarantined) {
        CHECK_EQ(event::decode_quarantined(payload)->raw, "cleansed");
        verdicts.insert("quarantined whole");
      }
      if (kind != event::RecordKind::dropped) continue;
      const auto item = event::decode_dropped(payload);
      REQUIRE(item.ok());
      CHECK_EQ(item->source, 1);
      CHECK(item->received_at == kNow);
      verdicts.insert(std::string(to_string(item->verdict)) + " " + std::string(item->reason));
      CHECK_LT(payload.size(), 32);
    }
  }
  CHECK(verdicts == std::multiset<std::string>{"consent_dropped named_c", "quarantined named_r",
                                               "quarantined whole", "quarantined whole",
                                               "suppressed named_s"});
}
