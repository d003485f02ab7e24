#include "privacy/personal_forms.h"

#include <doctest/doctest.h>

#include "privacy/personal_fixture.h"
#include "privacy/personal_gate.h"

using namespace millrace;
using namespace millrace::privacy;

TEST_CASE("phones and accounts are found as the world writes them") {
  // Blanks that do not break, thin ones, dashes and digits of other scripts, as they are and percent-encoded.
  for (const char* phone :
       {"+33\u00a06\u00a012\u00a034\u00a056\u00a078", "+33\u202f6\u202f12\u202f34\u202f56\u202f78",
        "+49 30 \u2013 901820", "+1\u2011415\u2011555\u20110132",
        "+81 \uff19\uff10-\uff11\uff12\uff13\uff14-5678", "+33%C2%A06%C2%A012%C2%A034%C2%A056%C2%A078",
        "+\u0664\u0669 30 901820", "+91-98765-43210"}) {
    CAPTURE(phone);
    CHECK_EQ(found_in("tel " + std::string(phone) + "."), one("phone " + std::string(phone)));
  }
  CHECK_EQ(found_in("+1-415-555-0132x204"), one("phone +1-415-555-0132"));
  CHECK_EQ(found_in("iban DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000."),
           one("iban DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"));
  CHECK_EQ(found_in("?i=DE89%C2%A03704%C2%A00044%C2%A00532%C2%A00130%C2%A000").size(), 1);
}

TEST_CASE("a value behind an escape is not the end of a word") {
  for (const char* escape : {R"(\n)", R"(\t)", R"(\r\n)", R"(\\n)", R"(\u00e9)", R"(\ud83d\ude00)", "%3D",
                             "%20", "%0A", "%253D", "%2520", "\n", "\xf0\x9f\x98\x80"}) {
    CAPTURE(escape);
    for (const std::size_t lead : {0, 1, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64}) {
      CAPTURE(lead);
      const std::string before = std::string(lead, '-') + escape;
      CHECK_EQ(found_in(before + "+49 30 901820"), one("phone +49 30 901820"));
      CHECK_EQ(found_in(before + "DE89370400440532013000"), one("iban DE89370400440532013000"));
      CHECK_EQ(found_in(before + "ada@example.com").size(), 1);
      // Escapes of characters are undone before addresses are looked for: their digits would be of the address.
      if (std::string_view(escape).find("\\u") != std::string_view::npos) continue;
      CHECK_EQ(found_in(before + "192.0.2.77"), one("ip 192.0.2.77"));
      CHECK_EQ(found_in(before + "2001:db8::8a2e:370:7334"), one("ip 2001:db8::8a2e:370:7334"));
    }
  }
  for (const char* text :
       {"x+4930901820", "nDE89370400440532013000", "@nDE89370400440532013000", "v192.0.2.77",
        "7DE89370400440532013000", "+aDE89370400440532013000", "&lt;xDE89370400440532013000"}) {
    CAPTURE(text);
    CHECK(found_in(text).empty());
  }
}

TEST_CASE("digits behind a plus that are no phone number stay") {
  for (const char* text : {
           "+\uff10415555013299",
           "+14155550132xyz",
           "+14155550132x12345678",
           "+49 \u20ac 30 901820",
       }) {
    CAPTURE(text);
    CHECK(found_in(text).empty());
  }
}

TEST_CASE("a phone number and an account have one token each, however they are written") {
  std::string plain, other;
  const auto same = [&](Personal kind, std::string_view a, std::string_view b) {
    normalise(kind, a, plain);
    normalise(kind, b, other);
    return plain == other && !plain.empty();
  };
  CHECK(same(Personal::phone, "+33612345678", "+33\u00a06\u00a012 34-56.78"));
  CHECK(same(Personal::phone, "+33612345678", "%2B33%C2%A0612345678"));
  CHECK(same(Personal::phone, "+33612345678", "%252B33612345678"));
  CHECK(same(Personal::phone, "+819012345678", "+81 \uff19\uff10 1234 5678"));
  CHECK(same(Personal::iban, "DE89370400440532013000", "de89\u00a03704 0044-0532%200130%C2%A000"));
}

TEST_CASE("rules of paths hold in quarantine as well") {
  PersonalRules rules;
  rules.fields = {{"traits.firstName"}, {"traits.age", FieldRule::Action::remove}};
  base::SeededRandom random(5);
  KeyRing ring(Keys::make(random, {1}));
  PrivacyCounters counters;
  PersonalGate gate(rules, ring, counters);
  event::QuarantinedItem item;
  item.raw =
      R"({"traits":{"firstName":"Ada","age":36,"mail":"ada@example.com","plan":"pro"},"type":"nonsense"})";
  gate.cleanse(item);
  for (const char* planted : {"Ada", "36", "ada@"}) CHECK(item.raw.find(planted) == std::string_view::npos);
  CHECK(item.raw.find(R"("plan":"pro"},"type":"nonsense"})") != std::string_view::npos);
  // Items that are no JSON are kept for repair, too.
  item.raw = R"({"traits":{"firstName":"Ada",,"mail":"ada@example.com"}})";
  gate.cleanse(item);
  CHECK(item.raw.find("ada@") == std::string_view::npos);
  item.raw = {};
  gate.cleanse(item);
  CHECK(item.raw.empty());
}
