#include "collect/snowplow_dialect.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"

using namespace millrace;
using namespace millrace::collect;
using event::Amount;
using event::EventType;
using event::Flag;
using event::Text;

namespace {

constexpr std::string_view kPath = "/com.snowplowanalytics.snowplow/tp2";

std::string payload(const std::string& items) {
  return R"({"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[)" + items +
         "]}";
}

std::string quoted(std::string_view text) {
  std::string out;
  http::append_json_string(out, text);
  return out;
}

std::string base64(std::string_view text, bool url_safe, bool padded) {
  const std::string digits = std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") +
                             (url_safe ? "-_" : "+/");
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0);
    }
    const std::size_t used = std::min<std::size_t>(3, text.size() - i) + 1;
    for (std::size_t k = 0; k < 4; ++k) {
      if (k < used) out += digits[(bits >> (18 - 6 * k)) & 63];
      if (k >= used && padded) out += '=';
    }
  }
  return out;
}

std::string event_of(std::string_view schema, std::string_view data) {
  return R"({"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":{"schema":")" +
         std::string(schema) + R"(","data":)" + std::string(data) + "}}";
}
std::string action(std::string_view type) {
  return event_of("iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2",
                  R"({"type":")" + std::string(type) + R"(","name":"summer"})");
}
std::string context(std::string_view name, std::string_view data) {
  return R"({"schema":"iglu:com.snowplowanalytics.snowplow.ecommerce/)" + std::string(name) +
         R"(/jsonschema/1-0-0","data":)" + std::string(data) + "}";
}
std::string contexts(const std::string& list) {
  return R"({"schema":"iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0","data":[)" + list +
         "]}";
}
std::string action_item(std::string_view type, const std::string& list) {
  return R"({"e":"ue","p":"web","tv":"js-4.10.1","aid":"shop","eid":"e1","duid":"v1","ue_pr":)" +
         quoted(action(type)) + R"(,"co":)" + quoted(contexts(list)) + "}";
}

constexpr std::string_view kProduct =
    R"({"id":"p1","name":"Shoe","category":"shoes/running","price":49.9,"currency":"EUR","quantity":2,"size":"43"})";

struct Door {
  explicit Door(bool open = false, SnowplowSettings settings = {})
      : sources(*SourceTable::make({{1, "shop", "shop", "", true}, {2, "app", "app", "", true}},
                                   {open, 9, "default"})),
        dialect(sources, {}, std::move(settings)),
        rig(dialect) {}
  const event::Event& map(const std::string& item, DialectRig::Headers headers = {}) {
    CAPTURE(item);
    const auto answer = rig.post(kPath, body = payload(item), std::move(headers));
    REQUIRE(answer.status == 200);
    REQUIRE(answer.body == "ok");
    return rig.event();
  }
  SourceTable sources;
  SnowplowDialect dialect;
  DialectRig rig;
  std::string body;
};

}  // namespace

TEST_CASE("a page view of the browser tracker") {
  Door door;
  const auto& event = door.map(
      R"({"e":"pv","url":"https://shop.example/a?utm_source=news","page":"A","refr":"https://x.example/","eid":"m",)"
      R"("duid":"v","uid":"u","vid":"1","sid":"s","tz":"Europe/Stockholm","lang":"sv-SE","dtm":"1749999999000",)"
      R"("stm":"1749999999500","aid":"app","tv":"js-4.10.1","p":"web","res":"1x1"})",
      {{"User-Agent", "Mozilla"}});
  CHECK(event.type == EventType::page_viewed);
  CHECK(event.source == 2);
  CHECK(event[Text::message_id] == "m");
  CHECK(event[Text::anonymous_id] == "v");
  CHECK(event[Text::user_id] == "u");
  CHECK(event[Text::page_path] == "/a");
  CHECK(event[Text::campaign_source] == "news");
  CHECK(event[Text::locale] == "sv-SE");
  CHECK(event[Text::user_agent] == "Mozilla");
  CHECK(event[Text::ip] == "192.0.2.7");
  CHECK(event.event_time.ms == DialectRig::kNow.ms - 500);
  CHECK(event[Text::extra] == R"({"vid":"1","sid":"s","p":"web","res":"1x1"})");
}

