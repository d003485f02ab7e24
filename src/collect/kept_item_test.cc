#include "collect/kept_item.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/segment_dialect.h"

using namespace millrace;
using namespace millrace::collect;
using event::Text;

namespace {

// Of those it gets whose consent the shared context holds, sends some into quarantine.
class Inspector final : public Gate {
 public:
  Decision inspect(event::Event& event) override {
    if (event[Text::event_name] == "hidden") event.set(event::Flag::pseudonymised);
    if (event[Text::event_name] == "fine") return {};
    return {Ruling::quarantine, "wrong", {}, {}};
  }
  void turned_away(const event::Event&) override { ++turned_away_; }
  void cleanse(event::QuarantinedItem& item) override {
    CHECK_EQ(turned_away_, 1);
    turned_away_ = 0;
    kept.emplace_back(item.raw);
  }
  static inline std::vector<std::string> kept;

 private:
  int turned_away_ = 0;
};

constexpr std::string_view kConsent = R"("consent":{"categoryPreferences":{"analytics":false}})";

}  // namespace

TEST_CASE(
    "what an item is kept with stands behind its own, and in objects that it has only where it lacks it") {
  KeptItem kept;
  constexpr std::string_view kMembers = R"("context":{"a":1,"b":{"c":2}},"n":[3])";
  CHECK_EQ(kept.with("{}", kMembers), R"({"context":{"a":1,"b":{"c":2}},"n":[3]})");
  CHECK_EQ(kept.with(R"( {"x":1 } )", kMembers), R"( {"x":1 ,"context":{"a":1,"b":{"c":2}},"n":[3]})");
  CHECK_EQ(kept.with(R"({"context":{},"x":1})", kMembers),
           R"({"context":{"a":1,"b":{"c":2}},"x":1,"n":[3]})");
  CHECK_EQ(kept.with(R"({"n":[],"context":{"b":{},"\u0061":7 }})", kMembers),
           R"({"n":[],"context":{"b":{},"\u0061":7 },"n":[3]})");
  CHECK_EQ(kept.with(R"({"context":{"b":null},"n":0})", kMembers),
           R"({"context":{"b":null,"a":1},"n":0,"n":[3]})");
  CHECK_EQ(kept.with(R"({"context":null})", kMembers),
           R"({"context":null,"context":{"a":1,"b":{"c":2}},"n":[3]})");
  CHECK_EQ(kept.with(R"({"context":{"z":1}})", R"("context":5)"), R"({"context":{"z":1}})");
  for (const std::string_view raw : {"", "[]", "7", "{", "{]", R"({"a":})", "{}{}", "{} x"}) {
    CAPTURE(raw);
    CHECK_EQ(kept.with(raw, kMembers), raw);
  }
}

TEST_CASE("an item that goes into quarantine keeps what its batch says of all, whoever sends it there") {
  const SourceTable sources = *SourceTable::make({{1, "web", "k", "", true}}, {});
  const SegmentDialect dialect{sources, {}};
  DialectRig rig{dialect};
  const std::string shared = R"({"context":{)" + std::string(kConsent) + R"(},"integrations":{"All":false},)";
  REQUIRE(rig.post("/v1/batch?writeKey=k",
                   shared + R"("batch":[{"type":"track","userId":"u"},{"type":"track","event":"x"},)" +
                       R"({"type":"track","userId":"u","context":{"ip":"192.0.2.1"}}]})")
              .status == 200);
  REQUIRE_EQ(rig.sink.quarantined.size(), 3);
  // By the partitions of their visitors.
  const std::string tail = std::string(kConsent) + R"(},"integrations":{"All":false}})";
  CHECK_EQ(rig.sink.quarantined[0].raw, R"({"type":"track","userId":"u","context":{)" + tail);
  CHECK_EQ(rig.sink.quarantined[2].raw, R"({"type":"track","event":"x","context":{)" + tail);
  CHECK_EQ(rig.sink.quarantined[1].raw,
           R"({"type":"track","userId":"u","context":{"ip":"192.0.2.1",)" + tail);
  // The next request has nothing to do with it.
  REQUIRE(rig.post("/v1/batch?writeKey=k", R"({"batch":[{"type":"track","userId":"u"}]})").status == 200);
  CHECK_EQ(rig.sink.quarantined[0].raw, R"({"type":"track","userId":"u"})");
}

TEST_CASE("what its batch says of a visitor is not kept with an event that had its ids taken out") {
  Inspector::kept.clear();
  std::vector<std::unique_ptr<Gate>> gates;
  gates.push_back(std::make_unique<Inspector>());
  Intake intake(1, TimeSource::wall, std::move(gates));
  const SourceTable sources = *SourceTable::make({{1, "web", "k", "", true}}, {});
  const SegmentDialect dialect{sources, {}};
  const auto reader = dialect.reader();
  http::Request request;
  request.query.emplace_back("writeKey", "k");
  const std::string body = R"({"context":{)" + std::string(kConsent) +
                           R"(},"batch":[{"type":"track","event":"fine","userId":"u"},)"
                           R"({"type":"track","event":"hidden","userId":"u"},)"
                           R"({"type":"track","event":"bad","userId":"u"}]})";
  request.body = body;
  int batch = -1;
  for (const auto& endpoint : dialect.endpoints()) {
    if (endpoint.pattern == "/v1/batch" && endpoint.method == http::Method::post) batch = endpoint.id;
  }
  intake.begin(request, {1}, body.size());
  REQUIRE_FALSE(reader->read(request, batch, {1}, intake));
  REQUIRE_EQ(Inspector::kept.size(), 2);
  CHECK_EQ(Inspector::kept[0], R"({"type":"track","event":"hidden","userId":"u"})");
  CHECK_EQ(Inspector::kept[1],
           R"({"type":"track","event":"bad","userId":"u","context":{)" + std::string(kConsent) + "}}");
}
