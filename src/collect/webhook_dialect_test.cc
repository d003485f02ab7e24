#include "collect/webhook_dialect.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/signature.h"

using namespace millrace;
using namespace millrace::collect;
using event::Amount;
using event::EventType;
using event::Flag;
using event::Text;

namespace {

MappingSettings warehouse() {
  MappingSettings settings;
  settings.signature_header = "X-Hub-Signature-256";
  settings.signature_prefix = "sha256=";
  settings.items = "/batch/rows";
  settings.event = "/kind";
  settings.time = "/at";
  settings.lines = "/order/lines";
  settings.events = {{"paid", "order_completed"}, {"sent back", "Order Refunded"}};
  settings.fields = {{"message_id", "/id"},   {"user_id", "/customer/no"},  {"order_id", "/order/no"},
                     {"total", "/order/sum"}, {"currency", "/order/money"}, {"country", "/customer/land"}};
  settings.line_fields = {{"product_id", "/article/no"}, {"quantity", "/count"}, {"price", "/each"}};
  return settings;
}

struct Door {
  Door()
      : sources(*SourceTable::make({{1, "shopify", "shop", "s3cret", true},
                                    mapped_source(),
                                    {3, "open", "open", "", true},
                                    {4, "off", "off", "x", false}},
                                   {true, 0, "default"})),
        dialect(sources, {}),
        rig(dialect) {}
  static SourceSettings mapped_source(std::string write_key = "ware") {
    SourceSettings source{2, "warehouse", std::move(write_key), "k3y", true};
    auto mapping = WebhookMapping::make(warehouse());
    REQUIRE(mapping);
    source.mapping = *std::move(mapping);
    return source;
  }
  http::Response shopify(std::string_view topic, std::string_view body) {
    signature = signature_of(body, "s3cret", SignatureCoding::base64);
    return rig.post("/webhooks/shopify/shop", body,
                    {{"X-Shopify-Topic", topic},
                     {"X-Shopify-Hmac-Sha256", signature},
                     {"X-Shopify-Shop-Domain", "a.myshopify.com"},
                     {"X-Shopify-Webhook-Id", "d-1"}});
  }
  const event::Event& map(std::string_view topic, std::string_view body) {
    REQUIRE(shopify(topic, body).status == 200);
    return rig.event();
  }
  http::Response mapped(std::string_view body) {
    signature = "sha256=" + signature_of(body, "k3y", SignatureCoding::hex);
    return rig.post("/webhooks/json/ware", body, {{"X-Hub-Signature-256", signature}});
  }
  SourceTable sources;
  WebhookDialect dialect;
  DialectRig rig;
  std::string signature;
};

constexpr std::string_view kOrder =
    R"({"id":450789469,"email":"bob@example.test","created_at":"2025-06-15T15:06:35+00:00","currency":"USD",)"
    R"("total_price":"403.94","subtotal_price":"388.00","total_tax":"11.94","total_discounts":"10.00","taxes_included":false,)"
    R"("total_shipping_price_set":{"shop_money":{"amount":"4.00","currency_code":"USD"}},"cart_token":"68778783ad",)"
    R"("discount_codes":[{"code":"TEN","amount":"10.00"}],"payment_gateway_names":["visa"],"landing_site":"/?utm_source=news",)"
    R"("note_attributes":[{"name":"gift","value":"yes"},{"name":"anonymousId","value":"v1"}],"browser_ip":"203.0.113.9",)"
    R"("customer":{"id":207119551,"email":"bob@example.test"},"shipping_address":{"country_code":"US"},"refunds":[],)"
    R"("line_items":[{"id":1,"product_id":632910392,"variant_id":808950810,"sku":"IPOD","title":"IPod","vendor":"Acme",)"
    R"("price":"199.00","quantity":2},)"
    R"({"id":2,"product_id":null,"sku":"WRAP","title":"Wrap","price":"0.00","quantity":1}]})";

}  // namespace

