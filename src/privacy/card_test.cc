// Card numbers however they are written, and what only looks like one.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>

#include "base/random.h"
#include "collect/write_key.h"
#include "privacy/article_number.h"
#include "privacy/glyph.h"
#include "privacy/personal_forms.h"
#include "privacy/personal_gate.h"

using namespace millrace;
using namespace millrace::privacy;

namespace {

std::vector<std::string> cards_in(std::string_view text) {
  PersonalScan scan;
  std::vector<PersonalSpan> spans;
  scan.find(text, bit(Personal::card), spans);
  std::vector<std::string> out;
  for (const auto& span : spans) out.emplace_back(text.substr(span.from, span.to - span.from));
  return out;
}

std::string normal(std::string_view written) {
  std::string out;
  normalise(Personal::card, written, out);
  return out;
}

Keys test_keys() {
  base::SeededRandom random(5);
  return Keys::make(random, {1});
}

struct GateRig {
  GateRig() : ring(test_keys()), gate(rules, ring, counters) { gate.begin(request); }
  http::Request request;
  PersonalRules rules;
  PrivacyCounters counters;
  KeyRing ring;
  PersonalGate gate;
};

std::string utf8(std::uint32_t code) {
  std::string out;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
  }
  return out + static_cast<char>(0x80 | (code & 0x3f));
}

std::string formatted(const char* format, unsigned value) {
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), format, value);
  return out.data();
}

// A character in one of the ways in which it may arrive.
std::string written(std::uint32_t code, int way) {
  const std::string plain = utf8(code);
  std::string out;
  switch (way) {
    case 1:
      for (const char c : plain) out += formatted("%%%02X", static_cast<unsigned char>(c));
      return out;
    case 2:
      for (const char c : plain) out += formatted("%%25%02x", static_cast<unsigned char>(c));
      return out;
    case 3:
    case 4:
      if (code >= 0x10000) {
        return formatted(way == 3 ? "\\u%04x" : "\\\\u%04X", 0xd800 + ((code - 0x10000) >> 10)) +
               formatted(way == 3 ? "\\u%04x" : "\\\\u%04X", 0xdc00 + ((code - 0x10000) & 0x3ff));
      }
      return formatted(way == 3 ? "\\u%04x" : "\\\\u%04X", code);
    case 5: return formatted("&#%u;", code);
    case 6: return formatted("&#x%X;", code);
    default: return plain;
  }
}

}  // namespace

TEST_CASE("a card number is found in any script and escape, and is the same value in all") {
  constexpr std::uint64_t kSeed = 20261122;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  constexpr std::uint32_t kZeros[] = {'0', '0', '0', 0xff10, 0x660, 0x6f0, 0x966, 0x1d7ce, 0x1d7ec};
  constexpr std::uint32_t kGaps[] = {' ',    '-',    '_',    0xa0, 0x2009, 0x2011,
                                     0x202f, 0x3000, 0xfeff, 0xad, 0x2212};
  constexpr std::uint32_t kMarks[] = {'.', '/', '\n', '\t', 0xb7, 0x2022, 0xff0e};
  const std::string numbers[] = {"4111111111111111", "378282246310005", "30569309025904", "6759649826438453",
                                 "4917610000000000003"};
  for (int round = 0; round < 40'000; ++round) {
    const std::string& number = numbers[random.below(5)];
    const std::uint32_t zero = kZeros[random.below(9)];
    const int way = static_cast<int>(random.below(7));
    // Gaps anywhere; marks where a card has its gaps.
    const bool marks = number.size() == 16 && random.below(3) == 0;
    const std::uint32_t gap = marks ? kMarks[random.below(7)] : kGaps[random.below(11)];
    const std::uint64_t every = marks ? 4 : random.below(18) + 1;
    std::string text;
    for (std::size_t i = 0; i < number.size(); ++i) {
      if (i > 0 && i % every == 0) text += written(gap, way);
      text += written(zero + static_cast<std::uint32_t>(number[i] - '0'), way);
    }
    const std::string around = std::string(random.below(70), ';') + "v" + text + "w;";
    CAPTURE(around);
    const auto found = cards_in(around);
    REQUIRE_EQ(found.size(), 1);
    REQUIRE_EQ(found[0], text);
    REQUIRE_EQ(normal(found[0]), number);
  }
  CHECK_EQ(cards_in("4111&nbsp;1111&nbsp;1111&nbsp;1111").size(), 1);
  CHECK_EQ(cards_in(R"(4111\/1111\/1111\/1111)").size(), 1);
  CHECK_EQ(cards_in(R"("a\t4111\n1111\n1111\n1111")").size(), 1);
}

