#include <doctest/doctest.h>

#include "base/random.h"
#include "privacy/consent_gate.h"
#include "privacy/personal_gate.h"

using namespace millrace;
using namespace millrace::privacy;
using event::Purpose;
using event::Purposes;
using event::Text;

namespace {

Keys test_keys() {
  base::SeededRandom random(3);
  return Keys::make(random, {1});
}

// Of whom nothing is known, and nothing is granted beyond what is necessary.
struct Rig {
  explicit Rig(ConsentAction when_denied) : ring(test_keys()) {
    rules.otherwise.when_denied = when_denied;
    rules.otherwise.when_unknown = Purposes::bit(Purpose::necessary);
  }
  ConsentRules rules;
  PrivacyCounters counters;
  KeyRing ring;
  ConsentGate gate{rules, ring, counters};
  http::Request request;
  event::Event event;
};

}  // namespace

TEST_CASE("a law of the United States that does not apply grants nothing to a visitor from elsewhere") {
  Rig rig(ConsentAction::store);
  const auto granted = [&](const std::string& context) {
    const std::string extra = "{\"context\":{" + context + "}}";
    rig.gate.begin(rig.request);
    rig.event = {};
    rig.event[Text::extra] = extra;
    REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
    return rig.event.purposes.granted;
  };
  constexpr std::uint8_t kNone = Purposes::bit(Purpose::necessary);
  CHECK_EQ(granted(R"("us_privacy":"1---")"), kNone);
  CHECK_EQ(granted(R"("gpp":"DBABTA~1---")"), kNone);
  CHECK_EQ(granted(R"("gpp":"DBABBg~BAAAAACA")"), kNone);  // usca, of which nothing applies.
  CHECK_EQ(granted(R"("us_privacy":"1YNN")"), Purposes::kAll);
  CHECK_EQ(granted(R"("gpp":"DBABTA~1YNN")"), Purposes::kAll);
  CHECK_EQ(granted(R"("gpp":"DBABLA~CAAqAAAAAABA.QA")"), Purposes::kAll);
}

TEST_CASE("a pseudonymous event of any dialect has neither short ids nor a second id nor an address") {
  Rig rig(ConsentAction::pseudonymise);
  struct Case {
    std::string raw;
    std::string_view id;
    std::vector<std::string> planted;
  };
  const Case cases[] = {
      {R"({"e":"pv","uid":"4711","duid":"d-771","nuid":"n-0815-of-the-cookie"})", "4711", {"4711", "n-0815"}},
      {R"({"en":"x","uid":"4711","cid":"1.2"})", "4711", {"4711", "\"1.2\""}},
      {R"({"name":"x","client_id":"1.2","user_id":"4711"})", "4711", {"4711", "\"1.2\""}},
      {R"({"e":"pv","uid":"M\u00fcller-1"})", "Müller-1", {"ller-1"}},
      {R"({"id":1,"customer":{"id":4711,"first_name":"Ada"},"shipping_address":{"name":"Ada L","country_code":"DE"}})",
       "4711",
       {"4711", "Ada"}},
      {R"({"id":1,"note":"for Ada","addresses":[{"name":"Ada L"}],"customer":{"id":4711,"note":"Ada"},)"
       R"("payment_details":{"credit_card_name":"ADA L"}})",
       "4711",
       {"4711", "Ada", "ADA"}},
      {R"({"e":"pv","duid":"d-771","co":{"data":[{"data":{"appleIdfa":"AAAA-1","appleIdfv":"AAAA-2",)"
       R"("androidIdfa":"AAAA-3"}}]}})",
       "d-771",
       {"d-771", "AAAA"}},
      {R"({"type":"track","userId":"4711","context":{"device":{"name":"Ada's iPhone"}}})",
       "4711",
       {"4711", "Ada"}},
  };
  for (const auto& [raw, id, planted] : cases) {
    CAPTURE(raw);
    rig.gate.begin(rig.request);
    rig.event = {};
    rig.event.raw = raw;
    rig.event[Text::user_id] = id;
    const std::string extra = raw;
    rig.event[Text::extra] = extra;
    if (const auto at = raw.find("\"DE\""); at != std::string::npos)
      rig.event[Text::country] = rig.event.raw.substr(at + 1, 2);
    const bool has_country = !rig.event[Text::country].empty();
    REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
    const std::string all = std::string(rig.event.raw) + std::string(rig.event[Text::extra]);
    CAPTURE(all);
    for (const auto& each : planted) CHECK(all.find(each) == std::string::npos);
    CHECK(is_token(rig.event[Text::user_id]));
    CHECK_EQ(rig.event[Text::country], has_country ? "DE" : "");
  }
}

