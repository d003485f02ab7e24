#include <doctest/doctest.h>

#include "base/iso_time.h"
#include "collect/segment_dialect.h"
#include "collect/sink_recorder.h"

using namespace millrace;
using namespace millrace::collect;
using event::Amount;
using event::Event;
using event::EventType;
using event::Flag;
using event::Text;

namespace {

constexpr base::WallTime kNow{1'750'000'000'000};

// One reader, as a server thread has it, used for all that follows.
class Mapped {
 public:
  explicit Mapped(std::string_view path, std::string body) : body_(std::move(body)) {
    static const SourceTable sources = *SourceTable::make({{5, "shop", "wk", "", true}}, {});
    static const SegmentDialect dialect(sources, {});
    static const auto reader = dialect.reader();
    int endpoint = -1;
    for (const auto& candidate : dialect.endpoints()) {
      if (candidate.pattern == path && candidate.method == http::Method::post) endpoint = candidate.id;
    }
    REQUIRE(endpoint >= 0);
    http::Request request;
    request.headers.emplace_back("X-Write-Key", "wk");
    request.peer = "192.0.2.7";
    request.body = body_;
    recorder.intake.begin(kNow, body_.size());
    const auto refusal = reader->read(request, endpoint, kNow, recorder.intake);
    CAPTURE(body_);
    REQUIRE_FALSE(refusal);
    recorder.decode();
  }
  const Event& event() const {
    REQUIRE(recorder.quarantined.empty());
    REQUIRE(recorder.events.size() == 1);
    return recorder.events[0];
  }
  SinkRecorder recorder;

 private:
  std::string body_;
};

std::string with_properties(std::string_view event, std::string_view properties) {
  return R"({"event":")" + std::string(event) + R"(","anonymousId":"v","properties":)" +
         std::string(properties) + "}";
}

}  // namespace

TEST_CASE("every text of the table arrives where it says") {
  struct Row {
    std::string_view path;
    std::string body;
    Text field;
    std::string_view value;
  };
  const Row rows[] = {
      {"/v1/track", R"({"event":"Any Thing","userId":"u","messageId":"m"})", Text::message_id, "m"},
      {"/v1/track", R"({"event":"Any Thing","userId":"u"})", Text::event_name, "Any Thing"},
      {"/v1/track", R"({"event":"x","userId":42})", Text::user_id, "42"},
      {"/v1/track", R"({"event":"x","context":{"traits":{"anonymousId":"t"}}})", Text::anonymous_id, "t"},
      {"/v1/alias", R"({"userId":"u","previousId":"p"})", Text::previous_id, "p"},
      {"/v1/group", R"({"userId":"u","groupId":"g"})", Text::group_id, "g"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"groupId":"g"}})", Text::group_id, "g"},
      {"/v1/page", R"({"userId":"u","name":"Home"})", Text::event_name, "Home"},
      {"/v1/page", R"({"userId":"u","category":"Docs"})", Text::category, "Docs"},
      {"/v1/page",
       R"({"userId":"u","properties":{"url":"http://a/b?c","path":"/p"},"context":{"page":{"url":"http://z"}}})",
       Text::page_url, "http://a/b?c"},
      {"/v1/page", R"({"userId":"u","properties":{"path":"/p"},"context":{"page":{"path":"/q"}}})",
       Text::page_path, "/p"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"page":{"url":"https://a.b/c/d?e#f"}}})",
       Text::page_path, "/c/d"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"page":{"title":"T","referrer":"r"}}})",
       Text::page_referrer, "r"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"campaign":{"source":"s","medium":"m"}}})",
       Text::campaign_source, "s"},
      {"/v1/track",
       R"({"event":"x","userId":"u","context":{"page":{"url":"https://a/?utm_source=a%20b+c&utm_medium=cpc"}}})",
       Text::campaign_source, "a b c"},
      {"/v1/track",
       R"({"event":"x","userId":"u","context":{"page":{"url":"https://a/?utm_source=b"},"campaign":{"source":"s"}}})",
       Text::campaign_source, "s"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"page":{"url":"https://a/?x=1&gclid=Cj0"}}})",
       Text::click_id, "gclid"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"ip":"203.0.113.9"}})", Text::ip, "203.0.113.9"},
      {"/v1/track", R"({"event":"x","userId":"u"})", Text::ip, "192.0.2.7"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"location":{"country":"de"}}})", Text::country,
       "DE"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"location":{"country":"Germany"}}})",
       Text::country, ""},
      {"/v1/identify", R"({"userId":"u","traits":{"email":"a@b.c"}})", Text::email, "a@b.c"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"traits":{"email":"a@b.c"}}})", Text::email,
       "a@b.c"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"device":{"type":"ios"}}})", Text::device_type,
       "ios"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"library":{"name":"l","version":"1"}}})",
       Text::library_version, "1"},
      {"/v1/track", R"({"event":"x","userId":"u","context":{"locale":"de-DE","timezone":"Europe/Berlin"}})",
       Text::timezone, "Europe/Berlin"},
      {"/v1/track", with_properties("Order Completed", R"({"orderId":7})"), Text::order_id, "7"},
      {"/v1/track", with_properties("Order Completed", R"({"orderId":"b","order_id":"a"})"), Text::order_id,
       "a"},
      {"/v1/track", with_properties("Order Completed", R"({"coupon":"C"})"), Text::coupon, "C"},
      {"/v1/track", with_properties("Product Added", R"({"coupon":"C"})"), Text::coupon, ""},
      {"/v1/track", with_properties("Coupon Applied", R"({"coupon_id":"1","coupon_name":"N"})"), Text::coupon,
       "N"},
      {"/v1/track", with_properties("Product List Viewed", R"({"list_id":"l","category":"shoes"})"),
       Text::category, "shoes"},
      {"/v1/track", with_properties("Products Searched", R"({"query":"red shoes"})"), Text::query,
       "red shoes"},
      {"/v1/track", with_properties("Products Searched", R"({"query":{"text":"red"}})"), Text::query, ""},
      {"/v1/track", with_properties("Checkout Step Viewed", R"({"step":2,"checkout_id":"c"})"), Text::step,
       "2"},
      {"/v1/track", with_properties("Payment Info Entered", R"({"payment_method":"visa"})"),
       Text::payment_method, "visa"},
      {"/v1/track", with_properties("x", R"({"a\u0062c":"\u00fc"})"), Text::extra,
       R"({"properties":{"a\u0062c":"\u00fc"}})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const Mapped mapped(row.path, row.body);
    CHECK(mapped.event()[row.field] == row.value);
  }
}