TEST_CASE("every action of the e-commerce plugin is its canonical event") {
  const std::pair<std::string_view, EventType> actions[] = {
      {"product_view", EventType::product_viewed},      {"list_view", EventType::product_list_viewed},
      {"list_click", EventType::product_clicked},       {"add_to_cart", EventType::product_added},
      {"remove_from_cart", EventType::product_removed}, {"promo_view", EventType::promotion_viewed},
      {"promo_click", EventType::promotion_clicked},    {"checkout_step", EventType::checkout_step_completed},
      {"transaction", EventType::order_completed},      {"refund", EventType::order_refunded},
      {"trns_error", EventType::payment_failed},        {"wave", EventType::other},
  };
  Door door;
  for (const auto& [name, type] : actions) {
    const auto& event = door.map(action_item(name, context("product", kProduct)));
    CAPTURE(name);
    CHECK(event.type == type);
    CHECK(event[Text::event_name] == name);
    CHECK(event[Text::list_id] == "summer");
    REQUIRE(event.products.size() == 1);
    CHECK(event.products[0].product_id == "p1");
    CHECK(event.products[0].category == "shoes/running");
    CHECK(event.products[0].price.micros == 49'900'000);
    CHECK(event.products[0].quantity == 2);
    CHECK(event.currency.text() == "EUR");
    CHECK(event[Text::extra].find(R"("size":"43")") != std::string_view::npos);
    CHECK(event[Text::extra].find("p1") == std::string_view::npos);
  }
}

TEST_CASE("a transaction has its lines, its cart and its amounts") {
  Door door;
  const auto& event = door.map(action_item(
      "transaction",
      context("transaction",
              R"({"transaction_id":"o1","revenue":112.3,"payment_method":"card","currency":"EUR",)"
              R"("total_quantity":3,"tax":10,"shipping":2.5,"discount_code":"TEN","discount_amount":0})") +
          "," + context("product", kProduct) + "," +
          context("product", R"({"id":"p2","category":"c","price":10,"currency":"EUR"})") + "," +
          context("cart", R"({"cart_id":"k","total_value":109.8,"currency":"EUR"})") + "," +
          context("user", R"({"id":"u7","email":"a@example.test"})")));
  CHECK(event.type == EventType::order_completed);
  CHECK(event[Text::order_id] == "o1");
  CHECK(event[Amount::revenue].micros == 112'300'000);
  CHECK(event[Amount::tax].micros == 10'000'000);
  CHECK(event[Amount::shipping].micros == 2'500'000);
  CHECK(event[Text::coupon] == "TEN");
  CHECK(event[Text::payment_method] == "card");
  CHECK(event[Text::cart_id] == "k");
  CHECK(event[Text::user_id] == "u7");
  CHECK(event[Text::email] == "a@example.test");
  REQUIRE(event.products.size() == 2);
  CHECK(event.products[1].product_id == "p2");
  CHECK(event[Text::extra].find(R"("total_value":109.8)") != std::string_view::npos);
}

TEST_CASE("a refund names its order, and its products when it is partial") {
  Door door;
  const auto& event = door.map(action_item(
      "refund", context("refund", R"({"transaction_id":"o1","currency":"EUR","refund_amount":49.9})") + "," +
                    context("product", kProduct)));
  CHECK(event[Text::order_id] == "o1");
  CHECK(event[Amount::total].micros == 49'900'000);
  CHECK(event.products.size() == 1);
}

TEST_CASE("a checkout step is known by what it says") {
  Door door;
  const auto type = [&](std::string_view data) {
    return door.map(action_item("checkout_step", context("checkout_step", data))).type;
  };
  CHECK(type(R"({"step":1})") == EventType::checkout_started);
  CHECK(type(R"({"step":1,"payment_method":"card"})") == EventType::checkout_started);
  CHECK(type(R"({"step":2,"delivery_method":"air"})") == EventType::checkout_step_completed);
  CHECK(type(R"({"step":3,"payment_method":"card"})") == EventType::payment_info_entered);
}

