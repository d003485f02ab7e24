#include <doctest/doctest.h>

#include "privacy/personal_fixture.h"
#include "privacy/personal_gate.h"

using namespace millrace;
using namespace millrace::privacy;
using event::Text;

namespace {

Keys test_keys() {
  base::SeededRandom random(5);
  return Keys::make(random, {1});
}

struct Rig {
  explicit Rig(PersonalRules given = {})
      : rules(std::move(given)), ring(test_keys()), gate(rules, ring, counters) {
    gate.begin(request);
  }
  http::Request request;
  PersonalRules rules;
  PrivacyCounters counters;
  KeyRing ring;
  PersonalGate gate;

  // Everything of the event that would be stored.
  std::string inspect(event::Event& event) {
    REQUIRE(gate.inspect(event).ruling == collect::Ruling::pass);
    std::string all(event.raw);
    for (const auto text : event.texts) all.append("\n").append(text);
    for (const auto& line : event.products) {
      for (const auto text : {line.product_id, line.sku, line.name, line.variant, line.coupon}) {
        all.append("\n").append(text);
      }
    }
    return all;
  }
  std::string inspect(std::string_view raw) {
    event::Event event;
    event.raw = raw;
    return inspect(event);
  }
};

}  // namespace

TEST_CASE("hostile text in any field passes the gate, and is never read beyond its end") {
  constexpr std::uint64_t kSeed = 23;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  for (int i = 0; i < 5'000; ++i) {
    const auto exact = hostile_text(random);
    const std::string_view text(exact.data(), exact.size());
    event::Event event;
    event.raw = text;
    event[Text::query] = text.substr(text.size() / 3, text.size() / 2);
    Rig rig;
    (void)rig.inspect(event);
  }
}

TEST_CASE(
    "personal values are tokens in the raw bytes and in every field, and everything else is as it was") {
  Rig rig;
  const std::string raw =
      R"({"type":"track","userId":"ada@example.com","properties":{"card":4111111111111111,"note":"call +49 30 9018200, jürgen","ok":true},)"
      R"("context":{"ip":"192.0.2.77"},"traits":{"iban":"DE89 3704 0044 0532 0130 00"}})";
  event::Event event;
  event.raw = raw;
  event[Text::user_id] = event.raw.substr(raw.find("ada@"), 15);
  event[Text::ip] = event.raw.substr(raw.find("192."), 10);
  const std::string apart = R"({"properties":{"card":4111111111111111,"c2":"4111 1111 1111 1111"}})";
  event[Text::extra] = apart;
  event[Text::anonymous_id] = event.raw.substr(raw.find("track"), 5);
  const std::string all = rig.inspect(event);
  CAPTURE(all);
  for (const char* planted : {"ada@", "4111", "901820", "DE89", "0130 00", "192.0"}) {
    CHECK(all.find(planted) == std::string::npos);
  }
  CHECK(is_token(event[Text::user_id]));
  CHECK(is_token(event[Text::ip]));
  CHECK_EQ(event[Text::anonymous_id], "track");
  CHECK(event.has(event::Flag::personal_replaced));
  CHECK(event.raw.find("jürgen\",\"ok\":true") != std::string_view::npos);
  // A number became a string, so that it is still JSON; written in two ways it is one token.
  collect::JsonIndex index;
  collect::JsonTape tape;
  REQUIRE(index.scan(event.raw) == collect::JsonFault::none);
  CHECK(tape.build(index, 0) == collect::TapeFault::none);
  const auto extra = event[Text::extra];
  const auto token = extra.substr(extra.find("tok_"), 38);
  CHECK(is_token(token));
  CHECK_EQ(extra,
           R"({"properties":{"card":")" + std::string(token) + R"(","c2":")" + std::string(token) + "\"}}");
}

TEST_CASE("what JSON escapes hide is found, and escapes that hide nothing stay") {
  Rig rig;
  for (const char* raw :
       {R"({"a":"\u0034111111111111111"})", R"({"a":"4111\u00201111\u00a01111\u20131111"})",
        R"({"a":"ada\u0040example.com"})", R"({"a\u0040b.com":1})",
        // In a string of JSON that is in a string, as .NET and others escape it, and in one more.
        R"({"a":"{\"m\":\"ada\\u0040example.com\"}"})",
        R"({"a":"{\\u0022p\\u0022:\\u0022\\u002B4915111111111"})",
        R"({"a":"\\\\u0061da\\\\u0040example.com"})", R"({"a":"\\\u0061da\u0040example.com"})"}) {
    CAPTURE(raw);
    const std::string all = rig.inspect(raw);
    CHECK(all.find("tok_1_") != std::string::npos);
    CHECK(all.find("1111") == std::string::npos);
    CHECK(all.find("example") == std::string::npos);
  }
  const std::string harmless = R"({"a":"\u00fc\ud83d\ude00 \\u0040x.com","b":"\u0001\"\u005c"})";
  CHECK(rig.inspect(harmless).starts_with(harmless + "\n"));
  const std::string mixed = rig.inspect(R"({"e":"\ud83d\ude00\u000a\u0022","m":"ada\u0040example.com"})");
  CHECK(mixed.starts_with(R"({"e":"\ud83d\ude00\u000a\u0022","m":"tok_1_)"));
}

