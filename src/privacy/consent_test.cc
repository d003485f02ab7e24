#include <doctest/doctest.h>

#include "base/random.h"
#include "privacy/consent_gate.h"
#include "privacy/google_consent.h"
#include "privacy/gpp_string.h"
#include "privacy/tc_string.h"

using namespace millrace;
using namespace millrace::privacy;
using event::Purpose;
using event::Purposes;
using event::Text;

namespace {

std::uint8_t bits(std::initializer_list<Purpose> purposes) {
  std::uint8_t out = Purposes::bit(Purpose::necessary);
  for (const auto purpose : purposes) out |= Purposes::bit(purpose);
  return out;
}

struct Rig {
  explicit Rig(ConsentRules given = {})
      : rules(std::move(given)), ring(keys()), gate(rules, ring, counters) {}
  static Keys keys() {
    base::SeededRandom random(3);
    return Keys::make(random, {1});
  }
  ConsentRules rules;
  PrivacyCounters counters;
  KeyRing ring;
  ConsentGate gate;
  http::Request request;
  event::Event event;

  Purposes of(std::string_view extra) {
    gate.begin(request);
    event = {};
    event[Text::extra] = extra;
    event[Text::anonymous_id] = "visitor";
    (void)gate.inspect(event);
    return event.purposes;
  }
};

std::string in_context(std::string_view inner) { return R"({"context":{)" + std::string(inner) + "}}"; }

}  // namespace

// Made with @iabtcf/core 1.5.6, whose names they have.
TEST_CASE("TC strings say which purposes are consented to, as the reference encoder wrote them") {
  struct Case {
    std::string_view text;
    std::uint8_t granted;
  };
  const Case cases[] = {
      {"CQdZmkAQdZmkAAfACBENAwEgAP_gAEPgAAAAAAAAAAAA",
       bits({Purpose::analytics, Purpose::personalisation, Purpose::marketing})},
      {"CQdZmkAQdZmkAAfACBENAwEgAAAAAAAAAAAAAAAAAAAA", bits({})},
      {"CQdZmkAQdZmkAAfACBENAwEgAIGAAAAAAAAAAAAAAAAA", bits({Purpose::analytics})},  // 1, 8, 9
      {"CQdZmkAQdZmkAAfACBENAwEgAIAAAAPAAAAAAAAAAAAA", bits({Purpose::analytics})},  // 1; interests 7 to 10
      {"CQdZmkAQdZmkAAfACBENAwEgAIwAAAAAAAAAAAAAAAAA", bits({Purpose::personalisation})},  // 1, 5, 6
      {"CQdZmkAQdZmkAAfACBENAwEgAPIAAAAAAAAAAAAAAAAA", bits({Purpose::marketing})},        // 1 to 4, 7
      {"CQdZmkAQdZmkAAfACBENAwEgAAAAAEPAAAAAAAAAAAAA", bits({})},                          // No storage.
      {"CQdZmkAQdZmkAAfACBENAwEgAAAAAAGAAIAAAAAAAAAA",
       bits({Purpose::analytics})},                                // Storage is not asked for.
      {"CQdZmkAQdZmkAAfACBENAwEgAIAAAHwAAAAAAAAAAAAA", bits({})},  // No interests in 3 to 6.
      // The publisher's segment: 1, 5, 6, 8, 9; the core: 1 to 4.
      {"CQdZmkAQdZmkAAfACBENAwEgAPAAAAAAAAAAAAAAAAAA.cbAAAAAAAAAA",
       bits({Purpose::analytics, Purpose::personalisation})},
  };
  for (const auto& [text, granted] : cases) {
    CAPTURE(text);
    const auto decoded = decode_tc_string(text);
    REQUIRE(decoded);
    CHECK_EQ(statement_of(*decoded).granted, granted);
    CHECK_EQ(statement_of(*decoded).denied, Purposes::kAll & ~granted);
  }
  // The specification's own examples.
  const auto spec = decode_tc_string(
      "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA."
      "IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBA"
      "AgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw");
  REQUIRE(spec);
  CHECK_EQ(spec->consents, 0b111u);
  CHECK_EQ(decode_tc_string("CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA")->consents,
           0u);
}

