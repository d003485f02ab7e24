#include "contract/contract_gate.h"

#include <doctest/doctest.h>

#include <string>

#include "base/bytes.h"
#include "collect/intake.h"
#include "collect/segment_dialect.h"
#include "event/record.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::contract;
using collect::Ruling;
using event::Text;

namespace {

// The door with the gate alone: items in, records out.
struct Door {
  sim::SimDisk disk{1};
  sim::SimClock clock;
  std::unique_ptr<Registry> registry;
  QualityBoard quality;
  DiscoveryFeed feed;
  collect::SourceTable sources = *collect::SourceTable::make({{1, "web", "wk", "", true}}, {});
  collect::SegmentDialect dialect{sources, {}};
  std::unique_ptr<collect::Reader> reader = dialect.reader();
  std::unique_ptr<collect::Intake> intake;
  std::vector<event::Event> events;
  std::vector<event::QuarantinedItem> quarantined;
  std::vector<collect::Intake::Share> shares;

  Door() {
    auto opened = Registry::open(disk, {"default", "web"});
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().message()));
    registry = *std::move(opened);
    std::vector<std::unique_ptr<collect::Gate>> gates;
    gates.push_back(ContractGateMaker(*registry, quality, feed, clock).gate());
    intake = std::make_unique<collect::Intake>(1, collect::TimeSource::wall, std::move(gates));
  }
  void set_mode(std::string_view contract, Mode mode) {
    REQUIRE(!registry->set_modes({{"", std::string(contract), mode}}));
  }
  void put(std::string_view key, std::string_view schema) {
    const auto fault = registry->put(*SchemaKey::parse(key), std::string(schema));
    REQUIRE_MESSAGE(!fault, (fault ? fault->pointer + fault->message : ""));
  }
  const collect::Outcome& send(const std::string& item) {
    http::Request request;
    request.path = "/v1/batch";
    const std::string body = R"({"writeKey":"wk","context":{"locale":"de-DE"},"batch":[)" + item + "]}";
    request.body = body;
    int id = 0;
    for (const auto& endpoint : dialect.endpoints()) {
      if (endpoint.pattern == "/v1/batch") id = endpoint.id;
    }
    intake->begin(request, {1'795'000'000'000}, body.size());
    REQUIRE(!reader->read(request, id, {1'795'000'000'000}, *intake));
    shares = intake->take_shares();
    events.clear();
    quarantined.clear();
    for (const auto& share : shares) {
      journal::RecordBuffer const& records = share.records;
      for (const std::string_view payload : payloads(records)) {
        if (*event::record_kind(payload) == event::RecordKind::event) {
          REQUIRE(event::decode_event(payload, events.emplace_back()).ok());
        } else if (*event::record_kind(payload) == event::RecordKind::quarantined) {
          quarantined.push_back(*event::decode_quarantined(payload));
        }
      }
    }
    return intake->outcome();
  }
  static std::vector<std::string_view> payloads(const journal::RecordBuffer& records);
};

std::vector<std::string_view> Door::payloads(const journal::RecordBuffer& records) {
  std::vector<std::string_view> all;
  base::ByteReader reader(records.bytes());
  while (!reader.at_end()) all.push_back(reader.raw(reader.u32()));
  return all;
}

std::string order(std::string_view properties) {
  return R"({"type":"track","event":"Order Completed","messageId":"m1","anonymousId":"a","properties":)" +
         std::string(properties) + "}";
}

}  // namespace

TEST_CASE("what does not fit is only counted unless told otherwise") {
  Door door;
  CHECK_EQ(door.send(order(R"({"revenue":"many","order_id":"o1"})")).accepted, 1);
  const auto* contract =
      door.registry->rules()->find(*SchemaKey::parse("com.millrace/order_completed/jsonschema/1-0-0"));
  REQUIRE(contract);
  CHECK_EQ(contract->tally->checked.load(), 1);
  CHECK_EQ(contract->tally->violated.load(), 1);
  const auto samples = contract->tally->samples();
  REQUIRE_EQ(samples.size(), 1);
  CHECK_EQ(samples[0].pointer, "/properties/revenue");
  CHECK_EQ(samples[0].keyword, "pattern");
  CHECK_EQ(samples[0].source, "web");
}