TEST_CASE("each call becomes its event") {
  const std::pair<std::string_view, EventType> rows[] = {
      {"/v1/page", EventType::page_viewed},      {"/v1/p", EventType::page_viewed},
      {"/v1/screen", EventType::screen_viewed},  {"/v1/s", EventType::screen_viewed},
      {"/v1/identify", EventType::identified},   {"/v1/i", EventType::identified},
      {"/v1/group", EventType::grouped},         {"/v1/g", EventType::grouped},
      {"/v1/alias", EventType::aliased},         {"/v1/a", EventType::aliased},
      {"/v1/merge", EventType::aliased},         {"/v1/m", EventType::aliased},
      {"/v1/track", EventType::order_completed}, {"/v1/t", EventType::order_completed},
  };
  for (const auto& [path, type] : rows) {
    CAPTURE(path);
    CHECK(Mapped(path, R"({"userId":"u","event":"Completed Order"})").event().type == type);
  }
}

TEST_CASE("an event about one product has one line, whatever JSON types its client uses") {
  const Mapped mapped("/v1/track",
                      with_properties("Product Added", R"({"product_id":507,"sku":"s","name":"N","brand":"B",
      "category":"c/d","variant":"red","coupon":"K","price":"19,99","quantity":"2","position":3.0,"url":"u","currency":"eur",
      "cart_id":"k","value":39.98})"));
  const Event& event = mapped.event();
  REQUIRE(event.products.size() == 1);
  const auto& line = event.products[0];
  CHECK(line.product_id == "507");
  CHECK(line.sku == "s");
  CHECK(line.name == "N");
  CHECK(line.brand == "B");
  CHECK(line.category == "c/d");
  CHECK(line.variant == "red");
  CHECK(line.coupon == "K");
  CHECK(line.has_price);
  CHECK(line.price == event::Money{19'990'000});
  CHECK(line.quantity == 2);
  CHECK(line.position == 3);
  CHECK(event.currency.text() == "EUR");
  CHECK(event[Text::cart_id] == "k");
  CHECK(event[Amount::value] == event::Money{39'980'000});
  CHECK(event[Text::extra] == R"({"properties":{"url":"u"}})");
}

