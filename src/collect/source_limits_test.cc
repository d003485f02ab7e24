#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/origin.h"
#include "collect/segment_dialect.h"
#include "collect/snowplow_dialect.h"
#include "collect/source_table.h"

using namespace millrace;
using namespace millrace::collect;

namespace {

struct Clock final : base::Clock {
  base::Instant now() const override { return {ns}; }
  base::WallTime wall() const override { return {}; }
  std::int64_t ns = 1'000'000'000'000;
};

constexpr std::string_view kTrack = R"({"event":"E","anonymousId":"a"})";

SourceSettings source(std::uint16_t index, std::string name, std::string key) {
  return {index, std::move(name), std::move(key), "", true};
}

}  // namespace

TEST_CASE("a reader goes by the table as it is when its request begins") {
  SourceTable table = *SourceTable::make({source(1, "shop", "old")}, {});
  SegmentDialect dialect(table, {});
  DialectRig rig(dialect);
  CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", "old"}}).status == 200);
  CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", "new"}}).status == 401);
  SourceSettings rotated = source(1, "shop", "new");
  rotated.more_keys = {"old"};
  table.replace(*SourceTable::make({rotated, source(2, "app", "app")}, {}));
  for (const std::string_view key : {"new", "old"}) {
    CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", key}}).status == 200);
    CHECK(rig.event().source == 1);
  }
  CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", "app"}}).status == 200);
  CHECK(rig.event().source == 2);
  table.replace(*SourceTable::make({source(1, "shop", "new")}, {true, 0, "default"}, {"old"}));
  CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", "old"}}).status == 401);
  CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", "never seen"}}).status == 200);
  CHECK(rig.event().source == 0);
}

TEST_CASE("keys that two sources would share are refused, further ones too") {
  SourceSettings a = source(1, "a", "k1"), b = source(2, "b", "k2");
  b.more_keys = {"k1"};
  CHECK_FALSE(SourceTable::make({a, b}, {}));
  b.more_keys = {"k3"};
  CHECK(SourceTable::make({a, b}, {}, {"k1"})->admit("k1", "").source ==
        1);  // A retired key that is in use is in use.
}

TEST_CASE("a page sends only from an origin of the list, and what is no page does") {
  SourceSettings pages = source(1, "pages", "wk");
  pages.origins = {"https://shop.example", "https://*.shop.example:8443"};
  const SourceTable table = *SourceTable::make({pages, source(2, "open", "any")}, {});
  SegmentDialect dialect(table, {});
  DialectRig rig(dialect);
  const auto status = [&](std::string_view header, std::string_view value) {
    return rig.post("/v1/track", kTrack, {{"X-Write-Key", "wk"}, {header, value}}).status;
  };
  CHECK(status("X-Nothing", "") == 200);
  CHECK(status("Origin", "https://shop.example") == 200);
  CHECK(status("Origin", "https://a.b.shop.example:8443") == 200);
  CHECK(status("Referer", "https://shop.example/cart?x=1") == 200);
  for (const std::string_view wrong :
       {"http://shop.example", "https://shop.example:8443", "https://a.shop.example",
        "https://.shop.example:8443", "null", "https://evil.example", "https://shop.example.evil.example",
        "https://evil/.shop.example:8443", "https://evil@.shop.example:8443"}) {
    CAPTURE(wrong);
    CHECK(status("Origin", wrong) == 403);
  }
  CHECK(status("Referer", "https://evil.example/https://shop.example") == 403);
  const auto refused =
      rig.post("/v1/track", kTrack, {{"X-Write-Key", "wk"}, {"Origin", "https://evil.example"}});
  CHECK(refused.body.find("origin_not_allowed") != std::string::npos);
  CHECK(DialectRig::header(refused, "Access-Control-Allow-Origin").empty());
}

TEST_CASE("a preflight is refused when no key could let the page send") {
  SourceSettings pages = source(1, "pages", "wk");
  pages.origins = {"https://shop.example"};
  const auto asks = [&](const SourceTable& table, std::string_view target, std::string_view origin) {
    SegmentDialect dialect(table, {});
    DialectRig rig(dialect);
    return rig.send(http::Method::options, target, {}, {{"Origin", origin}}).status;
  };
  const SourceTable one = *SourceTable::make({pages}, {});
  CHECK(asks(one, "/v1/batch", "https://shop.example") == 204);
  CHECK(asks(one, "/v1/batch", "https://evil.example") == 403);
  const SourceTable two = *SourceTable::make({pages, source(2, "open", "any")}, {});
  CHECK(asks(two, "/v1/batch", "https://evil.example") == 204);
  CHECK(asks(two, "/v1/batch?writeKey=wk", "https://evil.example") == 403);
  CHECK(asks(two, "/v1/batch?writeKey=any", "https://evil.example") == 204);
  CHECK(asks(*SourceTable::make({}, {true, 0, "default"}), "/v1/batch", "https://evil.example") == 204);
}

TEST_CASE("a source over its quota is refused before its items are looked at, others are not") {
  Clock clock;
  SourceSettings metered = source(1, "metered", "wk");
  metered.quota = std::make_shared<Quota>(10, 1, clock);
  const SourceTable table = *SourceTable::make({metered, source(2, "free", "free")}, {});
  SegmentDialect segment(table, {});
  DialectRig rig(segment);
  REQUIRE(metered.quota->take(1));
  const auto refused = rig.post("/v1/track", kTrack, {{"X-Write-Key", "wk"}});
  CHECK(refused.status == 429);
  CHECK(DialectRig::header(refused, "Retry-After") == "1");
  CHECK(rig.sink.events.empty());
  CHECK(rig.post("/v1/track", kTrack, {{"X-Write-Key", "free"}}).status == 200);
  const auto mixed =
      rig.post("/v1/batch", R"({"batch":[{"type":"track","event":"E","anonymousId":"a","writeKey":"wk"},)"
                            R"({"type":"track","event":"E","anonymousId":"a","writeKey":"free"}]})");
  CHECK(mixed.status == 200);
  REQUIRE(rig.sink.events.size() == 1);
  CHECK(rig.sink.events[0].source == 2);
  SnowplowDialect snowplow(table, {}, {});
  DialectRig pixels(snowplow);
  CHECK(pixels.get("/i?e=pv&p=web&aid=wk").status == 429);
  clock.ns += 100'000'000;
  CHECK(pixels.get("/i?e=pv&p=web&aid=wk").status == 200);
}