TEST_CASE("an id is replaced wherever it is, in time that grows with the size of what it is in") {
  Rig rig(ConsentAction::pseudonymise);
  rig.gate.begin(rig.request);
  constexpr int kTimes = 200'000;  // Each from the beginning of the text would take minutes.
  std::string raw = R"({"a":["\\","\"123456",123456],"b":")";
  for (int i = 0; i < kTimes; ++i) raw += "123456 ";
  raw += R"(","c":123456})";
  rig.event.raw = raw;
  rig.event[Text::user_id] = "123456";
  REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
  const std::string token(rig.event[Text::user_id]);
  REQUIRE(is_token(token));
  CHECK(rig.event.raw.find("123456") == std::string_view::npos);
  CHECK(rig.event.raw.starts_with(R"({"a":["\\","\")" + token + R"(",")" + token + R"("],"b":")" + token +
                                  " "));
  CHECK(rig.event.raw.ends_with(token + R"( ","c":")" + token + "\"}"));
}

TEST_CASE("an id is replaced however it is spelt, also where a view of the event is of its own") {
  // As it is, and as JSON (of PHP, of Python, in a string), a URL (of forms and of browsers) and HTML spell it.
  for (const char* const spelt : {"J\u00fcrgen /7", R"(J\u00fcrgen \/7)", R"(J\u00FCrgen /7)",
                                  R"(J\\u00fcrgen \\/7)", "J%C3%BCrgen%20%2F7", "J%c3%bcrgen+/7",
                                  "J%25C3%25BCrgen%2520%252F7", "J&#252;rgen /7", "J&#xfc;rgen&#32;&#47;7"}) {
    CAPTURE(spelt);
    for (const auto action : {ConsentAction::pseudonymise, ConsentAction::anonymise}) {
      Rig rig(action);
      const std::string json = std::string(R"({"properties":{"a":"at )") + spelt + R"(, \u00e9)" + spelt +
                               R"(","b":"not J\u00fcrgen /77"}})";
      const std::string url = std::string("https://shop/u/") + spelt + "/edit?u=1";
      const std::string title = std::string("Hello, ") + spelt;
      rig.gate.begin(rig.request);
      rig.event = {};
      rig.event.raw = json;
      rig.event[Text::extra] = json;
      rig.event[Text::user_id] = "J\u00fcrgen /7";
      rig.event[Text::page_url] = url;
      rig.event[Text::page_title] = title;
      rig.event[Text::message_id] = spelt;
      rig.event.products.emplace_back();
      rig.event.products[0].variant = title;
      REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
      const bool gone = action == ConsentAction::anonymise;
      const std::string stands = gone ? "*" : std::string(rig.event[Text::user_id]);
      CHECK_EQ(is_token(stands), !gone);
      CHECK_EQ(rig.event[Text::page_url], "https://shop/u/" + stands + (gone ? "/edit" : "/edit?u=1"));
      CHECK_EQ(rig.event[Text::page_title], "Hello, " + stands);
      CHECK_EQ(rig.event.products[0].variant, "Hello, " + stands);
      CHECK(is_token(rig.event[Text::message_id]));
      const std::string kept =
          R"({"properties":{"a":"at )" + stands + R"(, \u00e9)" + stands + R"(","b":"not J\u00fcrgen /77"}})";
      CHECK_EQ(rig.event.raw, gone ? "{}" : kept);
      CHECK_EQ(rig.event[Text::extra], gone ? "" : kept);
    }
  }
}

