#include "collect/json_tape.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/random.h"

using namespace millrace::collect;

namespace {

// A naive printer: the tape read back as JSON must be the text without blanks.
std::string print(const JsonTape& tape, std::uint32_t& i) {
  const JsonNode& node = tape[i++];
  if (node.kind != JsonKind::object && node.kind != JsonKind::array) return std::string(node.raw);
  std::string out(1, node.kind == JsonKind::object ? '{' : '[');
  while (i < node.end) {
    if (out.size() > 1) out += ',';
    if (node.kind == JsonKind::object) out += '"' + std::string(tape[i].key) + "\":";
    out += print(tape, i);
  }
  return out + (node.kind == JsonKind::object ? '}' : ']');
}

struct Laid {
  JsonFault scan = JsonFault::none;
  TapeFault fault = TapeFault::none;
  std::string at;
  std::string printed;
  bool whole = false;
};

Laid lay(std::string_view text) {
  static JsonIndex index;
  static JsonTape tape;
  Laid laid;
  laid.scan = index.scan(text);
  if (laid.scan != JsonFault::none) return laid;
  laid.fault = tape.build(index, 0);
  if (laid.fault != TapeFault::none) {
    laid.at = tape.fault_at();
    return laid;
  }
  laid.whole = tape.end_token() == index.size();
  std::uint32_t i = 0;
  laid.printed = print(tape, i);
  return laid;
}

bool valid(std::string_view text) {
  const Laid laid = lay(text);
  return laid.scan == JsonFault::none && laid.fault == TapeFault::none && laid.whole;
}

std::string first_text(std::string_view json) {
  JsonIndex index;
  JsonTape tape;
  REQUIRE(index.scan(json) == JsonFault::none);
  REQUIRE(tape.build(index, 0) == TapeFault::none);
  return std::string(tape[0].text);
}

}  // namespace

TEST_CASE("a tape holds every value in order with its bytes") {
  CHECK(lay(R"( { "a" : [ 1 , -2.5e+3 , "x y" , null ] , "b" : { } , "c" : [ ] , "d" : true } )").printed ==
        R"({"a":[1,-2.5e+3,"x y",null],"b":{},"c":[],"d":true})");
  CHECK(lay(R"({"a":1,"a":2})").printed == R"({"a":1,"a":2})");
  CHECK(lay("\"only\"").printed == "\"only\"");
  CHECK(lay("0").printed == "0");
}

TEST_CASE("what RFC 8259 forbids is a fault, and what it allows is none") {
  for (const std::string_view good : {"{}", "[]", "null", "-0", "1E5", "0.1e-9", "[[[]]]", "{\"\":\"\"}",
                                      " \t\r\n1\n", "\"\\u00e9\\n\\/\"", "123456789012345678901234567890"}) {
    CAPTURE(good);
    CHECK(valid(good));
  }
  for (const std::string_view bad : {"{",
                                     "}",
                                     "[",
                                     "]",
                                     "{]",
                                     "[}",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "{\"a\":1,}",
                                     "[1,]",
                                     "[,]",
                                     "[1 2]",
                                     "{\"a\" 1}",
                                     "{1:2}",
                                     "{\"a\":1 \"b\":2}",
                                     "01",
                                     "-",
                                     "+1",
                                     ".5",
                                     "1.",
                                     "1e",
                                     "0x1",
                                     "tru",
                                     "nul",
                                     "True",
                                     "NaN",
                                     "Infinity",
                                     "'a'",
                                     "\"\\x\"",
                                     "\"\\u12g4\"",
                                     "\"\\u12\"",
                                     "\"a\"b",
                                     "a\"b\"",
                                     "1 2",
                                     "{} {}",
                                     "{,}",
                                     "[:]",
                                     ":",
                                     ",",
                                     "\"a\\\"",
                                     "1.5.2",
                                     "--1",
                                     "\xef\xbb\xbf{}"}) {
    CAPTURE(bad);
    CHECK_FALSE(valid(bad));
  }
}