TEST_CASE("quarantine keeps the item whole with where and why") {
  Door door;
  door.set_mode("order_completed", Mode::quarantine);
  const auto& outcome = door.send(order(R"({"revenue":-5})"));
  CHECK_EQ(outcome.accepted, 0);
  CHECK_EQ(outcome.quarantined, 1);
  REQUIRE_EQ(door.quarantined.size(), 1);
  CHECK_EQ(door.quarantined[0].reason, "contract_violation");
  CHECK_EQ(door.quarantined[0].pointer, "/properties/revenue");
  CHECK_EQ(door.quarantined[0].raw, order(R"({"revenue":-5})"));
  CHECK_EQ(door.send(order(R"({"revenue":5,"orderId":7})")).accepted, 1);
}

TEST_CASE("a call without properties lacks what its contract requires") {
  Door door;
  door.set_mode("order_completed", Mode::quarantine);
  door.send(R"({"type":"track","event":"Order Completed","anonymousId":"a"})");
  REQUIRE_EQ(door.quarantined.size(), 1);
  CHECK_EQ(door.quarantined[0].pointer, "/properties");
}

TEST_CASE("reject tells the sender and keeps nothing of it") {
  Door door;
  door.set_mode("order_completed", Mode::reject);
  const auto& outcome = door.send(order(R"({"revenue":-5,"order_id":"o1"})"));
  CHECK_EQ(outcome.quarantined, 1);
  REQUIRE_EQ(outcome.items.size(), 1);
  CHECK_EQ(outcome.items[0].pointer, "/properties/revenue");
  CHECK(door.quarantined.empty());
  CHECK(door.events.empty());
}

TEST_CASE("drop_field takes the value out of the raw bytes, the fields and the leftovers") {
  Door door;
  door.put("shop/order_completed/jsonschema/1-0-0",
           R"({"properties":{"revenue":{"minimum":0},"note":{"maxLength":3},
               "products":{"items":{"properties":{"price":{"minimum":0}}}}}})");
  door.set_mode("order_completed", Mode::drop_field);
  door.send(
      order(R"({ "revenue": -5, "order_id":"o1","coupon":"c", "note":"secret",)"
            R"("products":[{"product_id":"p","price":-1,"quantity":2},{"product_id":"q","price":3}]})"));
  REQUIRE_EQ(door.events.size(), 1);
  const event::Event& kept = door.events[0];
  CHECK_EQ(kept.raw, order(R"({ "order_id":"o1","coupon":"c",)"
                           R"("products":[{"product_id":"p","quantity":2},{"product_id":"q","price":3}]})"));
  CHECK_FALSE(kept.has(event::Amount::revenue));
  CHECK_EQ(kept[Text::order_id], "o1");
  CHECK_EQ(kept[Text::coupon], "c");
  CHECK_EQ(kept[Text::locale], "de-DE");
  REQUIRE_EQ(kept.products.size(), 2);
  CHECK_FALSE(kept.products[0].has_price);
  CHECK_EQ(kept.products[0].quantity, 2);
  CHECK_EQ(kept.products[1].price.micros, 3'000'000);
  CHECK_EQ(kept[Text::extra].find("secret"), std::string_view::npos);
}

TEST_CASE("drop_field cannot supply what is missing") {
  Door door;
  door.set_mode("order_completed", Mode::drop_field);
  door.send(order(R"({"revenue":-5})"));
  CHECK(door.events.empty());
  CHECK_EQ(door.quarantined.size(), 1);
}

TEST_CASE("a self-describing event is held to the schema it names") {
  Door door;
  REQUIRE(!door.registry->set_modes({{"", "", Mode::quarantine}}));
  door.put("com.acme/spin/jsonschema/1-0-0",
           R"({"self":{"vendor":"com.acme","name":"spin","format":"jsonschema","version":"1-0-0"},
               "type":"object","properties":{"turns":{"type":"integer"}},"required":["turns"]})");
  const auto item = [](std::string_view schema, std::string_view data) {
    return R"({"type":"track","event":"Spin","anonymousId":"a","properties":{"schema":")" +
           std::string(schema) + R"(","data":)" + std::string(data) + "}}";
  };
  CHECK_EQ(door.send(item("iglu:com.acme/spin/jsonschema/1-0-0", R"({"turns":3})")).accepted, 1);
  door.send(item("iglu:com.acme/spin/jsonschema/1-0-0", R"({"turns":"3"})"));
  REQUIRE_EQ(door.quarantined.size(), 1);
  CHECK_EQ(door.quarantined[0].pointer, "/properties/data/turns");
  door.send(item("iglu:com.acme/spin/jsonschema/2-0-0", R"({"turns":3})"));
  REQUIRE_EQ(door.quarantined.size(), 1);
  CHECK_EQ(door.quarantined[0].reason, "unknown_schema");
}

