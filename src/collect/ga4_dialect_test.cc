#include "collect/ga4_dialect.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"

using namespace millrace;
using namespace millrace::collect;
using event::Amount;
using event::EventType;
using event::Flag;
using event::Text;

namespace {

SourceTable sources_with_secret() {
  return *SourceTable::make({{1, "web", "G-1", "", true}, {2, "server", "G-2", "s3cret", true}}, {});
}

constexpr std::string_view kCollect = "/mp/collect?measurement_id=G-1&api_secret=x";

struct Protocol {
  SourceTable sources = sources_with_secret();
  Ga4ProtocolDialect dialect{sources, {}};
  DialectRig rig{dialect};
  const event::Event& map(std::string_view body) {
    REQUIRE(rig.post(kCollect, body).status == 204);
    return rig.event();
  }
};

struct Tag {
  SourceTable sources = sources_with_secret();
  Ga4TagDialect dialect{sources, {}};
  DialectRig rig{dialect};
};

}  // namespace

TEST_CASE("a purchase by the Measurement Protocol") {
  Protocol door;
  const auto& event = door.map(
      R"({"client_id":"7.8","user_id":"u","timestamp_micros":"1749999999000000","consent":{"ad_user_data":"DENIED"},)"
      R"("user_properties":{"tier":{"value":"gold"}},"events":[{"name":"purchase","params":{"session_id":"5",)"
      R"("currency":"EUR","value":99.8,"tax":8,"shipping":2.5,"transaction_id":"o1","coupon":"TEN",)"
      R"("items":[{"item_id":"p1","item_name":"Shoe","item_category":"shoes","price":49.9,"quantity":2,"index":3,"size":"43"}]}}]})");
  CHECK(event.type == EventType::order_completed);
  CHECK(event.source == 1);
  CHECK(event[Text::event_name] == "purchase");
  CHECK(event[Text::anonymous_id] == "7.8");
  CHECK(event[Text::user_id] == "u");
  CHECK(event[Text::order_id] == "o1");
  CHECK(event[Amount::revenue].micros == 99'800'000);
  CHECK_FALSE(event.has(Amount::value));
  CHECK(event[Amount::shipping].micros == 2'500'000);
  CHECK(event.currency.text() == "EUR");
  CHECK(event.event_time.ms == 1'749'999'999'000);
  REQUIRE(event.products.size() == 1);
  CHECK(event.products[0].position == 3);
  CHECK(event.products[0].quantity == 2);
  CHECK(event[Text::extra] ==
        R"({"consent":{"ad_user_data":"DENIED"},"user_properties":{"tier":{"value":"gold"}},)"
        R"("params":{"session_id":"5","items":[{"size":"43"}]}})");
}

TEST_CASE("every event of a request has what the request says of all") {
  Protocol door;
  door.rig.post(
      kCollect,
      R"({"app_instance_id":"i","user_id":"u","timestamp_micros":1749999000000000,"events":[)"
      R"({"name":"view_item","params":{"items":[{"item_id":"a"}]}},)"
      R"({"name":"add_to_cart","timestamp_micros":1749999999000000,"params":{"value":5}},{"name":"tutorial"}]})");
  REQUIRE(door.rig.sink.events.size() == 3);
  for (const auto& event : door.rig.sink.events) {
    CHECK(event[Text::anonymous_id] == "i");
    CHECK(event[Text::user_id] == "u");
    CHECK(event.event_time.ms ==
          (event.type == EventType::product_added ? 1'749'999'999'000 : 1'749'999'000'000));
  }
}

TEST_CASE("a request by the Measurement Protocol is never answered with an error for what it holds") {
  Protocol door;
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "invalid_json"},
      {"{", "invalid_json"},
      {"[]", "missing_events"},
      {"{}", "missing_events"},
      {R"({"client_id":"c","events":{}})", "missing_events"},
      {R"({"client_id":"c","events":[{"name":"x"}})", "invalid_json"},
      {R"({"client_id":"c","events":[7]})", "not_an_object"},
      {R"({"client_id":"c","events":[{}]})", "missing_event_name"},
      {R"({"client_id":"c","events":[{"name":7}]})", "missing_event_name"},
      {R"({"events":[{"name":"x"}]})", "missing_identity"},
      {R"({"client_id":{},"events":[{"name":"x"}]})", "invalid_type"},
      {R"({"events":[{ }]})", "missing_event_name"},
  };
  for (const auto& [body, reason] : rows) {
    CAPTURE(body);
    CHECK(door.rig.post(kCollect, body).status == 204);
    REQUIRE(door.rig.sink.quarantined.size() == 1);
    CHECK(door.rig.sink.quarantined[0].reason == reason);
  }
  CHECK(door.rig.post(kCollect, R"({"client_id":"c","events":[]})").status == 204);
}