TEST_CASE("a card number is found as a number with an exponent, and fractions stay") {
  for (const char* text : {"4.111111111111111E15", "4.111111111111111e+15", "41111111111111110e-1",
                           "4111111111111111.0", "0.4111111111111111e16", "411111111111111.1e1"}) {
    CAPTURE(text);
    const std::string json = R"({"a":)" + std::string(text) + "}";
    REQUIRE_EQ(cards_in(json).size(), 1);
    GateRig rig;
    event::Event event;
    event.raw = json;
    (void)rig.gate.inspect(event);
    const std::string token = token_of(test_keys().tokens[0], "card", "4111111111111111");
    CHECK_EQ(event.raw, R"({"a":")" + token + R"("})");
  }
  for (const char* text :
       {R"({"a":0.4111111111111111})", R"({"a":[1.4111111111111111, 2]})", R"({"a":-0.5555555555554444})",
        R"({"a":0.41111111111111112222222})", R"({"a":4.111111111111111e14,"b":4.1e15})"}) {
    CAPTURE(text);
    CHECK(cards_in(text).empty());
  }
  CHECK_EQ(cards_in(R"({"a":"x=0.4111111111111111"})").size(), 1);
}

TEST_CASE("a card number is found behind zeros and among more digits than a number has") {
  for (const char* text :
       {"00004111111111111111", "004111111111111111", "41111111111111111227123", "9998884111111111111111",
        "123456789041111111111111117890123456", "41111111111111111111", "000378282246310005000000001"}) {
    CAPTURE(text);
    const auto found = cards_in("n:" + std::string(text) + ";");
    REQUIRE_EQ(found.size(), 1);
    CHECK_EQ(found[0], text);
  }
  CHECK_EQ(normal("00004111111111111111"), "4111111111111111");
}

TEST_CASE("a card number is found in base64, wherever it lies in its triples") {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto base64 = [&](std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
      std::uint32_t bits = 0;
      for (std::size_t j = 0; j < 3; ++j)
        bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0u);
      for (std::size_t j = 0; j < 4; ++j)
        out += i + j > text.size() ? '=' : kAlphabet[bits >> (18 - 6 * j) & 63];
    }
    return out;
  };
  std::string before = R"({"a":")";
  for (int i = 0; i < 9; ++i, before += "x") {
    for (const char* card : {"4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444"}) {
      const std::string coded = base64(before + card + R"(","b":1})");
      CAPTURE(coded);
      CHECK_EQ(cards_in(R"({"p":")" + coded + R"("})"), std::vector<std::string>{coded});
    }
    CHECK(cards_in(base64(before + R"(1795255200000000","b":1})")).empty());
  }
}

TEST_CASE("what stands in for a value is no card number, whatever stands beside it") {
  constexpr std::uint64_t kSeed = 77;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  const Keys keys = test_keys();
  int beside = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string token = token_of(keys.tokens[0], "email", std::to_string(random.next()));
    const std::string digits = std::to_string(random.next() % 1'000'000'000'000);
    for (const char* gap : {"", " ", "-", "."}) {
      REQUIRE(cards_in(token + gap + digits).empty());
      REQUIRE(cards_in(digits + gap + token).empty());
      ++beside;
    }
  }
  CHECK_EQ(beside, 80'000);
  // What is made to look like one is not spared.
  CHECK_EQ(cards_in("tok_4111111111111111").size(), 1);
  CHECK_EQ(cards_in("tok_4111111111111111_0123456789abcdef0123456789abcdef").size(), 1);
  CHECK_EQ(cards_in("tok_1_41111111111111110000000000000000").size(), 1);
  CHECK_FALSE(is_token("tok_4111111111111111_0123456789abcdef0123456789abcdef"));
  CHECK_FALSE(is_token("tok_1_0123456789abcdef0123456789abcdeg"));
}

