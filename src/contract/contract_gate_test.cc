#include "contract/contract_gate.h"

#include <doctest/doctest.h>

#include <string>

#include "base/bytes.h"
#include "collect/ga4_dialect.h"
#include "collect/intake.h"
#include "collect/segment_dialect.h"
#include "collect/snowplow_dialect.h"
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
  std::unique_ptr<collect::Intake> other_intake;
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
    return post(dialect, *reader, *intake, "/v1/batch",
                R"({"writeKey":"wk","context":{"locale":"de-DE"},"batch":[)" + item + "]}");
  }
  // A request of another dialect, through a gate of its own.
  const collect::Outcome& send_as(const collect::Dialect& other, std::string_view target,
                                  const std::string& body) {
    std::vector<std::unique_ptr<collect::Gate>> gates;
    gates.push_back(ContractGateMaker(*registry, quality, feed, clock).gate());
    gates.back()->expect(other.item_form());
    other_intake = std::make_unique<collect::Intake>(1, collect::TimeSource::wall, std::move(gates));
    return post(other, *other.reader(), *other_intake, target, body);
  }
  const collect::Outcome& post(const collect::Dialect& to, collect::Reader& by, collect::Intake& into,
                               std::string_view target, const std::string& body) {
    http::Request request;
    request.method = http::Method::post;
    REQUIRE(http::parse_target(target, request));
    request.body = body;
    int id = 0;
    for (const auto& endpoint : to.endpoints()) {
      if (endpoint.pattern == request.path && endpoint.method == http::Method::post) id = endpoint.id;
    }
    into.begin(request, {1'795'000'000'000}, body.size());
    REQUIRE(!by.read(request, id, {1'795'000'000'000}, into));
    shares = into.take_shares();
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
    return into.outcome();
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
  std::string with_its_batch = order(R"({"revenue":-5})");
  with_its_batch.insert(with_its_batch.size() - 1, R"(,"context":{"locale":"de-DE"})");
  CHECK_EQ(door.quarantined[0].raw, with_its_batch);
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
  CHECK_EQ(found[0].address, "com.acme/spin/jsonschema/1-0-0");
  CHECK_EQ(found[0].prefix, "/ue_px");
  CHECK_EQ(pointer_to(*found[0].tape, found[0].node), "/data/data");
  CHECK_EQ(found[1].address, "com.acme/wheel/jsonschema/1-0-0");
}

TEST_CASE("items without properties are held to their contract by the canonical ones") {
  Door door;
  REQUIRE(!door.registry->set_modes({{"", "", Mode::quarantine}}));
  const collect::Ga4ProtocolDialect protocol(door.sources, {});
  const collect::Ga4TagDialect tag(door.sources, {});
  const collect::SnowplowDialect snowplow(door.sources, {}, {});
  const auto by_protocol = [&](std::string_view events) {
    return door
        .send_as(protocol, "/mp/collect?measurement_id=wk",
                 R"({"client_id":"c","events":[)" + std::string(events) + "]}")
        .quarantined;
  };
  CHECK_EQ(by_protocol(R"({"name":"purchase","params":{"transaction_id":"t","value":5,"currency":"EUR"}})"),
           0);
  CHECK_EQ(by_protocol(R"({"name":"purchase","params":{"value":5}})"), 1);
  REQUIRE_EQ(door.quarantined.size(), 1);
  CHECK_EQ(door.quarantined[0].reason, "contract_violation");
  CHECK_EQ(door.quarantined[0].pointer, "");
  CHECK_NE(door.quarantined[0].detail.find("order_completed"), std::string_view::npos);
  CHECK_EQ(by_protocol(R"({"name":"view_item","params":{"items":[{"item_id":"p","price":-5}]}})"), 1);
  CHECK_NE(door.quarantined[0].detail.find("canonical property /price"), std::string_view::npos);

  // Parameters of the shop's own are properties too, and gtag's numbers are numbers.
  door.put("shop/spin/jsonschema/1-0-0",
           R"({"properties":{"turns":{"type":"number","maximum":3}},"required":["turns"]})");
  CHECK_EQ(
      by_protocol(
          R"({"name":"spin","params":{"turns":3}},{"name":"spin","params":{"turns":4}},{"name":"spin"})"),
      2);
  const auto by_tag = [&](std::string_view line) {
    return door.send_as(tag, "/g/collect?v=2&tid=wk&cid=c", std::string(line)).quarantined;
  };
  CHECK_EQ(by_tag("en=spin&epn.turns=3\r\nen=spin&epn.turns=4\r\nen=spin&ep.turns=3"), 2);
  CHECK_EQ(by_tag("en=purchase&epn.value=5&ep.transaction_id=t&pr1=idp~pr5\r\nen=purchase&pr1=nmNameless"),
           1);

  const auto by_snowplow = [&](std::string_view members) {
    return door
        .send_as(snowplow, "/com.snowplowanalytics.snowplow/tp2",
                 R"({"data":[{"aid":"wk","duid":"d","eid":"e",)" + std::string(members) + "}]}")
        .quarantined;
  };
  CHECK_EQ(by_snowplow(R"("e":"tr","tr_id":"o","tr_tt":"5")"), 0);
  CHECK_EQ(by_snowplow(R"("e":"tr","tr_tt":"5")"), 1);
  // Schemas of the trackers need not be in the registry, those of the shop must.
  const std::string schema =
      R"({\"schema\":\"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0\",\"data\":{\"schema\":\"iglu:)";
  CHECK_EQ(by_snowplow(R"("e":"ue","ue_pr":")" + schema +
                       R"(com.snowplowanalytics.snowplow/link_click/jsonschema/1-0-1\",\"data\":{}}}")"),
           0);
  CHECK_EQ(by_snowplow(R"("e":"ue","ue_pr":")" + schema + R"(shop/wheel/jsonschema/1-0-0\",\"data\":{}}}")"),
           1);
  CHECK_EQ(door.quarantined[0].reason, "unknown_schema");
  door.put("shop/wheel/jsonschema/1-0-0", R"({"required":["turns"]})");
  CHECK_EQ(by_snowplow(R"("e":"ue","ue_pr":")" + schema +
                       R"(shop/wheel/jsonschema/1-0-0\",\"data\":{\"turns\":1}}}")"),
           0);
  CHECK_EQ(by_snowplow(R"("e":"ue","ue_pr":")" + schema + R"(shop/wheel/jsonschema/1-0-0\",\"data\":{}}}")"),
           1);
  CHECK_EQ(door.quarantined[0].pointer, "/ue_pr/data/data");
}