TEST_CASE("Snowplow's payloads are opened, plain and base64, with their contexts") {
  SubjectFinder finder;
  const std::string event =
      R"({"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",)"
      R"("data":{"schema":"iglu:com.acme/spin/jsonschema/1-0-0","data":{"turns":3}}})";
  const std::string contexts = R"({"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",)"
                               R"("data":[{"schema":"iglu:com.acme/wheel/jsonschema/1-0-0","data":{}}]})";
  std::string coded = encode_base64(event);
  CHECK_EQ(*decode_base64(coded), event);
  while (coded.ends_with('=')) coded.pop_back();
  const auto found =
      finder.read(R"({"e":"ue","ue_px":")" + coded + R"(","cx":")" + encode_base64(contexts) + "\"}");
  REQUIRE_EQ(found.size(), 2);
  CHECK_EQ(found[0].key->path(), "com.acme/spin/jsonschema/1-0-0");
  CHECK_EQ(found[0].prefix, "/ue_px");
  CHECK_EQ(pointer_to(*found[0].tape, found[0].node), "/data/data");
  CHECK_EQ(found[1].key->path(), "com.acme/wheel/jsonschema/1-0-0");
}

TEST_CASE("values are cut out with the comma that belongs to them") {
  const auto cut = [](std::string_view text, std::vector<std::string> pointers) {
    JsonDocument document;
    REQUIRE(document.read(text).ok());
    const std::string out = without_values(document, pointers);
    JsonDocument after;
    CHECK_MESSAGE(after.read(out).ok(), out);
    return out;
  };
  CHECK_EQ(cut(R"({"a":1,"b":2,"c":3})", {"/a", "/b"}), R"({"c":3})");
  CHECK_EQ(cut(R"({"a":1,"b":2,"c":3})", {"/b", "/c"}), R"({"a":1})");
  CHECK_EQ(cut(R"({"a":1,"b":2,"c":3})", {"/b"}), R"({"a":1,"c":3})");
  CHECK_EQ(cut(R"({"a":1})", {"/a"}), R"({})");
  CHECK_EQ(cut(R"({"a":{"x":[1,{"y":2}]},"b":2})", {"/a/x/1/y", "/b"}), R"({"a":{"x":[1,{}]}})");
  CHECK_EQ(cut(R"([1,[2],3])", {"/0", "/1", "/2"}), R"([])");
  CHECK_EQ(cut(R"({"a,":",","b":"{"})", {"/a,"}), R"({"b":"{"})");
  CHECK_EQ(cut(R"({"a":1})", {"/z", "/a/b", ""}), R"({"a":1})");
}

TEST_CASE("rules of quality count, sample and quarantine") {
  Door door;
  door.quality.set(*parse_quality_rules(
      R"({"rules":[{"name":"once","kind":"unique","event":"order_completed","field":"order_id","action":"quarantine"},
                   {"name":"paid","kind":"payment_checkout"},
                   {"name":"cheap","kind":"range","field":"price","min":0,"max":10}]})"));
  CHECK_EQ(door.send(order(R"({"order_id":"o1","products":[{"product_id":"p","price":11}]})")).accepted, 1);
  CHECK_EQ(door.send(order(R"({"order_id":"o1"})")).accepted, 1);  // The same message again.
  const auto other =
      R"({"type":"track","event":"Order Completed","messageId":"m2","anonymousId":"a","properties":{"order_id":"o1"}})";
  CHECK_EQ(door.send(other).quarantined, 1);
  CHECK_EQ(door.quarantined[0].reason, "quality_rule");
  const auto rules = *door.quality.rules();
  CHECK_EQ(rules[0]->broken.load(), 1);
  CHECK_EQ(rules[1]->broken.load(), 3);
  CHECK_EQ(rules[2]->broken.load(), 1);
  CHECK_EQ(rules[2]->samples.size(), 1);
  CHECK_FALSE(parse_quality_rules(R"({"rules":[{"name":"x","kind":"range","field":"color"}]})").ok());
  const auto preset = parse_quality_rules(quality_rules_json(preset_quality_rules()));
  REQUIRE(preset.ok());
  CHECK_EQ(preset->size(), preset_quality_rules().size());
}
