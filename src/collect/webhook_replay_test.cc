// What went into quarantine as a webhook, sent again by who shows the secret.
#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/ga4_dialect.h"
#include "collect/signature.h"
#include "collect/snowplow_dialect.h"
#include "collect/webhook_dialect.h"
#include "collect/webhook_mapping.h"
#include "collect/webhook_mark.h"

using namespace millrace;
using namespace millrace::collect;
using event::EventType;
using event::Text;

namespace {

std::shared_ptr<const WebhookMapping> mapping_by(std::string user) {
  MappingSettings settings;
  settings.signature_header = "X-Sign";
  settings.event = "/kind";
  settings.events = {{"paid", "order_completed"}};
  settings.fields = {{"user_id", std::move(user)}, {"order_id", "/order"}};
  return *WebhookMapping::make(std::move(settings));
}

SourceSettings shop() { return {1, "shop", "shop", "s3cret", true}; }
SourceSettings ware(std::shared_ptr<const WebhookMapping> mapping) {
  SourceSettings source{2, "ware", "ware", "k3y", true};
  source.mapping = std::move(mapping);
  return source;
}

struct Rig {
  SourceTable sources =
      *SourceTable::make({shop(), ware(mapping_by("/who")), {3, "open", "open", "", true}}, {});
  WebhookDialect dialect{sources, {}};
  DialectRig rig{dialect};
  std::string signature;

  http::Response shopify(std::string_view body, DialectRig::Headers headers = {}) {
    signature = signature_of(body, "s3cret", SignatureCoding::base64);
    headers.emplace_back("X-Shopify-Hmac-Sha256", signature);
    return rig.post("/webhooks/shopify/shop", body, std::move(headers));
  }
  http::Response mapped(std::string_view body, std::string_view key = "ware") {
    signature = signature_of(body, "k3y", SignatureCoding::hex);
    return rig.post("/webhooks/json/" + std::string(key), body, {{"X-Sign", signature}});
  }
  http::Response again(std::string_view credential, std::string_view item) {
    return rig.post("/webhooks/replay", R"({"batch":[)" + std::string(item) + "]}",
                    {{"X-Write-Key", credential}});
  }
  std::string kept() {
    REQUIRE(rig.sink.quarantined.size() == 1);
    REQUIRE(rig.sink.events.empty());
    return rig.sink.quarantined[0].raw;
  }
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a webhook in quarantine has what its headers said, and becomes its event when it is mended") {
  Rig rig;
  const std::string body =
      R"({"id":7,"currency":"EUR","customer":{"id":9},"created_at":"2025-06-15T15:06:35Z"})";
  CHECK(rig.shopify(body, {{"X-Shopify-Webhook-Id", "w-\"1"}, {"X-Shopify-Shop-Domain", "a.shop"}}).status ==
        200);
  const std::string kept = rig.kept();
  CHECK(kept == body.substr(0, body.size() - 1) +
                    R"(,"millrace_webhook":{"kind":"shopify","id":"w-\"1","shop":"a.shop"}})");
  CHECK(rig.again("shop:s3cret", kept).status == 200);
  CHECK(rig.kept() == kept);  // It still has no topic, and it is not marked twice.
  const std::string mended =
      replaced(kept, R"("kind":"shopify")", R"("kind":"shopify","topic":"orders/create")");
  CHECK(rig.again("shop:s3cret", mended).status == 200);
  const event::Event& event = rig.rig.event();
  CHECK(event.type == EventType::order_completed);
  CHECK(event.source == 1);
  CHECK(event[Text::message_id] == "shopify:w-\"1");
  CHECK(event[Text::order_id] == "7");
  CHECK(event[Text::user_id] == "9");
  CHECK(event.event_time.ms == 1'749'999'995'000);
  CHECK(event.raw == mended);
  CHECK(event[Text::extra].find("millrace_webhook") == std::string_view::npos);
}

TEST_CASE("items of all dialects keep their time however long they lay in quarantine") {
  const SourceTable sources = *SourceTable::make({{1, "web", "G-1", "", true}}, {true, 0, "default"});
  const Ga4ProtocolDialect protocol{sources, {}};
  const Ga4TagDialect tag{sources, {}};
  const SnowplowDialect snowplow{sources, {}, {}};
  constexpr std::int64_t kThen = DialectRig::kNow.ms - 80 * base::kDayMs;
  const std::string then = std::to_string(kThen);
  for (const bool again : {true, false}) {
    CAPTURE(again);
    const std::string mark = again ? R"(,"replayed_from":"0/17")" : "";
    const std::int64_t wanted = again ? kThen : DialectRig::kNow.ms - 7 * base::kDayMs;
    DialectRig ga4{protocol};
    REQUIRE(ga4.post("/mp/collect?measurement_id=G-1",
                     R"({"events":[{"client_id":"c","name":"x","timestamp_micros":")" + then + R"(000")" +
                         mark + "}]}")
                .status == 204);
    CHECK_EQ(ga4.event().event_time.ms, wanted);
    DialectRig gtag{tag};
    REQUIRE(gtag.post("/g/collect", "tid=G-1&cid=1.2&en=x&timestamp_micros=" + then + "000" +
                                        (again ? "&replayed_from=0%2F17" : ""))
                .status == 204);
    CHECK_EQ(gtag.event().event_time.ms, wanted);
    DialectRig tracker{snowplow};
    REQUIRE(tracker
                .post("/com.snowplowanalytics.snowplow/tp2?writeKey=G-1",
                      R"({"data":[{"e":"pv","tv":"js-3","duid":"d","ttm":")" + then + "\"" + mark + "}]}")
                .status == 200);
    CHECK_EQ(tracker.event().event_time.ms, wanted);
    Rig rig;
    const std::string order =
        R"({"id":7,"created_at":"2025-03-27T15:06:40Z","millrace_webhook":{"kind":"shopify","topic":"orders/create"})" +
        mark + "}";
    REQUIRE(rig.again("shop:s3cret", order).status == 200);
    CHECK_EQ(rig.rig.event().event_time.ms, wanted);
  }
}