TEST_CASE("an order has its lines and its amounts exactly") {
  const Mapped mapped("/v1/track",
                      with_properties("Order Completed", R"({"order_id":"o1","revenue":0.1,"total":"1,234.56",
      "tax":1e1,"shipping":0,"discount":"free","currency":"JPY","products":[{"sku":"a","price":0.07,"quantity":3,"image_url":"i"},
      {"product_id":"b","price":"x"},"bare",{"name":"nameless","price":5},7]})"));
  const Event& event = mapped.event();
  CHECK(event[Amount::revenue] == event::Money{100'000});
  CHECK(event[Amount::total] == event::Money{1'234'560'000});
  CHECK(event[Amount::tax] == event::Money{10'000'000});
  CHECK(event.has(Amount::shipping));
  CHECK_FALSE(event.has(Amount::discount));
  CHECK(event.has(Flag::money_unreadable));
  REQUIRE(event.products.size() == 4);
  CHECK(event.products[0].product_id == "a");
  CHECK(event.products[0].price == event::Money{70'000});
  CHECK(event.products[0].quantity == 3);
  CHECK_FALSE(event.products[1].has_price);
  CHECK(event.products[2].product_id == "bare");
  CHECK(event.products[3].product_id == "7");
  CHECK(
      event[Text::extra] ==
      R"({"properties":{"discount":"free","products":[{"image_url":"i"},{"price":"x"},null,{"name":"nameless","price":5},null]}})");
}

TEST_CASE("nothing that has no field is dropped") {
  const Mapped mapped("/v1/track",
                      R"({"event":"Signed Up","userId":"u","channel":"web","integrations":{"All":true},
      "properties":{"plan":"pro","deep":{"a":[1,{"b":null}]},"none":null,"empty":{}},"traits":{"email":"e","age":41},
      "context":{"os":{"name":"x"},"page":{"url":"http://h/p","search":"?q"},"library":{"name":"l"}}})");
  CHECK(
      mapped.event()[Text::extra] ==
      R"({"channel":"web","integrations":{"All":true},"properties":{"plan":"pro","deep":{"a":[1,{"b":null}]},"none":null,"empty":{}},)"
      R"("traits":{"age":41},"context":{"os":{"name":"x"},"page":{"search":"?q"}}})");
}

TEST_CASE("the last of duplicate keys counts, and the others are kept") {
  const Mapped mapped(
      "/v1/track",
      R"({"event":"x","userId":"first","userId":"last","properties":{"order_id":"a","order_id":"b"}})");
  CHECK(mapped.event()[Text::user_id] == "last");
  CHECK(mapped.event()[Text::order_id] == "b");
  CHECK(mapped.event()[Text::extra] == R"({"userId":"first","properties":{"order_id":"a"}})");
}

TEST_CASE("long texts are cut between characters and flagged") {
  std::string title(EventMapper::kTextBytesMax - 1, 'a');
  const Mapped mapped("/v1/page",
                      R"({"userId":"u","properties":{"title":")" + title + "\xc3\xbc\xc3\xbc\"}}");
  CHECK(mapped.event()[Text::page_title] == title);
  CHECK(mapped.event().has(Flag::fields_truncated));
}

TEST_CASE("what a batch gives for all its items holds where an item says nothing") {
  const Mapped mapped("/v1/batch",
                      R"({"context":{"ip":"198.51.100.1","locale":"de","os":{"name":"batch"},"tags":["b"]},
      "integrations":{"X":false,"Y":true},"batch":[{"type":"track","event":"a","userId":"1","context":{"locale":"fr","os":{"name":"own"}},
      "integrations":{"X":true}},{"type":"track","event":"b","userId":"1"}],"sentAt":"2025-06-15T15:06:40Z"})");
  REQUIRE(mapped.recorder.events.size() == 2);
  const Event& own = mapped.recorder.events[0];
  CHECK(own[Text::locale] == "fr");
  CHECK(own[Text::ip] == "198.51.100.1");
  CHECK(own[Text::extra] ==
        R"({"context":{"os":{"name":"own"},"tags":["b"]},"integrations":{"X":true,"Y":true}})");
  const Event& bare = mapped.recorder.events[1];
  CHECK(bare[Text::locale] == "de");
  CHECK(bare[Text::extra] ==
        R"({"context":{"os":{"name":"batch"},"tags":["b"]},"integrations":{"X":false,"Y":true}})");
}

TEST_CASE("times come from the item, sentAt from the item or its batch") {
  const auto time_of = [](std::string_view path, std::string body) {
    return Mapped(path, std::move(body)).event().event_time;
  };
  // The client's clock is an hour behind ours.
  const std::string sent = R"("sentAt":"2025-06-15T14:06:40Z")";
  const std::string item = R"({"type":"track","event":"x","userId":"u","timestamp":"2025-06-15T14:06:30Z")";
  CHECK(time_of("/v1/track", item + "," + sent + "}") == kNow - 10'000);
  CHECK(time_of("/v1/batch", R"({"batch":[)" + item + "}]," + sent + "}") == kNow - 10'000);
  CHECK(time_of("/v1/batch", R"({"batch":[)" + item + "}]}") == kNow - base::kHourMs - 10'000);
  CHECK(time_of("/v1/batch", R"({"batch":[)" + item + R"(,"originalTimestamp":"2025-06-15T14:06:35Z"}],)" +
                                 sent + "}") == kNow - 5'000);
  const Mapped import(
      "/v1/import",
      R"({"batch":[{"type":"track","event":"x","userId":"u","timestamp":"2015-06-02T05:02:12.117Z"}],)" +
          sent + "}");
  std::string iso;
  base::append_iso_time(iso, import.event().event_time);
  CHECK(iso == "2015-06-02T05:02:12.117Z");
  CHECK(import.event().has(Flag::imported));
  CHECK(import.event().received_at == kNow);
  CHECK(Mapped("/v1/track", R"({"event":"x","userId":"u","timestamp":"yesterday"})")
            .event()
            .has(Flag::time_missing));
}

TEST_CASE("a missing message id is made, the same for the same request") {
  const std::string body = R"({"batch":[{"type":"track","event":"x","userId":"u","timestamp":1750000000000},)"
                           R"({"type":"track","event":"x","userId":"u","timestamp":1750000000000}]})";
  const Mapped first("/v1/batch", body);
  const Mapped again("/v1/batch", body);
  REQUIRE(first.recorder.events.size() == 2);
  CHECK(first.recorder.events[0].has(Flag::message_id_made));
  CHECK(first.recorder.events[0][Text::message_id].size() == 32);
  CHECK(first.recorder.events[0][Text::message_id] != first.recorder.events[1][Text::message_id]);
  CHECK(first.recorder.events[0][Text::message_id] == again.recorder.events[0][Text::message_id]);
  CHECK_FALSE(Mapped("/v1/track", R"({"event":"x","userId":"u","messageId":"m"})")
                  .event()
                  .has(Flag::message_id_made));
}

TEST_CASE(
    "each kind of bad item is quarantined with its reason, its place and its bytes, and costs no other "
    "item") {
  struct Row {
    std::string item;
    std::string_view reason;
    std::string_view pointer;
  };
  std::string deep = R"({"type":"track","event":"x","userId":"u","properties":)";
  for (int i = 0; i < 100; ++i) deep += R"({"a":)";
  deep += "1" + std::string(101, '}');
  const Row rows[] = {
      {R"({"type":"track","event":"x"})", "missing_identity", ""},
      {R"({"type":"track","event":"x","userId":"","anonymousId":null})", "missing_identity", ""},
      {R"({"type":"track","userId":"u"})", "missing_event_name", "/event"},
      {R"({"type":"track","userId":"u","event":""})", "missing_event_name", "/event"},
      {R"({"type":"track","userId":"u","event":5})", "invalid_type", "/event"},
      {R"({"type":"track","event":"x","userId":{"id":1}})", "invalid_type", "/userId"},
      {R"({"type":"track","event":"x","userId":true})", "invalid_type", "/userId"},
      {R"({"type":"track","event":"x","userId":"u","messageId":[1]})", "invalid_type", "/messageId"},
      {R"({"type":"track","event":"x","userId":"u","context":{"traits":{"anonymousId":{}}}})", "invalid_type",
       "/context/traits/anonymousId"},
      {R"({"type":"track","event":"x","userId":")" + std::string(300, 'u') + "\"}", "too_long", "/userId"},
      {R"({"event":"x","userId":"u"})", "missing_type", "/type"},
      {R"({"type":"trakc","event":"x","userId":"u"})", "unknown_type", "/type"},
      {R"({"type":7,"event":"x","userId":"u"})", "invalid_type", "/type"},
      {"17", "not_an_object", ""},
      {"null", "not_an_object", ""},
      {"\"text\"", "not_an_object", ""},
      {"[1,2]", "not_an_object", ""},
      {R"({"type":"track","event":"x","userId":"u","properties":{"a":tru}})", "invalid_json",
       "/properties/a"},
      {R"({"type":"track" "event":"x"})", "invalid_json", "/type"},
      {R"({"type":"track","event":"x","userId":"u","properties":{"price":01}})", "invalid_json",
       "/properties/price"},
      {R"({"type":"track","event":"x","userId":"u","properties":{"a":")"
       "\xff"
       R"("}})",
       "invalid_utf8", "/properties/a"},
      {R"({"type":"track","event":"x","userId":"u","properties":{"a":"b)"
       "\n"
       R"("}})",
       "invalid_json", "/properties/a"},
      {R"({"type":"track","event":"x","userId":"a)"
       "\x02"
       R"(","properties":{"a":[)"
       "\x01"
       "]}}",
       "invalid_json", "/userId"},
      {R"({"type":"track","event":"x","userId":"u","properties":{"a":[)"
       "\x01"
       R"(]},"b":")"
       "\x02"
       "\"}",
       "invalid_json", "/properties/a/0"},
      {R"({"type":"track","event":"x","userId":"u","properties":{"a":")" + std::string(40'000, 'a') + "\"}}",
       "too_large", ""},
      {deep, "nested_too_deep", ""},
  };
  const std::string good = R"({"type":"track","event":"Product Viewed","userId":"good","messageId":"m"})";
  for (const Row& row : rows) {
    CAPTURE(row.item.substr(0, 200));
    const Mapped mapped("/v1/batch",
                        R"({"batch":[)" + good + " , " + row.item + " , " + good + R"(],"sentAt":null})");
    CHECK(mapped.recorder.events.size() == 2);
    REQUIRE(mapped.recorder.quarantined.size() == 1);
    const auto& quarantined = mapped.recorder.quarantined[0];
    CHECK(quarantined.reason == row.reason);
    if (row.reason != "nested_too_deep") CHECK(quarantined.pointer == row.pointer);
    CHECK(quarantined.raw == row.item);
    CHECK(quarantined.source == 5);
    const Outcome& outcome = mapped.recorder.intake.outcome();
    CHECK(outcome.received == 3);
    REQUIRE(outcome.items.size() == 1);
    CHECK(outcome.items[0].index == 1);
  }
}