TEST_CASE("canonical properties are what a call would have said") {
  event::Event event;
  event.type = event::EventType::order_completed;
  event[Text::order_id] = "o\"1";
  event[Text::coupon] = "c";
  event.currency = event::parse_currency("EUR");
  event.set(event::Amount::revenue, {12'500'000});
  event::ProductLine line;
  line.product_id = "p";
  line.category = "shoes";
  line.price = {-1};
  line.has_price = true;
  event.products = {line};
  event[Text::extra] = R"({"params":{"gift":true,"turns":"3"},"epn":{"n":"3","m":"x"},"other":1})";
  CanonicalProperties canonical;
  canonical.read(event);
  CHECK_EQ(
      canonical.text(),
      R"({"order_id":"o\"1","coupon":"c","products":[{"product_id":"p","category":"shoes","price":-0.000001,"quantity":1}],)"
      R"("currency":"EUR","revenue":12.5,"gift":true,"turns":"3","n":3,"m":"x"})");
  event.type = event::EventType::product_viewed;
  event[Text::category] = "list";
  event[Text::extra] = "";
  canonical.read(event);
  CHECK_EQ(
      canonical.text(),
      R"({"order_id":"o\"1","coupon":"c","product_id":"p","category":"shoes","price":-0.000001,"quantity":1,)"
      R"("currency":"EUR","revenue":12.5})");
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
                   {"name":"cheap","kind":"range","field":"price","min":0,"max":10},
                   {"name":"sums","kind":"totals"}]})"));
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
  CHECK_EQ(rules[3]->broken.load(), 0);
  door.send(order(R"({"order_id":"o1","total":12,"products":[{"product_id":"p","price":11}]})"));
  CHECK_EQ(rules[3]->broken.load(), 1);
  CHECK_FALSE(parse_quality_rules(R"({"rules":[{"name":"x","kind":"range","field":"color"}]})").ok());
  const auto preset = parse_quality_rules(quality_rules_json(preset_quality_rules()));
  REQUIRE(preset.ok());
  CHECK_EQ(preset->size(), preset_quality_rules().size());
}

TEST_CASE("an order that consent has made nobody's is not held back for want of who it is of") {
  Door door;
  door.quality.set(*parse_quality_rules(
      R"({"rules":[{"name":"who","kind":"identity","action":"quarantine"},
                   {"name":"paid","kind":"payment_checkout","action":"quarantine"}]})"));
  const auto gate = ContractGateMaker(*door.registry, door.quality, door.feed, door.clock).gate();
  event::Event event;
  event.type = event::EventType::order_completed;
  event.raw = "{}";
  CHECK(gate->inspect(event).ruling == collect::Ruling::quarantine);
  event.set(event::Flag::anonymised);
  CHECK(gate->inspect(event).ruling == collect::Ruling::pass);
  CHECK_EQ((*door.quality.rules())[0]->broken.load(), 1);
}

TEST_CASE("a rule of uniqueness sees what came by itself, whatever other rules ask for the same") {
  Door door;
  door.quality.set(*parse_quality_rules(
      R"({"rules":[{"name":"watch","kind":"unique","event":"order_completed","field":"order_id"},
                   {"name":"keep out","kind":"unique","field":"order_id","action":"quarantine"},
                   {"name":"checkout","kind":"unique","field":"checkout_id","action":"quarantine"}]})"));
  const auto send = [&](std::string_view message, std::string_view properties) {
    return door.send(R"({"type":"track","event":"Order Completed","anonymousId":"a","messageId":")" +
                     std::string(message) + R"(","properties":)" + std::string(properties) + "}");
  };
  CHECK_EQ(send("m1", R"({"order_id":"o1"})").accepted, 1);
  CHECK_EQ(send("m2", R"({"order_id":"o1"})").quarantined, 1);
  CHECK_EQ(send("m3", R"({"checkout_id":"o1"})").accepted, 1);  // Another field's value.
  CHECK_EQ(send("m4", R"({"checkout_id":"o1"})").quarantined, 1);
}