TEST_CASE("who sends is known by the measurement id, and by the secret where there is one") {
  Protocol door;
  const std::string_view body = R"({"client_id":"c","events":[{"name":"x"}]})";
  CHECK(door.rig.post("/mp/collect?measurement_id=G-9&api_secret=x", body).status == 401);
  CHECK(door.rig.post("/mp/collect?measurement_id=G-2&api_secret=wrong", body).status == 401);
  CHECK(door.rig.post("/mp/collect?measurement_id=G-2&api_secret=s3cret", body).status == 204);
  CHECK(door.rig.event().source == 2);
}

TEST_CASE("the debug endpoint says what is wrong and keeps nothing") {
  Protocol door;
  const auto codes = [&](std::string_view target, std::string_view body) {
    const auto answer = door.rig.post(target, body);
    CHECK(answer.status == 200);
    CHECK(door.rig.sink.events.empty());
    CHECK(door.rig.sink.quarantined.empty());
    std::string found;
    for (std::size_t at = 0; (at = answer.body.find(R"("validationCode":")", at)) != std::string::npos;) {
      at += 18;
      found += (found.empty() ? "" : " ") + answer.body.substr(at, answer.body.find('"', at) - at);
    }
    return found;
  };
  constexpr std::string_view kDebug = "/debug/mp/collect?measurement_id=G-1&api_secret=x";
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"ok","params":{"a":1}}]})").empty());
  CHECK(door.rig.post(kDebug, R"({"client_id":"c","events":[{"name":"ok"}]})").body ==
        R"({"validationMessages":[]})");
  CHECK(codes("/debug/mp/collect", R"({"client_id":"c","events":[{"name":"ok"}]})") == "VALUE_REQUIRED");
  CHECK(codes(kDebug, "{") == "VALUE_INVALID");
  CHECK(codes(kDebug, R"({"events":[]})") == "VALUE_REQUIRED VALUE_REQUIRED");
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"first_visit"}]})") == "NAME_RESERVED");
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"ga_own"}]})") == "NAME_RESERVED");
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"with blank"}]})") == "NAME_INVALID");
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"x","params":{"1a":1}}]})") == "NAME_INVALID");
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"x","params":{"a":")" + std::string(101, 'v') +
                          R"("}}]})") == "VALUE_INVALID");
  CHECK(codes(kDebug, R"({"client_id":"c","events":[{"name":"purchase","params":{"value":1}}]})") ==
        "VALUE_REQUIRED VALUE_REQUIRED");
  std::string many = R"({"client_id":"c","events":[)";
  for (int i = 0; i < 26; ++i) many += (i > 0 ? "," : "") + std::string(R"({"name":"x"})");
  CHECK(codes(kDebug, many + "]}") == "EXCEEDED_MAX_ENTITIES");
}