TEST_CASE("both forms of base64, padded or not, say the same as plain text") {
  Door door;
  const std::string event_text = action("add_to_cart");
  const std::string context_text =
      contexts(context("product", R"({"id":"p?>ü","category":"c","price":1,"currency":"EUR"})"));
  const std::string plain = door.map(R"({"e":"ue","aid":"shop","duid":"v","ue_pr":)" + quoted(event_text) +
                                     R"(,"co":)" + quoted(context_text) + "}")
                                .products.at(0)
                                .product_id.data();
  for (const bool url_safe : {false, true}) {
    for (const bool padded : {false, true}) {
      const auto& event =
          door.map(R"({"e":"ue","aid":"shop","duid":"v","ue_px":")" + base64(event_text, url_safe, padded) +
                   R"(","cx":")" + base64(context_text, url_safe, padded) + "\"}");
      CHECK(event.type == EventType::product_added);
      CHECK(event.products.at(0).product_id == "p?>ü");
      // What is kept can be searched: nothing in it is still coded.
      CHECK(event.raw.find(event_text) != std::string_view::npos);
    }
  }
  CHECK_FALSE(plain.empty());
}

TEST_CASE("structured events, page pings and legacy transactions keep what they say") {
  Door door;
  const auto& structured = door.map(
      R"({"e":"se","aid":"shop","duid":"v","se_ca":"video","se_ac":"play","se_la":"intro","se_va":"3.5"})");
  CHECK(structured.type == EventType::other);
  CHECK(structured[Text::event_name] == "play");
  CHECK(structured[Text::category] == "video");
  CHECK(structured[Amount::value].micros == 3'500'000);
  CHECK(structured[Text::extra] == R"({"se_la":"intro"})");
  CHECK(door.map(R"({"e":"pp","aid":"shop","duid":"v","pp_max":"3"})")[Text::event_name] == "page_ping");
  const auto& order =
      door.map(R"({"e":"tr","aid":"shop","duid":"v","tr_id":"o","tr_tt":"12.5","tr_cu":"EUR"})");
  CHECK(order.type == EventType::order_completed);
  CHECK(order[Text::order_id] == "o");
  CHECK(order[Amount::total].micros == 12'500'000);
  const auto& line =
      door.map(R"({"e":"ti","aid":"shop","duid":"v","ti_id":"o","ti_sk":"p","ti_pr":"5","ti_qu":"2"})");
  CHECK(line.type == EventType::other);
  CHECK(line.products.at(0).product_id == "p");
}

TEST_CASE("the terms of a site search are the query") {
  Door door;
  const auto& event =
      door.map(R"({"e":"ue","aid":"shop","duid":"v","ue_pr":)" +
               quoted(event_of("iglu:com.snowplowanalytics.snowplow/site_search/jsonschema/1-0-0",
                               R"({"terms":["red","shoe"]})")) +
               "}");
  CHECK(event.type == EventType::product_searched);
  CHECK(event[Text::query] == "red shoe");
}

TEST_CASE("other people's schemas are kept whole under their own name") {
  Door door;
  const auto& event = door.map(
      R"({"e":"ue","aid":"shop","duid":"v","ue_pr":)" +
      quoted(event_of("iglu:com.acme/add_to_cart/jsonschema/2-1-0", R"({"sku":"x"})")) + R"(,"co":)" +
      quoted(contexts(R"({"schema":"iglu:com.acme/product/jsonschema/1-0-0","data":{"id":"z"}})")) + "}");
  CHECK(event.type == EventType::other);
  CHECK(event[Text::event_name] == "add_to_cart");
  CHECK(event.products.empty());
  CHECK(event[Text::extra].find(R"("iglu:com.acme/product/jsonschema/1-0-0","data":{"id":"z"})") !=
        std::string_view::npos);
}

TEST_CASE("the query of GET is an item, and its answer is an image") {
  Door door;
  const auto answer = door.rig.get("/i?e=pv&aid=shop&duid=v&url=https%3A%2F%2Fa%2Fb&tv=x&dtm=1749999999000");
  CHECK(answer.content_type == "image/gif");
  CHECK(answer.body.size() == 43);
  CHECK(door.rig.event()[Text::page_url] == "https://a/b");
}

