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