TEST_CASE("escapes become text; NUL and lone surrogates become the replacement character") {
  CHECK(first_text(R"("a\"b\\c\/d\b\f\n\r\t")") == "a\"b\\c/d\b\f\n\r\t");
  CHECK(first_text(R"("\u00fc\u20AC\ud83d\udc5f")") == "\xc3\xbc\xe2\x82\xac\xf0\x9f\x91\x9f");
  CHECK(first_text(R"("\u0000|\ud83d|\udc5f|\ud83d\u0041")") ==
        "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd"
        "A");
}

TEST_CASE("bytes that are not UTF-8 and raw control characters are faults of the value that holds them") {
  Laid laid = lay("{\"a\":\"fine\",\"b\":{\"c\":[1,\"\xff\"]}}");
  CHECK(laid.fault == TapeFault::invalid_utf8);
  CHECK(laid.at == "/b/c/1");
  laid = lay("{\"a\":\"x\ny\"}");
  CHECK(laid.fault == TapeFault::invalid_json);
  CHECK(laid.at == "/a");
  CHECK(lay(std::string("{\"a\":\"x\0y\"}", 11)).fault == TapeFault::invalid_json);
  CHECK(lay("{\n\t\"a\":\r\n1}").printed == "{\"a\":1}");
}

TEST_CASE("depth and number of values are bounded, however deep the text goes") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(valid(nested(JsonTape::kDepthMax)));
  CHECK(lay(nested(JsonTape::kDepthMax + 1)).fault == TapeFault::nested_too_deep);
  CHECK(lay(nested(1'000'000)).fault == TapeFault::nested_too_deep);
  std::string many = "[0";
  for (std::size_t i = 0; i < JsonTape::kNodesMax; ++i) many += ",0";
  CHECK(lay(many + "]").fault == TapeFault::too_many_values);
}

TEST_CASE("pointers escape what RFC 6901 says") {
  CHECK(lay(R"({"a/b":{"c~d":[0,{"":tru}]}})").at == "/a~1b/c~0d/1/");
}

TEST_CASE("a member of the root can be stepped over and found again") {
  JsonIndex index;
  JsonTape tape;
  const std::string text = R"({"sentAt":"now","batch":[{"broken":tru},[[]]],"writeKey":"k"})";
  REQUIRE(index.scan(text) == JsonFault::none);
  REQUIRE(tape.build(index, 0, "batch") == TapeFault::none);
  CHECK(tape.size() == 3);
  CHECK(tape[2].key == "writeKey");
  CHECK(text[index.position(tape.skipped_token())] == '[');
  CHECK(tape.end_token() == index.size());
}

TEST_CASE("random damage never breaks the tape, and what it accepts prints as it was") {
  const std::string text =
      R"({"type":"track","a":[1,-2.5e3,"x\u00e9\\",{"b":null,"c":[true,false]}],"d":{"e":{"f":"g"}},"h":"gr)"
      "\xc3\xbc\xc3\x9f\"}";
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    millrace::base::SeededRandom random(seed);
    std::string damaged = text;
    for (std::uint64_t i = 0, n = 1 + random.below(3); i < n; ++i) {
      const std::size_t at = random.below(damaged.size());
      if (random.chance(0.5)) {
        damaged[at] = static_cast<char>(random.chance(0.5)
                                            ? random.next()
                                            : static_cast<unsigned char>("{}[]:,\"\\ 0"[random.below(10)]));
      } else {
        damaged.erase(at, 1 + random.below(6));
      }
      if (damaged.empty()) damaged = "x";
    }
    CAPTURE(seed);
    const Laid laid = lay(damaged);
    if (laid.scan != JsonFault::none || laid.fault != TapeFault::none || !laid.whole) continue;
    CHECK(valid(laid.printed));
  }
}