TEST_CASE("one bad item leaves the others") {
  Door door;
  const auto answer = door.rig.post(
      kPath,
      payload(
          R"({"e":"pv","aid":"shop","duid":"a"},{"e":"xx","aid":"shop","duid":"b"},7,)"
          R"({"e":"ue","aid":"shop","duid":"c","ue_px":"*"},{"e":"ue","aid":"shop","duid":"d","ue_pr":"{"},)"
          R"({"aid":"shop","duid":"e"},{"e":"pv","aid":"stranger","duid":"f"},{"e":"pv","aid":"app","duid":"g"})"));
  CHECK(answer.status == 200);
  CHECK(door.rig.sink.events.size() == 2);
  std::vector<std::string> reasons;
  for (const auto& item : door.rig.sink.quarantined) reasons.push_back(item.reason);
  std::sort(reasons.begin(), reasons.end());
  CHECK(reasons ==
        std::vector<std::string>{"invalid_base64", "invalid_json", "missing_type", "unknown_type"});
  CHECK(door.rig.sink.intake.outcome().refused == 2);  // The stranger's, and the number that names nobody.
}

TEST_CASE("a fault in a context points to it") {
  Door door;
  door.rig.post(kPath,
                payload(action_item("transaction", context("cart", "{}") + "," +
                                                       context("transaction", R"({"transaction_id":{}})"))));
  REQUIRE(door.rig.sink.quarantined.size() == 1);
  CHECK(door.rig.sink.quarantined[0].reason == "invalid_type");
  CHECK(door.rig.sink.quarantined[0].pointer == "/co/data/1/data/transaction_id");
}

TEST_CASE("a request that is no payload is refused with a reason, and never retried for ever") {
  Door door;
  for (const std::string_view body :
       {"", "{", "[]", "{}", R"({"data":{}})", R"({"data":[}})", R"({"data":[1 2]})", R"({"data":[)"}) {
    CAPTURE(body);
    CHECK(door.rig.post(kPath, body).status == 400);
  }
  CHECK(door.rig.post(kPath, payload("")).status == 200);
  CHECK(door.rig.post(kPath, payload(R"({"e":"pv","aid":"stranger","duid":"v"})")).status == 401);
}

TEST_CASE("the cookie says who a browser is that has no id of its own") {
  Door door;
  const std::string item = payload(R"({"e":"pv","aid":"shop","eid":"1"})");
  const auto first = door.rig.post(kPath, item);
  const std::string visitor(door.rig.event()[Text::anonymous_id]);
  const std::string cookie(DialectRig::header(first, "Set-Cookie"));
  CHECK(visitor.size() == 36);
  CHECK(cookie == "sp=" + visitor + "; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=None");
  // The same request again is the same visitor; so is the next one, with the cookie.
  CHECK(DialectRig::header(door.rig.post(kPath, item), "Set-Cookie") == cookie);
  const std::string sent = "a=b; sp=" + visitor;
  door.rig.post(kPath, payload(R"({"e":"pv","aid":"shop","eid":"2"})"), {{"Cookie", sent}});
  CHECK(door.rig.event()[Text::anonymous_id] == visitor);
  // A tracker's own id goes before.
  CHECK(door.map(R"({"e":"pv","aid":"shop","duid":"own"})", {{"Cookie", sent}})[Text::anonymous_id] == "own");
  // A server that names its user is no browser.
  CHECK(door.map(R"({"e":"pv","aid":"shop","uid":"u"})")[Text::anonymous_id].empty());
}

TEST_CASE("an anonymous request leaves no address, and its cookie expires") {
  Door door;
  const auto answer = door.rig.post(kPath, payload(R"({"e":"pv","aid":"shop","eid":"only"})"),
                                    {{"SP-Anonymous", "*"}, {"Cookie", "sp=abc"}});
  CHECK(door.rig.event()[Text::ip].empty());
  CHECK(door.rig.event()[Text::anonymous_id] == "only");
  CHECK(DialectRig::header(answer, "Set-Cookie") ==
        "sp=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None");
  const auto quiet =
      door.rig.post(kPath, payload(R"({"e":"pv","aid":"shop","eid":"o"})"), {{"Sec-GPC", "1"}});
  CHECK(DialectRig::header(quiet, "Set-Cookie").empty());
}

TEST_CASE("a page of another origin may send, with its cookies") {
  Door door(false, {.cookie = "", .cookie_domain = "", .post_paths = {"/own/path"}});
  for (const std::string_view path : {kPath, std::string_view("/own/path"), std::string_view("/i")}) {
    const auto answer = door.rig.send(http::Method::options, path, {},
                                      {{"Origin", "https://shop.example"},
                                       {"Access-Control-Request-Headers", "content-type,sp-anonymous"}});
    CHECK(answer.status == 204);
    CHECK(DialectRig::header(answer, "Access-Control-Allow-Origin") == "https://shop.example");
    CHECK(DialectRig::header(answer, "Access-Control-Allow-Credentials") == "true");
    CHECK(DialectRig::header(answer, "Access-Control-Allow-Headers") == "content-type,sp-anonymous");
  }
  const auto answer = door.rig.post("/own/path", payload(R"({"e":"pv","aid":"shop","duid":"v"})"),
                                    {{"Origin", "https://shop.example"}});
  CHECK(DialectRig::header(answer, "Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(DialectRig::header(answer, "Set-Cookie").empty());
}

TEST_CASE("the plugin of enhanced e-commerce says the same in Google's words") {
  const auto item = [](std::string_view action, std::string_view fields) {
    const std::string vendor = R"({"schema":"iglu:com.google.analytics.enhanced-ecommerce/)";
    const std::string event =
        R"({"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":)" +
        vendor + R"(action/jsonschema/1-0-0","data":{"action":")" + std::string(action) + R"("}}})";
    const std::string list =
        vendor +
        R"(productFieldObject/jsonschema/1-0-0","data":{"id":"p1","name":"N","price":5,"quantity":2,"currency":"EUR"}},)" +
        vendor + R"(actionFieldObject/jsonschema/1-0-0","data":)" + std::string(fields) + "}";
    return R"({"e":"ue","p":"web","tv":"js-3.24.6","aid":"shop","eid":"e1","duid":"v1","ue_pr":)" +
           quoted(event) + R"(,"co":)" + quoted(contexts(list)) + "}";
  };
  Door door;
  const auto& bought = door.map(
      item("purchase", R"({"id":"o1","revenue":13,"tax":1,"shipping":2,"coupon":"X","currency":"SEK"})"));
  CHECK(bought.type == EventType::order_completed);
  CHECK(bought[Text::event_name] == "purchase");
  CHECK(bought[Text::order_id] == "o1");
  CHECK(bought[Text::coupon] == "X");
  CHECK(bought[Amount::revenue].micros == 13'000'000);
  CHECK(bought[Amount::shipping].micros == 2'000'000);
  CHECK(bought.currency.text() == "SEK");
  REQUIRE(bought.products.size() == 1);
  CHECK(bought.products[0].product_id == "p1");
  CHECK(bought.products[0].quantity == 2);
  const std::pair<std::string_view, EventType> actions[] = {
      {"click", EventType::product_clicked},
      {"detail", EventType::product_viewed},
      {"add", EventType::product_added},
      {"remove", EventType::product_removed},
      {"view", EventType::product_list_viewed},
      {"promo_click", EventType::promotion_clicked},
      {"refund", EventType::order_refunded},
      {"checkout", EventType::checkout_started},
      {"checkout_option", EventType::checkout_step_completed},
      {"wave", EventType::other}};
  for (const auto& [action, type] : actions) {
    CAPTURE(action);
    CHECK(door.map(item(action, R"({"id":"x"})")).type == type);
  }
  CHECK(door.map(item("checkout", R"({"step":1})")).type == EventType::checkout_started);
  CHECK(door.map(item("checkout", R"({"step":2})")).type == EventType::checkout_step_completed);
  CHECK(door.map(item("detail", R"({"id":"x"})"))[Text::order_id].empty());
}