TEST_CASE("hostile values reach no further than the text they are") {
  const Mapped nul("/v1/track", R"({"event":"a\u0000b","userId":"u\u0000"})");
  CHECK(nul.event()[Text::event_name] ==
        "a\xef\xbf\xbd"
        "b");
  const Mapped huge(
      "/v1/track",
      with_properties("Product Added", R"({"product_id":"p","price":1e999,"quantity":99999999999999999999,
      "position":-1,"value":123456789012345678901234567890})"));
  REQUIRE(huge.event().products.size() == 1);
  CHECK_FALSE(huge.event().products[0].has_price);
  CHECK(huge.event().products[0].quantity == 1);
  CHECK(huge.event().products[0].position == -1);
  CHECK(huge.event().has(Flag::money_unreadable));
  CHECK(
      huge.event()[Text::extra] ==
      R"({"properties":{"price":1e999,"quantity":99999999999999999999,"position":-1,"value":123456789012345678901234567890}})");
  const Mapped shapes(
      "/v1/track",
      R"({"event":"Order Completed","userId":"u","properties":[1],"context":"c","traits":7,"timestamp":{}})");
  CHECK(shapes.event()[Text::extra] == R"({"properties":[1],"context":"c","traits":7})");
  const Mapped products(
      "/v1/track", with_properties("Order Completed",
                                   R"({"products":{"product_id":"p"},"currency":"EURO","order_id":"o"})"));
  CHECK(products.event().products.empty());
  CHECK_FALSE(products.event().currency.known());
}
