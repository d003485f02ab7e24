#include "collect/snowplow_layout.h"

#include <doctest/doctest.h>

#include "collect/dialect_rig.h"
#include "collect/snowplow_dialect.h"

using namespace millrace;
using namespace millrace::collect;
using event::Text;

namespace {

// A body of one item; what the item was laid out as, empty when it was left.
struct Laid {
  explicit Laid(std::string_view item, std::string_view network_user = {}, std::size_t bytes_max = 1000)
      : body("[" + std::string(item) + "]"), layout(bytes_max) {
    REQUIRE(index.scan(body) == JsonFault::none);
    layout.begin(index);
    if (!layout.read(1, tape)) return;
    if (!network_user.empty() && !layout.add_network_user(network_user, tape)) return;
    text = layout.close(tape);
  }
  std::string body;
  JsonIndex index;
  JsonTape tape;
  SnowplowLayout layout;
  std::string_view text;
};

}  // namespace

TEST_CASE("coded members are opened where they stand, and known by name") {
  const Laid laid(
      R"({"e":"ue", "ue_pr" : "{\"schema\":\"s\",\"data\":[1,{}]}","cx":"eyJhIjp0cnVlfQ","x":"y"})");
  CHECK(laid.text == R"({"e":"ue", "ue_pr":{"schema":"s","data":[1,{}]},"co":{"a":true},"x":"y"})");
  CHECK(laid.index.character(laid.layout.end_token()) == ']');
  const SnowplowMembers& members = laid.layout.members();
  CHECK(laid.tape[members[SnowplowName::kind]].text == "ue");
  CHECK(laid.tape[members[SnowplowName::event]].raw == R"({"schema":"s","data":[1,{}]})");
  CHECK(laid.tape[members[SnowplowName::contexts]].raw == R"({"a":true})");
  CHECK(members[SnowplowName::write_key] == 0);
  CHECK(laid.tape[0].raw == laid.text);
  CHECK(laid.tape[0].end == laid.tape.size());
  JsonIndex index;
  JsonTape whole;
  REQUIRE(index.scan(laid.text) == JsonFault::none);
  REQUIRE(whole.build(index, 0) == TapeFault::none);
  REQUIRE(whole.size() == laid.tape.size());
  for (std::uint32_t i = 0; i < whole.size(); ++i) {
    CHECK(whole[i].key == laid.tape[i].key);
    CHECK(whole[i].raw == laid.tape[i].raw);
    CHECK(whole[i].raw.data() == laid.tape[i].raw.data());
    CHECK(whole[i].member == laid.tape[i].member);
    CHECK(whole[i].end == laid.tape[i].end);
  }
}

TEST_CASE("texts with escapes are read, and a visitor is added") {
  const Laid laid(R"({"page":"a\"bé","url":"u","co":"{}","refr":"\/"})", "abc");
  CHECK(laid.text == R"({"page":"a\"bé","url":"u","co":{},"refr":"\/","nuid":"abc"})");
  CHECK(root_text(laid.tape, "page") == "a\"bé");
  CHECK(root_text(laid.tape, "url") == "u");
  CHECK(root_text(laid.tape, "refr") == "/");
  CHECK(root_text(laid.tape, "nuid") == "abc");
}

TEST_CASE("an item that is not of strings, or wrong, or long, is left") {
  for (const std::string_view item :
       {R"(7)", R"({})", R"({"a":1})", R"({"a":"b","c":{}})", R"({"a":"b",})", R"({"a":"b" "c":"d"})",
        R"({"a" "b"})", R"({"\u0061":"b"})", R"({"a":"b"])", R"(["a","b"])", R"({"a":"\x"})", R"({"co":"{"})",
        R"({"co":"1,2"})", R"({"co":"{},\"e\":{}"})", R"({"cx":"*"})", R"({"cx":"eyJ9"})", R"({"cx":"="})",
        R"({"co":"\"\\u12\""})"}) {
    CAPTURE(item);
    CHECK(Laid(item).text.empty());
  }
  const std::string item = R"({"a":"bcdef"})";
  CHECK(Laid(item, {}, item.size()).text == item);
  CHECK(Laid(item, {}, item.size() - 1).text.empty());
  CHECK(Laid(item, "v", item.size() + 9).text.empty());
  CHECK(Laid(item, "v", item.size() + 11).text.size() == item.size() + 11);
}

TEST_CASE("an item says the same when something in it has to be looked at closer") {
  const SourceTable sources = *SourceTable::make({{1, "shop", "shop", "", true}}, {false, 9, "default"});
  const SnowplowDialect dialect(sources, {}, {});
  DialectRig rig(dialect);
  const std::string product =
      R"({\"schema\":\"iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0\",\"data\":)"
      R"({\"id\":\"p\\\"1\\u00e9\",\"name\":\"Sch\u00fch\",\"price\":4.5,\"currency\":\"EUR\",\"quantity\":2}})";
  const std::string action =
      R"(\"iglu:com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action/jsonschema/1-0-2\")";
  const std::string members =
      R"("e":"ue","aid":"shop","eid":"m","duid":"v","dtm":"1749999999000","stm":"1749999999500","url":"https:\/\/a\/b",)"
      R"("ue_pr":"{\"schema\":\"x\",\"data\":{\"schema\":)" +
      action + R"(,\"data\":{\"type\":\"add_to_cart\"}}}","co":"{\"data\":[)" + product + R"(]}")";
  std::string first_raw;
  for (const std::string more : {"", R"(,"zz":1)", R"(,"zz":{})"}) {
    const std::string body = R"({"data":[{)" + members + more + "}]}";
    REQUIRE(rig.post("/com.snowplowanalytics.snowplow/tp2", body).status == 200);
    const event::Event& event = rig.event();
    REQUIRE(event.products.size() == 1);
    CHECK(event.products[0].product_id == "p\"1é");
    CHECK(event.products[0].name == "Schüh");
    CHECK(event.products[0].price.micros == 4'500'000);
    CHECK(event.type == event::EventType::product_added);
    CHECK(event.event_time.ms == DialectRig::kNow.ms - 500);
    CHECK(event.client_time.ms == 1'749'999'999'000);
    CHECK(event[Text::page_url] == "https://a/b");
    CHECK(event[Text::page_path] == "/b");
    CHECK(event[Text::message_id] == "m");
    CHECK(event[Text::event_name] == "add_to_cart");
    CHECK(event.source == 1);
    CHECK(event[Text::extra] ==
          (more == R"(,"zz":1)" ? R"({"ue_pr":{"schema":"x"},"zz":1})" : R"({"ue_pr":{"schema":"x"}})"));
    if (more.empty()) first_raw = event.raw.substr(0, event.raw.size() - 1);
    CHECK(event.raw == first_raw + more + "}");
  }
}