TEST_CASE("views that cut through a value hold the whole token and none of the value") {
  Rig rig;
  const std::string raw = R"({"url":"https://s/a?m=ada@example.com&x=1"})";
  const std::size_t at = raw.find("ada@");
  for (std::size_t from = 0; from < raw.size(); ++from) {
    for (std::size_t size = 1; from + size <= raw.size(); size += 3) {
      event::Event event;
      event.raw = raw;
      event[Text::page_url] = event.raw.substr(from, size);
      (void)rig.inspect(event);
      const std::string_view url = event[Text::page_url];
      const bool touches = from < at + 15 && from + size > at;
      CHECK_EQ(url.find("tok_1_") != std::string_view::npos, touches);
      if (!touches) CHECK_EQ(url, raw.substr(from, size));
      CHECK(url.find("ada") == std::string_view::npos);
    }
  }
}

TEST_CASE("cards are replaced when everything else is switched off, in quarantine too") {
  PersonalRules rules;
  rules.kinds = bit(Personal::card);
  Rig rig(rules);
  const std::string all = rig.inspect(R"({"m":"ada@example.com","c":"5555-5555-5555-4444"})");
  CHECK(all.find("ada@example.com") != std::string::npos);
  CHECK(all.find("5555") == std::string::npos);
  event::QuarantinedItem item;
  item.raw = R"({"c":5555555555554444,)";
  item.pointer = "/5555555555554444";
  item.detail = "Not a name: 5555 5555 5555 4444.";
  rig.gate.cleanse(item);
  for (const auto text : {item.raw, item.pointer, item.detail})
    CHECK(text.find("5555") == std::string_view::npos);
  CHECK(item.raw.starts_with(R"({"c":"tok_1_)"));
}

TEST_CASE("rules of paths replace or remove values that no form gives away") {
  PersonalRules rules;
  rules.fields = {{"traits.firstName"},
                  {"traits.age", FieldRule::Action::remove},
                  {"properties.*.note"},
                  {"properties.gift"}};
  Rig rig(rules);
  const std::string raw =
      R"({"traits":{"firstName":"Ada","age":36,"plan":"Ada"},"properties":{"a":{"note":"x\ny"},"gift":{"to":"Bob"},"list":[{"note":"z"}]}})";
  event::Event event;
  event.raw = raw;
  event[Text::query] = "x\ny";  // As a field that was unescaped.
  event[Text::affiliation] = event.raw.substr(raw.find("Ada\",\"age"), 3);
  event[Text::coupon] = event.raw.substr(raw.find("36"), 2);
  const std::string extra = R"({"traits":{"firstName":"Ada","age":36}})";
  event[Text::extra] = extra;
  (void)rig.inspect(event);
  CHECK(is_token(event[Text::affiliation]));
  CHECK(is_token(event[Text::query]));
  CHECK(event[Text::coupon].empty());
  CHECK(event.raw.find("\"age\":null,\"plan\":\"Ada\"") != std::string_view::npos);
  CHECK(event.raw.find("Bob") == std::string_view::npos);
  CHECK(event.raw.find("\"gift\":\"tok_1_") != std::string_view::npos);
  CHECK(event[Text::extra].find("Ada") == std::string_view::npos);
  CHECK(event[Text::extra].find("null") != std::string_view::npos);
}

TEST_CASE("a rotated key makes other tokens, and the key file says the same when read again") {
  Rig rig;
  const std::string before = rig.inspect(R"({"m":"ada@example.com"})");
  Keys keys = test_keys();
  base::SeededRandom random(9);
  keys.rotate(random, {2});
  rig.ring.replace(keys);
  CHECK_EQ(rig.inspect(R"({"m":"ada@example.com"})"), before);  // Within a request nothing changes.
  rig.gate.begin(rig.request);
  const std::string after = rig.inspect(R"({"m":"ADA@example.com"})");
  CHECK(after.find("tok_2_") != std::string::npos);
  CHECK_EQ(token_of(keys.tokens[0], "email", "ada@example.com"), before.substr(before.find("tok_"), 38));
  CHECK_EQ(token_of(keys.tokens[1], "email", "ada@example.com"), after.substr(after.find("tok_"), 38));
  const auto read = Keys::parse(keys.text());
  REQUIRE(read.ok());
  CHECK_EQ(read->text(), keys.text());
  CHECK_EQ(read->tokens.size(), 2);
  const std::string text = keys.text();
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    if (text[size == 0 ? 0 : size - 1] != '\n') CHECK_FALSE(Keys::parse(text.substr(0, size)).ok());
  }
}

TEST_CASE("a token is the golden one") {
  TokenKey key;
  key.id = 7;
  for (std::size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<std::uint8_t>(i);
  // printf 'email:ada@example.com' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f
  CHECK_EQ(token_of(key, "email", "ada@example.com"), "tok_7_2041394ff91c5a145c57fdf513340172");
}