TEST_CASE(
    "an order of nobody keeps its id and those of its products, though a visitor's id is the same number") {
  Rig rig(ConsentAction::anonymise);
  rig.gate.begin(rig.request);
  rig.event.raw = "{}";
  rig.event[Text::user_id] = "1234567";
  rig.event[Text::order_id] = "1234567";
  rig.event.products.emplace_back();
  rig.event.products[0].product_id = rig.event.products[0].sku = "1234567";
  REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
  CHECK_EQ(rig.event[Text::order_id], "1234567");
  CHECK_EQ(rig.event.products[0].product_id, "1234567");
  CHECK_EQ(rig.event.products[0].sku, "1234567");
}

TEST_CASE(
    "whoever withdraws consent is heard by what they granted it for, and nothing else of their event stays") {
  for (const auto action : {ConsentAction::pseudonymise, ConsentAction::anonymise, ConsentAction::drop}) {
    CAPTURE(static_cast<int>(action));
    Rig rig(action);
    std::optional<std::uint8_t> before;
    ConsentGate gate(rig.rules, rig.ring, rig.counters, nullptr, [&](std::string_view visitor) {
      CHECK_EQ(visitor, "visitor-1");
      return before;
    });
    constexpr std::string_view kDenied =
        R"({"context":{"consent":{"categoryPreferences":{"Analytics":false,"Marketing":false}}}})";
    const auto inspect = [&](std::string_view extra, event::EventType type) {
      gate.begin(rig.request);
      rig.event = {};
      rig.event.type = type;
      rig.event.raw = R"({"anonymousId":"visitor-1","email":"ada@example.com"})";
      rig.event[Text::anonymous_id] = "visitor-1";
      rig.event[Text::user_id] = "user-1234";
      rig.event[Text::message_id] = "m1";
      rig.event[Text::page_url] = "https://shop/account";
      rig.event[Text::ip] = "192.0.2.7";
      rig.event[Text::extra] = extra;
      rig.event.products.emplace_back();
      return gate.inspect(rig.event).ruling == collect::Ruling::pass &&
             rig.event[Text::anonymous_id] == "visitor-1";
    };
    const auto page = event::EventType::page_viewed;
    CHECK_FALSE(inspect(kDenied, page));  // Of whom nothing is known there is nothing to be withdrawn.
    before = Purposes::kAll;
    REQUIRE(inspect(kDenied, page));
    CHECK_EQ(rig.event.purposes.granted, Purposes::bit(Purpose::necessary));
    CHECK_FALSE(rig.event.has(event::Flag::anonymised));
    CHECK_EQ(rig.event.raw, "{}");
    CHECK(rig.event.type == event::EventType::other);
    CHECK(rig.event.products.empty());
    CHECK_EQ(rig.event[Text::message_id], "m1");
    for (const Text field : {Text::user_id, Text::page_url, Text::ip, Text::extra})
      CHECK(rig.event[field].empty());
    CHECK_FALSE(inspect(kDenied, event::EventType::order_completed));
    CHECK_FALSE(inspect("", page));  // The region's rule denies, the visitor said nothing.
    before = Purposes::bit(Purpose::necessary);
    CHECK_FALSE(inspect(kDenied, page));
  }
}

TEST_CASE("what rules name is not kept in quarantine either") {
  PersonalRules rules;
  rules.fields = {{"properties.buyer"}, {"traits.age", FieldRule::Action::remove}};
  KeyRing ring(test_keys());
  PrivacyCounters counters;
  PersonalGate gate(rules, ring, counters);
  event::QuarantinedItem item;
  item.raw = R"({"properties":{"buyer":"Ada L","n":1},"traits":{"age":36},"m":"ada@example.com"})";
  gate.cleanse(item);
  CAPTURE(item.raw);
  for (const char* planted : {"Ada", "36", "ada@"}) CHECK(item.raw.find(planted) == std::string_view::npos);
  CHECK(item.raw.find(R"("n":1)") != std::string_view::npos);
}