TEST_CASE("an item of a mapping is kept with its mark, and mended it is the same event each time") {
  Rig rig;
  CHECK(rig.mapped(R"( {"kind":"paid","order":"o1"} )").status == 200);
  const std::string kept = rig.kept();
  CHECK(kept == R"( {"kind":"paid","order":"o1","millrace_webhook":{"kind":"json"}})");
  const std::string mended =
      replaced(replaced(kept, R"("kind":"json")", R"("kind":"json","received_at":"2025-06-15T15:06:35Z")"),
               R"("order")", R"("who":"u1","messageId":"quarantine-0-17","order")");
  for (int i = 0; i < 2; ++i) {
    CHECK(rig.again("ware:k3y", mended).status == 200);
    const event::Event& event = rig.rig.event();
    CHECK(event.type == EventType::order_completed);
    CHECK(event.source == 2);
    CHECK(event[Text::user_id] == "u1");
    CHECK(event[Text::message_id] == "quarantine-0-17");
    CHECK(event[Text::extra].empty());
    CHECK(event.event_time.ms == 1'749'999'995'000);
  }
}

TEST_CASE("what is no object stays as it came, and an empty one gets the mark alone") {
  Rig rig;
  for (const std::string_view body : {"", "{", "[{}]", "7", "{}}"}) {
    CAPTURE(body);
    CHECK(rig.mapped(body).status == 200);
    CHECK(rig.kept() == body);
  }
  CHECK(rig.mapped("{ }").status == 200);
  CHECK(rig.kept() == R"({ "millrace_webhook":{"kind":"json"}})");
}

TEST_CASE("only who shows the source's secret may send again, and only what is marked is taken") {
  Rig rig;
  const std::string_view item = R"({"kind":"paid","who":"u1","millrace_webhook":{"kind":"json"}})";
  CHECK(rig.again("ware:k3y", item).status == 200);
  CHECK(rig.rig.event()[Text::user_id] == "u1");
  CHECK(rig.again("ware:K3y", item).status == 401);
  CHECK(rig.again("ware", item).status == 401);
  CHECK(rig.again("open", item).status == 401);
  CHECK(rig.again("none:k3y", item).status == 401);
  CHECK(rig.rig.post("/webhooks/replay?writeKey=open", R"({"batch":[]})", {}).status == 401);
  CHECK(rig.rig.post("/webhooks/replay", "{}", {{"X-Write-Key", "ware:k3y"}}).status == 400);
  for (const std::string_view other : {R"({"kind":"paid","who":"u1"})", R"({"millrace_webhook":7})",
                                       R"({"millrace_webhook":{"kind":"x"}})"}) {
    CHECK(rig.again("ware:k3y", other).status == 200);
    CHECK(rig.kept() == other);
    CHECK(rig.rig.sink.quarantined[0].reason == "no_webhook");
  }
  // A source without a mapping has no such items.
  CHECK(rig.again("shop:s3cret", item).status == 200);
  CHECK(rig.rig.sink.quarantined[0].reason == "no_webhook");
}

TEST_CASE(
    "a mapping that is replaced while the server runs is in use with the next request, old keys included") {
  Rig rig;
  CHECK(rig.mapped(R"({"kind":"paid","who":"u1"})").status == 200);
  CHECK(rig.rig.event()[Text::user_id] == "u1");
  for (int i = 0; i < 20; ++i) {
    SourceSettings source = ware(mapping_by(i % 2 == 0 ? "/whom" : "/who"));
    source.more_keys = {"older"};
    rig.sources.replace(*SourceTable::make({shop(), source}, {}));
    CHECK(rig.mapped(R"({"kind":"paid","who":"u1","whom":"u2"})", i % 3 == 0 ? "older" : "ware").status ==
          200);
    CHECK(rig.rig.event()[Text::user_id] == (i % 2 == 0 ? "u2" : "u1"));
  }
  rig.sources.replace(*SourceTable::make({shop(), ware(nullptr)}, {}));
  CHECK(rig.mapped(R"({"kind":"paid","who":"u1"})").status == 404);
}
