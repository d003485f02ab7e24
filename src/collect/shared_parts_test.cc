#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/ga4_dialect.h"
#include "collect/segment_dialect.h"

using namespace millrace;
using namespace millrace::collect;
using event::Text;

namespace {

SourceTable one_source() { return *SourceTable::make({{1, "web", "G-1", "", true}}, {}); }

std::string repeated(std::string_view item, int times) {
  std::string list(item);
  for (int i = 1; i < times; ++i) list.append(",").append(item);
  return list;
}

}  // namespace

TEST_CASE("what a batch gives to all its items counts as part of each of them") {
  const SourceTable sources = one_source();
  const SegmentDialect dialect{sources, {}};
  DialectRig rig{dialect};
  const std::string items = repeated(R"({"type":"track","event":"x","userId":"u"})", 100);
  const auto body = [&](std::size_t bytes) {
    return R"({"context":{"note":")" + std::string(bytes, 'x') + R"("},"batch":[)" + items + "]}";
  };
  REQUIRE(rig.post("/v1/batch?writeKey=G-1", body(1'000'000)).status == 200);
  CHECK(rig.sink.events.empty());
  REQUIRE(rig.sink.quarantined.size() == 100);
  CHECK(rig.sink.quarantined[0].reason == "too_large");
  // Nobody can read it as it was sent any more.
  CHECK(rig.sink.quarantined[0].raw == R"({"type":"track","event":"x","userId":"u","batch_left_out":true})");
  REQUIRE(rig.post("/v1/batch?writeKey=G-1", body(30'000)).status == 200);
  REQUIRE(rig.sink.events.size() == 100);
  CHECK(rig.sink.events[99][Text::extra].size() > 30'000);
  // The next request shares nothing.
  REQUIRE(rig.post("/v1/track?writeKey=G-1", R"({"event":"x","userId":"u"})").status == 200);
  CHECK(rig.event()[Text::extra].empty());
}

TEST_CASE("a context that is null leaves that of the batch to all readers of it") {
  const SourceTable sources = one_source();
  const SegmentDialect dialect{sources, {}};
  DialectRig rig{dialect};
  REQUIRE(
      rig.post(
             "/v1/batch?writeKey=G-1",
             R"({"context":{"consent":{"a":false}},"batch":[{"type":"track","event":"x","userId":"u","context":null}]})")
          .status == 200);
  CHECK(rig.event()[Text::extra] == R"({"context":{"consent":{"a":false}}})");
}

TEST_CASE("of members with many names the item's own win over its batch's") {
  const SourceTable sources = one_source();
  const SegmentDialect dialect{sources, {}};
  DialectRig rig{dialect};
  std::string own, shared;
  for (int i = 0; i < 300; ++i) {
    if (i % 2 == 0) own += (own.empty() ? "\"m" : ",\"m") + std::to_string(i) + "\":1";
    if (i % 3 == 0) shared += (shared.empty() ? "\"m" : ",\"m") + std::to_string(i) + "\":2";
  }
  const std::string body = R"({"context":{)" + shared +
                           R"(},"batch":[{"type":"track","event":"x","userId":"u","context":{)" + own +
                           "}}]}";
  REQUIRE(rig.post("/v1/batch?writeKey=G-1", body).status == 200);
  const std::string extra(rig.event()[Text::extra]);
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    const std::string name = "\"m" + std::to_string(i) + "\":";
    const bool is_own = i % 2 == 0, is_shared = i % 3 == 0;
    CHECK((extra.find(name + "1") != std::string::npos) == is_own);
    CHECK((extra.find(name + "2") != std::string::npos) == (is_shared && !is_own));
  }
}

TEST_CASE(
    "what a request by the Measurement Protocol says of all its events is kept once when it is too large") {
  const SourceTable sources = one_source();
  const Ga4ProtocolDialect dialect{sources, {}};
  DialectRig rig{dialect};
  const std::string body = R"({"client_id":"c","user_properties":{"note":{"value":")" +
                           std::string(1'000'000, 'x') + R"("}},"events":[)" +
                           repeated(R"({"name":"x"})", 100) + "]}";
  REQUIRE(rig.post("/mp/collect?measurement_id=G-1", body).status == 204);
  CHECK(rig.sink.events.empty());
  REQUIRE(rig.sink.quarantined.size() == 1);
  CHECK(rig.sink.quarantined[0].reason == "too_large");
}

TEST_CASE("a time in microseconds that no calendar has is none") {
  const SourceTable sources = one_source();
  const Ga4ProtocolDialect dialect{sources, {}};
  DialectRig rig{dialect};
  for (const std::string_view micros : {"9223372036854775807", "-9223372036854775808", "\"9e18\""}) {
    CAPTURE(micros);
    const std::string body =
        R"({"client_id":"c","timestamp_micros":)" + std::string(micros) + R"(,"events":[{"name":"x"}]})";
    REQUIRE(rig.post("/mp/collect?measurement_id=G-1", body).status == 204);
    CHECK(rig.event().client_time.ms == 0);
    CHECK(rig.event().has(event::Flag::time_missing));
  }
}

TEST_CASE("custom parameters of an item of gtag go on with letters after the tenth") {
  const SourceTable sources = one_source();
  const Ga4TagDialect dialect{sources, {}};
  DialectRig rig{dialect};
  REQUIRE(
      rig.get("/g/"
              "collect?v=2&tid=G-1&cid=1.2&en=view_item&pr1=idp~~1~nmShoe%20~~~~%20black~~~pr5~k9size~v94~~3"
              "~kAfit~vAslim~kBfree~~text~vBa~kCno")
          .status == 204);
  const auto& event = rig.event();
  REQUIRE(event.products.size() == 1);
  CHECK(event.products[0].product_id == "p~1");
  CHECK(event.products[0].name == "Shoe ~~ black~");
  CHECK(event.products[0].price.micros == 5'000'000);
  CHECK(event[Text::extra] == R"({"items":[{"size":"4~3","fit":"slim","free~text":"a"}]})");
}