TEST_CASE("what a request said of consent is known when its quarantined item is replayed") {
  Rig rig(ConsentAction::drop);
  rig.rules.otherwise.when_unknown = Purposes::kAll;
  ConsentRule germany;
  germany.countries = {"DE"};
  germany.when_unknown = Purposes::bit(Purpose::necessary);
  germany.when_denied = ConsentAction::drop;
  rig.rules.rules = {germany};
  rig.rules.country_header = "cf-ipcountry";
  const auto kept = [&](http::Request& request, std::string_view raw) {
    event::QuarantinedItem item;
    item.raw = raw;
    rig.gate.begin(request);
    rig.gate.cleanse(item);
    return std::string(item.raw);
  };
  const auto replayed = [&](const std::string& extra) {
    CAPTURE(extra);
    http::Request plain;
    rig.gate.begin(plain);
    rig.event = {};
    rig.event[Text::extra] = extra;
    const bool stored = rig.gate.inspect(rig.event).ruling == collect::Ruling::pass;
    return stored ? rig.event.purposes.granted : std::uint8_t{0};
  };
  http::Request request;
  constexpr std::string_view kRaw = R"({"type":"track","n":1} )";
  CHECK_EQ(kept(request, kRaw), kRaw);
  request.headers.emplace_back("Sec-GPC", "1");
  CHECK_EQ(kept(request, kRaw), R"({"type":"track","n":1,"consent_of_request":{"gpc":"1"}})");
  CHECK_EQ(kept(request, "{ }"), "{ }");
  CHECK_EQ(kept(request, "{\"cut\":"), "{\"cut\":");
  CHECK_EQ(replayed(kept(request, kRaw)), Purposes::kAll & ~Purposes::bit(Purpose::marketing));
  CHECK_EQ(replayed(R"({"consent_of_request.gpc":"1"})"),
           Purposes::kAll & ~Purposes::bit(Purpose::marketing));
  request.query.emplace_back("gcs", "G100");
  CHECK_EQ(replayed(kept(request, kRaw)), 0);
  http::Request from_germany;
  from_germany.headers.emplace_back("CF-IPCountry", "DE");
  CHECK_EQ(replayed(kept(from_germany, kRaw)), 0);
  for (const char* country : {"DE", "de", "De"}) {
    CAPTURE(country);
    http::Request written_so;
    written_so.headers.emplace_back("cf-ipcountry", country);
    CHECK_EQ(kept(written_so, kRaw), kept(from_germany, kRaw));
    rig.gate.begin(written_so);
    rig.event = {};
    CHECK(rig.gate.inspect(rig.event).ruling == collect::Ruling::drop_no_consent);
  }
  CHECK_EQ(replayed(R"({"consent_of_request.country":"DE"})"), 0);
  CHECK_EQ(replayed(R"({"properties":{"country":"DE"}})"), Purposes::kAll);
}

TEST_CASE("what was decided of an event whose ids were taken out holds when it is read again") {
  Rig rig(ConsentAction::pseudonymise);
  rig.rules.otherwise.when_unknown = Purposes::kAll;
  rig.gate.begin(rig.request);
  rig.event.raw = R"({"event":"x","userId":"u-4711-x"})";
  rig.event[Text::user_id] = "u-4711-x";
  rig.event[Text::extra] = R"({"context":{"consent":{"categoryPreferences":{"analytics":false}}}})";
  REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
  const std::uint8_t granted = rig.event.purposes.granted;
  CHECK_EQ(granted, Purposes::kAll & ~Purposes::bit(Purpose::analytics));
  rig.gate.turned_away(rig.event);
  event::QuarantinedItem item;
  item.raw = rig.event.raw;
  rig.gate.cleanse(item);
  const std::string kept(item.raw);
  CAPTURE(kept);
  item.raw = "{\"n\":1}";
  rig.gate.cleanse(item);
  CHECK_EQ(item.raw, "{\"n\":1}");  // It was of that item alone.
  rig.event = {};
  rig.event[Text::extra] = kept;
  rig.gate.begin(rig.request);
  REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
  CHECK_EQ(rig.event.purposes.granted, granted);
}