TEST_CASE("a TC string that is cut off, of version 1 or no base64 says nothing") {
  const std::string whole = "CQdZmkAQdZmkAAfACBENAwEgAP_gAEPgAAAAAAAAAAAA";
  for (std::size_t size = 0; size < 35; ++size) CHECK_FALSE(decode_tc_string(whole.substr(0, size)));
  CHECK_FALSE(decode_tc_string("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"));
  CHECK_FALSE(decode_tc_string("C!" + whole));
  CHECK_FALSE(decode_tc_string(whole + ".c"));
  CHECK_FALSE(decode_tc_string(std::string(100'000, 'C')));
}

// Made with @iabgpp/cmpapi 3.2.0; those with "BVVV" and "BVqq" are the test data of the iab_gpp crate.
TEST_CASE("GPP strings say who opted out, in which section ever") {
  struct Case {
    std::string_view text;
    bool opt_out;
    bool gpc;
  };
  const Case cases[] = {
      {"DBABLA~CAAaAAAAAABA.QA", true, false},   // usnat: sale
      {"DBABLA~CAAqAAAAAABA.QA", false, false},  // usnat: none
      {"DBABLA~CAAhAAAAAABA.QA", true, false},   // usnat: targeted advertising
      {"DBABLA~CAAgAAAAAABA.YA", false, true},   // usnat: GPC
      {"DBABBg~BAkAAABA.QA", true, false},       // usca: sharing
      {"DBABBg~BVqqqqpY.YA", false, true},       // usca
      {"DBABBg~BAAAAACA", false, false},         // usca, without subsections
      {"DBABVg~BVVVVVVg.YA", true, true},        // usct
      {"DBABTA~1YYN", true, false},              // uspv1
  };
  for (const auto& [text, opt_out, gpc] : cases) {
    CAPTURE(text);
    const auto decoded = decode_gpp_string(text);
    REQUIRE(decoded);
    CHECK(decoded->us);
    CHECK_EQ(decoded->opt_out, opt_out);
    CHECK_EQ(decoded->gpc, gpc);
    const auto statement = statement_of(*decoded);
    CHECK_EQ(statement.denied, opt_out || gpc ? Purposes::bit(Purpose::marketing) : 0);
  }
}

TEST_CASE("a section of a GPP string that cannot be read may be an opt-out and never grants") {
  const auto marketing = Purposes::bit(Purpose::marketing);
  const auto said = [](std::string_view text) {
    const auto decoded = decode_gpp_string(text);
    REQUIRE(decoded);
    return statement_of(*decoded);
  };
  // usmn, 23, is read: nobody opted out. What follows is not: usmd 24, usri 27, 28, which nobody knows yet, and an old one, 1.
  CHECK_EQ(said("DBABIY~BAAoAAAA.QA").denied, 0);
  for (const std::string_view unread :
       {"DBABEY~YBAAqAAAAA.QA", "DBABSY~bBAAqAAAAA", "DBABKY~CAAqAAAAAABA.QA", "DBABY~BO"}) {
    CAPTURE(unread);
    CHECK_EQ(said(unread), Statement{.granted = 0, .denied = marketing});
  }
  // Beside usnat, where nobody opted out, and in an edition of usca after the first.
  CHECK_EQ(said("DBACLUw~CAAqAAAAAABA.QA~YBAAqAAAAA"), Statement{.granted = 0, .denied = marketing});
  CHECK_EQ(said("DBABBg~CVqqqqpY.QA"), Statement{.granted = 0, .denied = marketing});
  CHECK_EQ(said("DBABBg~BVqqqqpY.QA"), Statement{.granted = Purposes::kAll, .denied = 0});
}

TEST_CASE("a GPP string of four sections is read to its last, and Canada's has its own form") {
  // tcfeuv2 with all consents, usnat, usva with an opt-out of targeted advertising, ustx: ids in a Fibonacci
  // range.
  const auto many = decode_gpp_string(
      "DBAEMMyw~CQuCLYAQuCLYAAAAAAENAAFgAP_gAAAAAAAAAAAAAAAA.IAAA.YAAAAAAAAAAA~CAAgAAAAAABA.QA~BAEAABA~"
      "BAgAAAQA.QA");
  REQUIRE(many);
  CHECK_EQ(many->sections, 4);
  REQUIRE(many->tcf);
  CHECK(many->opt_out);
  // The section's publisher segment is there and empty: nobody filled it in.
  CHECK_FALSE(many->tcf->of_publisher);
  CHECK_EQ(many->tcf->consents, 0b11111111111u);
  CHECK_EQ(statement_of(*many).denied, Purposes::bit(Purpose::marketing));

  const auto canada = decode_gpp_string("DBABDA~BQuEQZFQuEQZFAAAAAENAACAAeAAAAcAAAAAAAAAAA.YAAAAAAAAAA");
  REQUIRE(canada);
  REQUIRE(canada->canada);
  CHECK_EQ(canada->canada->consents, 0b1111u);
  CHECK_EQ(statement_of(*canada).granted, bits({Purpose::analytics, Purpose::marketing}));
}

TEST_CASE("a malformed GPP string says nothing") {
  for (const std::string_view text :
       {"", "~", "D", "DBAB", "DBABLA", "DBABLA~", "DBABLA~C", "CBABLA~CAAaAAAAAABA", "DBAEMMyw~CQ",
        "DBABTA~2YYN", "DBABTA~1YYNN", "D~~~~", "DBP_____~a"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_gpp_string(text));
  }
}

TEST_CASE("no bytes make a decoder of consent strings read outside them") {
  constexpr std::uint64_t kSeed = 11;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~1YN";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "DBA" : "C";
    for (std::size_t n = random.next() % 60; n > 0; --n) text += kLetters[random.next() % kLetters.size()];
    (void)decode_gpp_string(text);
    (void)decode_tc_string(text);
    (void)decode_gcd(text);
  }
}

TEST_CASE("Google's consent states") {
  CHECK_EQ(decode_gcs("G111")->granted,
           bits({Purpose::analytics, Purpose::personalisation, Purpose::marketing}) & ~1u);
  CHECK_EQ(decode_gcs("G100")->denied, Purposes::kAll & ~1u);
  CHECK_EQ(decode_gcs("G101")->granted, Purposes::bit(Purpose::analytics));
  CHECK_EQ(decode_gcs("G110")->granted, Purposes::bit(Purpose::marketing));
  CHECK(decode_gcs("G1--")->empty());
  for (const std::string_view text : {"", "G1", "G112", "H111", "G1111"}) CHECK_FALSE(decode_gcs(text));

  CHECK(decode_gcd("13l3l3l3l1")->empty());  // Nothing set.
  CHECK_EQ(decode_gcd("11t1t1t1t5")->granted, Purposes::kAll & ~1u);
  CHECK_EQ(decode_gcd("11p1p1p1p5")->denied, Purposes::kAll & ~1u);
  const auto analytics = decode_gcd("13q3r3q3q5");  // Denied, but analytics granted by the update.
  CHECK_EQ(analytics->granted, Purposes::bit(Purpose::analytics));
  CHECK_EQ(analytics->denied, Purposes::bit(Purpose::personalisation) | Purposes::bit(Purpose::marketing));
  CHECK((decode_gcd("11t1t1p1t5")->denied & Purposes::bit(Purpose::marketing)) !=
        0);  // No user data for ads.
  for (const std::string_view text : {"", "1", "11t1t1t5", "11x1t1t1t5", "11t1t1t1t1x5"})
    CHECK_FALSE(decode_gcd(text));
  // As tags of 2025 write it, with one letter more.
  CHECK(decode_gcd("13l3l3l3l1l1")->empty());
  CHECK_EQ(decode_gcd("13r3r3r2r5l1")->granted, Purposes::kAll & ~1u);
  CHECK_EQ(decode_gcd("13p3p3p2p5l1")->denied, Purposes::kAll & ~1u);
}

TEST_CASE("the ways clients write consent into their events come to one set of purposes") {
  struct Case {
    std::string_view context;
    std::uint8_t granted;
  };
  const Case cases[] = {
      {R"("consent":{"categoryPreferences":{"Advertising":false,"Analytics":true,"Functional":false,"DataSharing":false}})",
       bits({Purpose::analytics})},
      {R"("consent":{"categoryPreferences":{"C0001":true,"C0002":true,"C0003":true,"C0004":false}})",
       bits({Purpose::analytics, Purpose::personalisation})},
      {R"("consentManagement":{"provider":"oneTrust","allowedConsentIds":["C0001","C0002"],"deniedConsentIds":["C0003"]})",
       bits({Purpose::analytics})},
      {R"("consentManagement":{"provider":"custom","allowedConsentIds":[],"deniedConsentIds":["marketing"]})",
       bits({Purpose::analytics, Purpose::personalisation})},
      {R"("consent":{"tcString":"CQdZmkAQdZmkAAfACBENAwEgAIGAAAAAAAAAAAAAAAAA"})",
       bits({Purpose::analytics})},
      {R"("gpp":"DBABLA~CAAaAAAAAABA.QA","gpp_sid":"7")",
       bits({Purpose::analytics, Purpose::personalisation})},
      {R"("us_privacy":"1YYN")", bits({Purpose::analytics, Purpose::personalisation})},
      {R"("gcs":"G101")", bits({Purpose::analytics})},
      {R"("consent":{"ad_user_data":"DENIED","ad_personalization":"DENIED"})",
       bits({Purpose::analytics, Purpose::personalisation})},
      {R"("x":{"analytics_storage":"denied"})", bits({Purpose::personalisation, Purpose::marketing})},
      {R"("globalPrivacyControl":true)", bits({Purpose::analytics, Purpose::personalisation})},
      {R"("library":"consent-free")", Purposes::kAll},
  };
  Rig rig;
  for (const auto& [context, granted] : cases) {
    CAPTURE(context);
    const auto purposes = rig.of(in_context(context));
    CHECK_EQ(purposes.granted, granted);
    CHECK_EQ(purposes.decided, granted != Purposes::kAll);
  }
  rig.request.headers.emplace_back("Sec-GPC", "1");
  CHECK_EQ(rig.of("").granted, bits({Purpose::analytics, Purpose::personalisation}));
  rig.request.query.emplace_back("gcs", "G101");
  CHECK_EQ(rig.of("").granted, bits({Purpose::analytics}));
}

TEST_CASE("the quick look never misses a key that is known, wherever it is") {
  Rig rig;
  const std::string inner[] = {R"("gcs":"G100")",
                               R"("gcd":"11p1p1p1p5")",
                               R"("tcString":"C")",
                               R"("TCString":"C")",
                               R"("IABTCF_TCString":"C")",
                               R"("tcf":"C")",
                               R"("gpp":"D")",
                               R"("IABGPP_HDR_GppString":"D")",
                               R"("us_privacy":"1YYN")",
                               R"("usPrivacy":"1")",
                               R"("gpc":true)",
                               R"("euconsent-v2":"C")",
                               R"("globalPrivacyControl":true)",
                               R"("categoryPreferences":{})",
                               R"("ad_storage":"denied")",
                               R"("analytics_storage":"denied")",
                               R"("personalization_storage":"denied")",
                               R"("ad_user_data":"DENIED")",
                               R"("consentManagement":{})",
                               R"("consentScopes":[])",
                               R"("allowedConsentIds":["a"])",
                               R"("gdpr_consent":"C")"};
  for (const auto& member : inner) {
    for (std::size_t pad = 0; pad < 40; ++pad) {
      const std::string text = R"({"p":")" + std::string(pad, '.') + "\"," + member + "}";
      CAPTURE(text);
      CHECK(may_state_consent(text));
    }
  }
  CHECK_FALSE(may_state_consent(R"({"properties":{"list":"matching batch gpu","ns":1,"va":"navigate"}})"));
}

TEST_CASE("a region's rule says what becomes of an event without analytics") {
  ConsentRules rules;
  ConsentRule germany, united_states;
  REQUIRE(parse_region("DE", germany.countries));
  germany.when_denied = ConsentAction::drop;
  germany.when_unknown = Purposes::bit(Purpose::necessary);
  REQUIRE(parse_region("US, CA", united_states.countries));
  united_states.when_denied = ConsentAction::store;
  rules.rules = {germany, united_states};
  rules.country_header = "cf-ipcountry";
  Rig rig(rules);
  const auto inspect = [&](std::string_view country, std::string_view extra) {
    rig.gate.begin(rig.request);
    rig.event = {};
    rig.event[Text::country] = country;
    rig.event[Text::extra] = extra;
    rig.event[Text::anonymous_id] = "visitor";
    return rig.gate.inspect(rig.event).ruling;
  };
  constexpr std::string_view kDenied =
      R"({"context":{"consent":{"categoryPreferences":{"Analytics":false}}}})";
  CHECK(inspect("DE", "") == collect::Ruling::drop_no_consent);
  CHECK(inspect("US", kDenied) == collect::Ruling::pass);
  CHECK_EQ(rig.event[Text::anonymous_id], "visitor");
  CHECK(inspect("FR", "") == collect::Ruling::pass);
  CHECK_FALSE(rig.event.purposes.decided);
  CHECK(inspect("FR", kDenied) == collect::Ruling::pass);
  CHECK(rig.event.has(event::Flag::anonymised));
  CHECK(rig.event.visitor_key().empty());
  rig.request.headers.emplace_back("CF-IPCountry", "DE");
  CHECK(inspect("", "") == collect::Ruling::drop_no_consent);
  CHECK(inspect("FR", "") == collect::Ruling::pass);
  CHECK_EQ(rig.counters.consent[static_cast<std::size_t>(ConsentAction::drop)].load(), 2);
  std::vector<std::string> countries;
  CHECK(parse_region("GDPR", countries));
  CHECK_EQ(countries.size(), 32);
  CHECK_FALSE(parse_region("Germany", countries));
}

TEST_CASE("a pseudonymous event has a person's ids nowhere, and the same person's are the same token") {
  ConsentRules rules;
  rules.otherwise.when_denied = ConsentAction::pseudonymise;
  Rig rig(rules);
  const std::string raw =
      R"({"anonymousId":"anon-771","userId":4242,"context":{"ip":"192.0.2.77","device":{"id":"D-99"},"page":{"url":"https://s/?u=anon-771"}},)"
      R"("traits":{"email":"a@example.com","firstName":"Ada"}})";
  const std::string extra =
      R"({"context":{"device":{"id":"D-99"},"consent":{"categoryPreferences":{"Analytics":false}}},"traits":{"firstName":"Ada"}})";
  std::string first;
  for (int turn = 0; turn < 2; ++turn) {
    rig.gate.begin(rig.request);
    rig.event = {};
    rig.event.raw = raw;
    const auto part = [&](std::string_view text) {
      return rig.event.raw.substr(raw.find(text), text.size());
    };
    rig.event[Text::anonymous_id] = part("anon-771");
    rig.event[Text::user_id] = part("4242");
    rig.event[Text::ip] = part("192.0.2.77");
    rig.event[Text::email] = part("a@example.com");
    rig.event[Text::page_url] = part("https://s/?u=anon-771");
    rig.event[Text::extra] = extra;
    REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
    CHECK(rig.event.has(event::Flag::pseudonymised));
    std::string all(rig.event.raw);
    for (const auto text : rig.event.texts) all.append("\n").append(text);
    CAPTURE(all);
    for (const char* planted : {"anon-771", "4242", "192.0.2.77", "example.com", "Ada", "D-99"}) {
      CHECK(all.find(planted) == std::string::npos);
    }
    CHECK(is_token(rig.event[Text::anonymous_id]));
    CHECK(is_token(rig.event[Text::user_id]));
    CHECK(rig.event.raw.find("\"anonymousId\":\"" + std::string(rig.event[Text::anonymous_id]) + '"') !=
          std::string_view::npos);
    CHECK(rig.event.raw.find("\"userId\":\"tok_1_") != std::string_view::npos);
    if (turn == 0) first = rig.event[Text::anonymous_id];
    CHECK_EQ(rig.event[Text::anonymous_id], first);
  }
}

TEST_CASE("an anonymous event has nothing that leads to a person") {
  Rig rig;
  rig.gate.begin(rig.request);
  rig.event = {};
  rig.event.raw = "{\"anonymousId\":\"anon\"}";
  rig.event[Text::anonymous_id] = "anon";
  rig.event[Text::user_id] = "user";
  rig.event[Text::ip] = "192.0.2.1";
  rig.event[Text::user_agent] = "Mozilla/5.0";
  rig.event[Text::message_id] = "m1";
  rig.event[Text::order_id] = "o1";
  rig.event[Text::page_url] = "https://shop/p?email=x#y";
  rig.event[Text::extra] = R"({"context":{"consent":{"categoryPreferences":{"Analytics":false}}}})";
  REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
  CHECK(rig.event.has(event::Flag::anonymised));
  CHECK_EQ(rig.event.raw, "{}");
  CHECK_EQ(rig.event[Text::page_url], "https://shop/p");
  CHECK_EQ(rig.event[Text::order_id], "o1");
  CHECK_EQ(rig.event.partition_key(), "m1");
  for (const Text field : {Text::anonymous_id, Text::user_id, Text::ip, Text::user_agent, Text::extra})
    CHECK(rig.event[field].empty());
}