TEST_CASE("a hit of gtag in the query") {
  Tag door;
  const auto answer = door.rig.get(
      "/g/"
      "collect?v=2&tid=G-1&gcs=G111&gcd=13l3l3l3l1l1&cid=1.2&sid=9&_p=44&_s=1&en=view_item&dl=https%3A%2F%"
      "2Fa%2Fb%3Fgclid%3D1&"
      "dt=T&ul=sv-se&cu=EUR&epn.value=49.9&ep.item_list_id=l&pr1=idp1~nmShoe~brAcme~cashoes~va43~pr49.9~qt2~"
      "k0size~v043~lp4"
      "&pr2=idp2~pr1&up.tier=gold",
      {{"User-Agent", "Mozilla"}});
  CHECK(answer.status == 204);
  const auto& event = door.rig.event();
  CHECK(event.type == EventType::product_viewed);
  CHECK(event.source == 1);
  CHECK(event[Text::anonymous_id] == "1.2");
  CHECK(event[Text::page_path] == "/b");
  CHECK(event[Text::click_id] == "gclid");
  CHECK(event[Text::user_agent] == "Mozilla");
  CHECK(event[Amount::value].micros == 49'900'000);
  CHECK(event[Text::list_id] == "l");
  REQUIRE(event.products.size() == 2);
  CHECK(event.products[0].brand == "Acme");
  CHECK(event.products[0].quantity == 2);
  CHECK(event.products[0].position == 4);
  CHECK(
      event[Text::extra] ==
      R"({"gcs":"G111","gcd":"13l3l3l3l1l1","sid":"9","_p":"44","_s":"1","up":{"tier":"gold"},"items":[{"size":"43"},null]})");
}

TEST_CASE("a tilde within a value of an item is written twice") {
  Tag door;
  REQUIRE(door.rig
              .post("/g/collect?tid=G-1&cid=1",
                    "en=view_item&pr1=idp~~1~nmTea %7E%7E 5~~~pr4.5~k0a~~b~v0~~c~~&pr2=idp2~nm~~~brx")
              .status == 204);
  const auto& event = door.rig.event();
  REQUIRE(event.products.size() == 2);
  CHECK(event.products[0].product_id == "p~1");
  CHECK(event.products[0].name == "Tea ~ 5~");
  CHECK(event.products[0].price.micros == 4'500'000);
  CHECK(event[Text::extra].find(R"({"a~b":"~c~"})") != std::string_view::npos);
  CHECK(event.products[1].name == "~");
  CHECK(event.products[1].brand == "x");
}

TEST_CASE("the lines of a body are hits that share the query, and a repetition is the same hits") {
  Tag door;
  const std::string_view target = "/g/collect?v=2&tid=G-1&cid=1.2&_p=44&_s=2&dl=https%3A%2F%2Fa%2F";
  const std::string_view body =
      "en=add_to_cart&pr1=idp1~qt1&cu=EUR\r\nen=purchase&ep.transaction_id=o1&epn.value=5&cu=EUR\n\nen="
      "purchase&dl=https%3A%2F%2Fother%2F\n";
  const auto ids = [&] {
    REQUIRE(door.rig.post(target, body).status == 204);
    REQUIRE(door.rig.sink.events.size() == 3);
    std::vector<std::string> found;
    for (const auto& event : door.rig.sink.events) found.emplace_back(event[Text::message_id]);
    return found;
  };
  const auto first = ids();
  CHECK(first == ids());
  CHECK(first[0] != first[1]);
  CHECK(first[1] != first[2]);
  CHECK(door.rig.sink.events[0].type == EventType::product_added);
  CHECK(door.rig.sink.events[1][Text::order_id] == "o1");
  CHECK(door.rig.sink.events[1][Amount::revenue].micros == 5'000'000);
  CHECK(door.rig.sink.events[2][Text::page_url] == "https://other/");
}

TEST_CASE("hostile hits are kept for repair") {
  Tag door;
  const auto reason = [&](std::string_view target) {
    CAPTURE(target);
    CHECK(door.rig.get(target).status == 204);
    REQUIRE(door.rig.sink.quarantined.size() == 1);
    return door.rig.sink.quarantined[0].reason;
  };
  CHECK(reason("/g/collect?tid=G-1&cid=1") == "missing_event_name");
  CHECK(reason("/g/collect?tid=G-1&en=x") == "missing_identity");
  CHECK(door.rig.get("/g/collect?tid=G-9&cid=1&en=x").status == 401);
  for (const std::string_view line :
       {"en=x&cid=1&pr1=", "en=x&cid=1&pr1=~~~", "en=x&cid=1&pr1=v0a~k0~v0b~k9", "en=x&cid=1&%zz=%",
        "en=x&cid=1&ep.=1&.=2&ep=3", "en=x&cid=1&\"}=\"]\\"}) {
    CAPTURE(line);
    CHECK(door.rig.post("/g/collect?tid=G-1", line).status == 204);
    CHECK(door.rig.sink.events.size() == 1);
  }
}