TEST_CASE("times, article numbers, numbers of 64 bits and ids stay") {
  constexpr std::uint64_t kSeed = 20261123;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  const auto gtin = [&](std::string digits) {
    int sum = 0, weight = 3;
    for (auto c = digits.rbegin(); c != digits.rend(); ++c, weight = 4 - weight) sum += (*c - '0') * weight;
    return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
  };
  for (int round = 0; round < 200'000; ++round) {
    // From 2001 to 2031 in ms, us and ns.
    const std::uint64_t ms = 1'000'000'000'000 + random.below(940'000'000'000);
    const std::string tail = std::to_string(1'000'000 + random.below(1'000'000)).substr(1);
    for (const std::string& text :
         {std::to_string(ms), std::to_string(ms) + tail.substr(0, 3), std::to_string(ms) + tail}) {
      CAPTURE(text);
      REQUIRE(cards_in(text).empty());
    }
    const std::string large =
        std::to_string(10'000'000'000'000'000'000u + random.below(8'446'744'073'709'551'615u));
    CAPTURE(large);
    REQUIRE(cards_in("\"" + large + "\"").empty());
    std::string digits = std::to_string(1'000'000'000'000 + random.below(9'000'000'000'000 - 1)).substr(1);
    const std::string thirteen = gtin(digits);
    CAPTURE(thirteen);
    REQUIRE(cards_in(thirteen).empty());
    REQUIRE(cards_in("0" + thirteen).empty());
    if (round % 10 == 3) continue;  // Diners Club has 14 digits that begin with 3.
    REQUIRE(cards_in(gtin(std::to_string(round % 10) + digits)).empty());
  }
}

TEST_CASE("an article's number of 14 digits stays where its name says so, and nowhere else") {
  constexpr std::uint64_t kSeed = 20261124;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  constexpr std::string_view kPrefixes[] = {"300", "305", "3095", "36", "38", "39"};
  int gtins = 0, others = 0;
  while (gtins < 300 || others < 300) {
    std::string digits(kPrefixes[random.below(std::size(kPrefixes))]);
    while (digits.size() < 14) digits += static_cast<char>('0' + random.below(10));
    if (!is_card(digits)) continue;
    const bool gtin = is_gtin(digits);
    ++(gtin ? gtins : others);
    CAPTURE(digits);
    for (const std::string_view name :
         {"gtin", "EAN", "product_id", "productId", "sku", "variant-id", "Item ID"}) {
      const std::string key = "{\"a\":1,\"" + std::string(name) + "\"";
      CAPTURE(name);
      // Text that is no GTIN, whatever its name says, may be a card; numbers in these places are keys of tables.
      REQUIRE_EQ(cards_in(key + " : \"" + digits + "\"}").empty(), gtin);
      REQUIRE(cards_in(key + ":" + digits + "}").empty());
      REQUIRE(cards_in(key + ": " + digits + " ,\"b\":2}").empty());
      // Not the whole value, or not the number alone.
      REQUIRE_EQ(cards_in(key + ":\" " + digits + "\"}").size(), 1);
      REQUIRE_EQ(cards_in(key + ":\"" + digits + " \"}").size(), 1);
      REQUIRE_EQ(cards_in(key + ":[\"" + digits + "\"]}").size(), 1);
      REQUIRE_EQ(cards_in(key + ":\"" + digits.substr(0, 4) + " " + digits.substr(4, 6) + " " +
                          digits.substr(10) + "\"}")
                     .size(),
                 1);
    }
    for (const std::string_view name : {"card", "number", "id", "note", "gtin_or_card", "", "my\\\"gtin"}) {
      REQUIRE_EQ(cards_in("{\"" + std::string(name) + "\":\"" + digits + "\"}").size(), 1);
      REQUIRE_EQ(cards_in("{\"" + std::string(name) + "\":" + digits + "}").size(), 1);
    }
    REQUIRE_EQ(cards_in(digits).size(), 1);
    REQUIRE_EQ(cards_in(":" + digits).size(), 1);
    REQUIRE_EQ(cards_in("\":" + digits).size(), 1);
    REQUIRE_EQ(cards_in("sku:\"" + digits + "\"").size(), 1);
    REQUIRE(cards_in("{\"admin_graphql_api_id\":\"gid://shopify/ProductVariant/" + digits + "\"}").empty());
    REQUIRE_EQ(cards_in("{\"x\":\"gid://shopify/" + digits + "\"}").size(), 1);
    REQUIRE_EQ(cards_in("{\"x\":\"https://shop.example/Product/" + digits + "\"}").size(), 1);
  }
  // Of 13, 15 and 16 digits nothing is an article's by its name.
  for (const std::string_view card : {"4222222222222", "378282246310005", "4111111111111111"}) {
    REQUIRE_EQ(cards_in("{\"sku\":\"" + std::string(card) + "\"}").size(), 1);
    REQUIRE_EQ(cards_in("{\"product_id\":" + std::string(card) + "}").size(), 1);
  }
}

TEST_CASE("ids of clients that end in a UUID, and of 24, 32, 40 or 64 hexadecimal digits, stay as they are") {
  constexpr std::uint64_t kSeed = 20261125;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  const auto hex = [&](std::size_t size) {
    std::string digits;
    while (digits.size() < size) digits += "0123456789abcdef"[random.below(16)];
    return digits;
  };
  const auto has_letter = [](std::string_view text) {
    return text.find_first_of("abcdef") != std::string_view::npos;
  };
  for (int round = 0; round < 300'000; ++round) {
    const std::string uuid = hex(8) + "-" + hex(4) + "-4" + hex(3) + "-a" + hex(3) + "-" + hex(12);
    const std::string ms = std::to_string(1'600'000'000'000 + random.below(200'000'000'000));
    for (const std::string& id :
         {uuid, "ajs-next-" + ms + "-" + uuid, "node-next-" + ms + "-" + uuid, uuid + "-" + ms}) {
      CAPTURE(id);
      REQUIRE(cards_in("{\"messageId\":\"" + id + "\"}").empty());
    }
    const std::string object = hex(24);
    CAPTURE(object);
    if (has_letter(object)) REQUIRE(cards_in("\"" + object + "\"").empty());
    if (has_letter(object)) REQUIRE(cards_in("\"-" + object + "-\"").empty());
  }
  // Beside them, over their end, and in what is none of them, a card is one.
  for (const std::string_view text :
       {"4111111111111111-01234567-89ab-4cde-8f01-23456789abcd",
        "01234567-89ab-4cde-8f01-23456789abcd-4111111111111111", "01234567-89ab-4cde-8f01-4111111111111111",
        "a-4111-1111-1111-1111", "41111111-1111-1111-0000-000000000000", "deadbeef-4111111111111111",
        "abc4111111111111111def"}) {
    CAPTURE(text);
    CHECK_EQ(cards_in(text).size(), 1);
  }
  CHECK(cards_in("0a234567-89ab-4cde-8f01-411111111111-1111").empty());  // Its last digits are the UUID's.
}

TEST_CASE("an id made of what an event said is a keyed one when something of that was taken out") {
  GateRig rig;
  const auto id_of = [&](std::string_view raw, std::uint32_t flags) {
    event::Event event;
    event.raw = raw;
    event.flags = flags;
    event[event::Text::message_id] = "0123456789abcdef0123456789abcdef";
    (void)rig.gate.inspect(event);
    return std::string(event[event::Text::message_id]);
  };
  constexpr auto kMade = 1u << static_cast<unsigned>(event::Flag::message_id_made);
  constexpr auto kAnonymised = 1u << static_cast<unsigned>(event::Flag::anonymised);
  const std::string card = R"({"a":"4111111111111111"})";
  CHECK_FALSE(is_token(id_of(card, 0)));
  CHECK_FALSE(is_token(id_of("{}", kMade)));
  CHECK(is_token(id_of(card, kMade)));
  CHECK_EQ(id_of(card, kMade), id_of(card, kMade));
  CHECK(is_token(id_of("{}", kMade | kAnonymised)));
}

TEST_CASE("a card number read as an amount or a time is kept in neither") {
  GateRig rig;
  event::Event event;
  const std::string raw =
      R"({"timestamp":4222222222222,"properties":{"revenue":4222222222222,"price":"4222222222222"}})";
  event.raw = raw;
  event.received_at = {1'795'255'200'000};
  event.client_time = {4'222'222'222'222};
  event.event_time = {4'222'222'222'222};
  event.set(event::Amount::revenue, {4'222'222'222'222 * event::kMoneyScale});
  event.set(event::Amount::tax, {7 * event::kMoneyScale});
  event.products.resize(1);
  event.products[0].price = {4'222'222'222'222 * event::kMoneyScale};
  event.products[0].has_price = true;
  (void)rig.gate.inspect(event);
  CHECK_FALSE(event.has(event::Amount::revenue));
  CHECK_EQ(event[event::Amount::revenue].micros, 0);
  CHECK(event.has(event::Amount::tax));
  CHECK_FALSE(event.products[0].has_price);
  CHECK_EQ(event.products[0].price.micros, 0);
  CHECK_EQ(event.client_time.ms, 0);
  CHECK_EQ(event.event_time.ms, event.received_at.ms);
  CHECK(event.raw.find("4222") == std::string_view::npos);
}