TEST_CASE("the signature is HMAC-SHA256 of the body, in either coding") {
  // RFC 4231, test case 2.
  CHECK(signature_of("what do ya want for nothing?", "Jefe", SignatureCoding::hex) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(signature_of("what do ya want for nothing?", "Jefe", SignatureCoding::base64) ==
        "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  CHECK(equals_in_constant_time("", ""));
  CHECK_FALSE(equals_in_constant_time("a", ""));
  CHECK_FALSE(equals_in_constant_time("", "a"));
  CHECK_FALSE(equals_in_constant_time("ab", "aa"));
}

TEST_CASE("an order of Shopify") {
  Door door;
  const auto& event = door.map("orders/create", kOrder);
  CHECK(event.type == EventType::order_completed);
  CHECK(event.source == 1);
  CHECK(event[Text::message_id] == "shopify:d-1");
  CHECK(event[Text::event_name] == "orders/create");
  CHECK(event[Text::order_id] == "450789469");
  CHECK(event[Text::user_id] == "207119551");
  CHECK(event[Text::anonymous_id] == "v1");
  CHECK(event[Text::email] == "bob@example.test");
  CHECK(event[Text::country] == "US");
  CHECK(event[Text::ip] == "203.0.113.9");
  CHECK(event[Text::coupon] == "TEN");
  CHECK(event[Text::campaign_source] == "news");
  CHECK(event[Amount::total].micros == 403'940'000);
  CHECK(event[Amount::subtotal].micros == 388'000'000);
  CHECK(event[Amount::shipping].micros == 4'000'000);
  CHECK(event[Amount::discount].micros == 10'000'000);
  CHECK(event.event_time.ms == 1'749'999'995'000);
  REQUIRE(event.products.size() == 2);
  CHECK(event.products[0].product_id == "632910392");
  CHECK(event.products[0].quantity == 2);
  CHECK(event.products[1].product_id == "WRAP");
  CHECK(event[Text::extra].find(R"({"name":"gift","value":"yes"})") != std::string_view::npos);
}

TEST_CASE("every topic is its event") {
  const std::pair<std::string_view, EventType> topics[] = {
      {"orders/create", EventType::order_completed},
      {"orders/updated", EventType::order_updated},
      {"orders/paid", EventType::order_updated},
      {"orders/cancelled", EventType::order_cancelled},
      {"refunds/create", EventType::order_refunded},
      {"checkouts/create", EventType::checkout_started},
      {"checkouts/update", EventType::checkout_step_completed},
      {"carts/update", EventType::cart_viewed},
      {"customers/update", EventType::identified},
      {"products/update", EventType::other},
      {"inventory_levels/update", EventType::other},
      {"something/new", EventType::other},
  };
  Door door;
  for (const auto& [topic, type] : topics) {
    CAPTURE(topic);
    const auto& event = door.map(topic, R"({"id":7,"order_id":8,"customer":{"id":9}})");
    CHECK(event.type == type);
    CHECK(event[Text::event_name] == topic);
  }
  CHECK(door.map("customers/create", R"({"id":7,"email":"a@b.test"})")[Text::user_id] == "7");
  CHECK(door.map("carts/update", R"({"id":"c","token":"c","line_items":[]})")[Text::cart_id] == "c");
  CHECK(door.map("products/update", R"({"id":7,"title":"x"})")[Text::anonymous_id] ==
        "shopify:a.myshopify.com");
  CHECK(door.map("orders/create", R"({"id":7})")[Text::anonymous_id] == "shopify:a.myshopify.com:7");
}

TEST_CASE("a refund names its order, its lines, and what was really given back") {
  Door door;
  const auto& event = door.map(
      "refunds/create",
      R"({"id":509562969,"order_id":450789469,"created_at":"2025-06-15T15:06:00Z","refund_line_items":[{"quantity":1,)"
      R"("subtotal":199.0,"line_item":{"product_id":632910392,"sku":"IPOD","price":"199.00"}}],"transactions":[)"
      R"({"kind":"refund","status":"success","amount":"209.00","currency":"USD"},{"kind":"refund","status":"failure","amount":"5"},)"
      R"({"kind":"void","status":"success","amount":"7"}]})");
  CHECK(event[Text::order_id] == "450789469");
  CHECK(event[Amount::total].micros == 209'000'000);
  CHECK(event.currency.text() == "USD");
  REQUIRE(event.products.size() == 1);
  CHECK(event.products[0].product_id == "632910392");
  CHECK(event.products[0].quantity == 1);
  CHECK(event.products[0].price.micros == 199'000'000);
}

TEST_CASE("an update of an order with refunds leaves its lines alone") {
  Door door;
  std::string body(kOrder);
  CHECK(door.map("orders/updated", body).products.size() == 2);
  body.replace(body.find(R"("refunds":[])"), 12, R"("refunds":[{"id":1}])");
  CHECK(door.map("orders/updated", body).products.empty());
  CHECK(door.map("orders/create", body).products.size() == 2);
}

TEST_CASE("nothing is taken without the signature that the secret makes") {
  Door door;
  const std::string right = signature_of(kOrder, "s3cret", SignatureCoding::base64);
  const auto status = [&](std::string_view path, DialectRig::Headers headers) {
    return door.rig.post(path, kOrder, std::move(headers)).status;
  };
  CHECK(status("/webhooks/shopify/shop", {{"X-Shopify-Topic", "orders/create"}}) == 401);
  CHECK(status("/webhooks/shopify/shop", {{"X-Shopify-Hmac-Sha256", "AAAA"}}) == 401);
  CHECK(status("/webhooks/shopify/shop", {{"X-Shopify-Hmac-Sha256", right.substr(1)}}) == 401);
  CHECK(status("/webhooks/shopify/stranger", {{"X-Shopify-Hmac-Sha256", right}}) == 401);
  CHECK(status("/webhooks/shopify/open", {{"X-Shopify-Hmac-Sha256", right}}) == 401);
  CHECK(status("/webhooks/shopify/off", {{"X-Shopify-Hmac-Sha256", right}}) == 404);
  CHECK(status("/webhooks/json/shop", {{"X-Shopify-Hmac-Sha256", right}}) == 404);
  CHECK(door.rig.sink.events.empty());
  CHECK(status("/webhooks/shopify/shop", {{"X-Shopify-Hmac-Sha256", right}}) == 200);
  REQUIRE(door.rig.sink.quarantined.size() == 1);  // It has no topic.
  CHECK(door.rig.sink.quarantined[0].reason == "missing_event_name");
}

TEST_CASE("a signed body that is no JSON object is kept for repair") {
  Door door;
  for (const std::string_view body : {"", "{", "[]", "7", "{\"id\":{}}"}) {
    CAPTURE(body);
    CHECK(door.shopify("orders/create", body).status == 200);
    CHECK(door.rig.sink.quarantined.size() == 1);
  }
}

TEST_CASE("anybody's JSON by a mapping") {
  Door door;
  CHECK(
      door.mapped(
              R"({"batch":{"rows":[{"id":1,"kind":"paid","at":"2025-06-15T15:06:00Z","customer":{"no":"c1","land":"se"},)"
              R"("order":{"no":77,"sum":"12,50","money":"SEK","lines":[{"article":{"no":"a1"},"count":2,"each":6.25,"shelf":"x"}]}},)"
              R"({"id":2,"kind":"sent back","customer":{"no":"c1"},"order":{"no":77}},{"id":3,"kind":"moved","customer":{"no":"c1"}},)"
              R"({"id":4,"customer":{"no":"c1"}},7]}})")
          .status == 200);
  REQUIRE(door.rig.sink.events.size() == 3);
  CHECK(door.rig.sink.quarantined.size() == 2);
  const auto& order = door.rig.sink.events[0];
  CHECK(order.type == EventType::order_completed);
  CHECK(order.source == 2);
  CHECK(order[Text::event_name] == "paid");
  CHECK(order[Text::message_id] == "1");
  CHECK(order[Text::user_id] == "c1");
  CHECK(order[Text::country] == "SE");
  CHECK(order[Text::order_id] == "77");
  CHECK(order[Amount::total].micros == 12'500'000);
  CHECK(order.currency.text() == "SEK");
  CHECK(order.event_time.ms == 1'749'999'960'000);
  REQUIRE(order.products.size() == 1);
  CHECK(order.products[0].product_id == "a1");
  CHECK(order.products[0].quantity == 2);
  CHECK(order[Text::extra].find(R"("shelf":"x")") != std::string_view::npos);
  CHECK(door.rig.sink.events[1].type == EventType::order_refunded);
  CHECK(door.rig.sink.events[2].type == EventType::other);
  for (const std::string_view body : {"", "{}", R"({"batch":{"rows":{}}})", R"({"batch":[]})"}) {
    CHECK(door.mapped(body).status == 200);
    REQUIRE(door.rig.sink.quarantined.size() == 1);
    CHECK(door.rig.sink.quarantined[0].reason == "missing_items");
  }
}

TEST_CASE("a mapping that names what there is not is refused") {
  const auto refused = [](auto change) {
    MappingSettings settings = warehouse();
    change(settings);
    return !WebhookMapping::make(std::move(settings)).ok();
  };
  CHECK_FALSE(refused([](MappingSettings&) {}));
  CHECK(refused([](MappingSettings& s) { s.fields.emplace_back("colour", "/c"); }));
  CHECK(refused([](MappingSettings& s) { s.fields.emplace_back("extra", "/c"); }));
  CHECK(refused([](MappingSettings& s) { s.line_fields.emplace_back("order_id", "/c"); }));
  CHECK(refused([](MappingSettings& s) { s.events.emplace_back("x", "order_lost"); }));
  for (const std::string_view pointer : {"", "/", "c", "/a//b", "/a/", "/a.b", "/a~1b", "/a[]"}) {
    CAPTURE(pointer);
    CHECK(refused([&](MappingSettings& s) { s.fields.emplace_back("coupon", pointer); }));
  }
}
