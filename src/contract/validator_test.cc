#include "contract/validator.h"

#include <doctest/doctest.h>

#include <string>

#include "base/random.h"
#include "contract/pattern.h"
#include "contract/schema_compiler.h"
#include "contract/uri.h"

using namespace millrace;
using namespace millrace::contract;

namespace {

class NoSchemas final : public SchemaSource {
 public:
  std::optional<std::string> schema(std::string_view) const override { return std::nullopt; }
};

Program compiled(std::string_view schema) {
  Program program;
  const auto fault = compile_schema(std::string(schema), "", NoSchemas(), program);
  REQUIRE_MESSAGE(!fault, (fault ? fault->pointer + " " + fault->message : ""));
  return program;
}

SchemaFault refused(std::string_view schema) {
  Program program;
  const auto fault = compile_schema(std::string(schema), "", NoSchemas(), program);
  REQUIRE(fault);
  return *fault;
}

std::vector<ValueFault> faults(const Program& program, std::string_view value) {
  JsonDocument document;
  REQUIRE(document.own(std::string(value)).ok());
  Validator validator;
  return validator.explain(program, document.tape());
}

std::string nested(std::string_view open, std::string_view core, std::string_view close, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += open;
  text += core;
  for (int i = 0; i < times; ++i) text += close;
  return text;
}

}  // namespace

TEST_CASE("a fault names the value, the keyword and why, and does not repeat the value") {
  const Program program = compiled(
      R"({"type":"object","required":["id"],"properties":{"mail/to":{"type":"string","maxLength":5},
          "n":{"minimum":3}},"additionalProperties":false})");
  const auto found = faults(program, R"({"mail/to":"someone@example.org","n":2.5,"x":1})");
  REQUIRE_EQ(found.size(), 4);
  CHECK_EQ(found[0].pointer, "/mail~1to");
  CHECK_EQ(found[0].keyword, "maxLength");
  CHECK_EQ(found[0].location, "/properties/mail~1to/maxLength");
  CHECK_EQ(found[0].message, "There must be at most 5 characters.");
  CHECK_EQ(found[1].message, "This must be at least 3.");
  CHECK_EQ(found[2].pointer, "/x");
  CHECK_EQ(found[2].keyword, "additionalProperties");
  CHECK_EQ(found[3].pointer, "");
  CHECK_EQ(found[3].keyword, "required");
  CHECK_EQ(found[3].message, "The member \"id\" is missing.");
  for (const auto& fault : found) CHECK_EQ(fault.message.find("example.org"), std::string::npos);
}

TEST_CASE("a schema with something that cannot be enforced is refused with where it is") {
  CHECK_EQ(refused(R"({"properties":{"a":{"contentEncoding":"base64"}}})").pointer,
           "/properties/a/contentEncoding");
  CHECK_EQ(refused(R"({"properties":{"a":{"contentEncoding":"base64"}}})").code, "unsupported_keyword");
  CHECK_EQ(refused(R"({"items":[{}]})").code, "invalid_schema");
  CHECK_EQ(refused(R"({"exclusiveMinimum":true})").code, "invalid_keyword");
  CHECK_EQ(refused(R"({"format":"iri"})").code, "unsupported_format");
  CHECK_EQ(refused(R"({"pattern":"(?=a)b"})").code, "unsupported_pattern");
  CHECK_EQ(refused(R"({"pattern":"(a)\\1"})").code, "unsupported_pattern");
  CHECK_EQ(refused(R"({"patternProperties":{"[":{}}})").code, "unsupported_pattern");
  CHECK_EQ(refused(R"({"$ref":"#/$defs/a"})").code, "unresolved_reference");
  CHECK_EQ(refused(R"({"$ref":"#/default","default":{}})").code, "unresolved_reference");
  CHECK_EQ(refused(R"({"$schema":"http://json-schema.org/draft-07/schema#"})").code, "unsupported_dialect");
  CHECK_EQ(refused(R"({"type":"string","type":"number"})").code, "duplicate_keyword");
  CHECK_EQ(refused(R"({"multipleOf":0})").code, "invalid_keyword");
  CHECK_EQ(refused(R"({"minLength":-1})").code, "invalid_keyword");
  CHECK_EQ(refused(R"({"type":"text"})").code, "invalid_keyword");
  CHECK_EQ(refused("{").code, "invalid_json");
  CHECK_EQ(refused("3").code, "invalid_schema");
  CHECK_EQ(refused(std::string(SchemaIndex::kSchemaBytesMax + 1, ' ')).code, "too_large");
}

TEST_CASE("a schema that never ends is refused, one that ends with its value is not") {
  CHECK_EQ(refused(R"({"$ref":"#"})").code, "endless_recursion");
  CHECK_EQ(refused(R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"not":{"$ref":"#"}}}})").code,
           "endless_recursion");
  const Program tree =
      compiled(R"({"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false})");
  CHECK(faults(tree, nested("{\"next\":", "{}", "}", 20)).empty());
  CHECK_EQ(faults(tree, nested("{\"next\":", "{\"x\":1}", "}", 20)).size(), 1);
}

TEST_CASE("schemas and values nested beyond the limit are refused, not followed") {
  CHECK_EQ(refused(nested("{\"not\":", "{}", "}", 5000)).code, "invalid_json");
  JsonDocument value;
  CHECK_FALSE(value.own(nested("[", "", "]", 5000)).ok());
}

TEST_CASE("a schema that takes exponential work ends in a fault") {
  std::string schema = R"({"$ref":"#/$defs/s0","$defs":{)";
  for (int i = 0; i < 30; ++i) {
    const std::string next = R"({"$ref":"#/$defs/s)" + std::to_string(i + 1) + "\"}";
    schema += "\"s" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]},";
  }
  schema += R"("s30":{"type":"string"}}})";
  const auto found = faults(compiled(schema), R"("x")");
  REQUIRE_EQ(found.size(), 1);
  CHECK_EQ(found[0].message, "Checking this value takes more work than is allowed.");
}

TEST_CASE("numbers are compared as they are written") {
  const Program tenth = compiled(R"({"multipleOf":0.1})");
  CHECK(faults(tenth, "0.3").empty());
  CHECK(faults(tenth, "123456789012345678901234567890.7").empty());
  CHECK_EQ(faults(tenth, "0.35").size(), 1);
  const Program big = compiled(R"({"type":"integer","maximum":123456789012345678901234567890})");
  CHECK(faults(big, "123456789012345678901234567890").empty());
  CHECK(faults(big, "1.2345678901234567890123456789e29").empty());
  CHECK_EQ(faults(big, "123456789012345678901234567891").size(), 1);
  CHECK_EQ(faults(big, "1e-400").size(), 1);
  CHECK(faults(big, "-1e400").empty());
  CHECK(faults(compiled(R"({"const":1})"), "1.000").empty());
  CHECK(faults(compiled(R"({"const":0})"), "-0e9").empty());
  CHECK(faults(compiled(R"({"maximum":1e999999999999})"), "5").empty());
}

TEST_CASE("numbers order as exact integers of a common scale do") {
  const std::uint64_t seed = 20261121;
  CAPTURE(seed);
  base::SeededRandom random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto a = static_cast<std::int64_t>(random.below(2001)) - 1000;
    const auto b = static_cast<std::int64_t>(random.below(2001)) - 1000;
    const auto shift_a = random.below(4), shift_b = random.below(4);
    std::int64_t scaled_a = a, scaled_b = b;
    for (std::uint64_t k = shift_a; k < 3; ++k) scaled_a *= 10;
    for (std::uint64_t k = shift_b; k < 3; ++k) scaled_b *= 10;
    const std::string text_a = std::to_string(a) + "e-" + std::to_string(shift_a);
    const std::string text_b = std::to_string(b) + "e-" + std::to_string(shift_b);
    CAPTURE(text_a);
    CAPTURE(text_b);
    CHECK_EQ(compare(Number(text_a), Number(text_b)) < 0, scaled_a < scaled_b);
    CHECK_EQ(Number(text_a) == Number(text_b), scaled_a == scaled_b);
    if (b > 0) CHECK_EQ(Number(text_a).is_multiple_of(Number(text_b)), scaled_a % scaled_b == 0);
  }
}

TEST_CASE("lengths are counted in characters, not bytes") {
  const Program program = compiled(R"({"minLength":2,"maxLength":3})");
  CHECK(faults(program, "\"\xf0\x9f\x91\x9f\xc3\xa9\"").empty());
  CHECK(faults(program, R"("\ud83d\udc5f\u00e9x")").empty());
  CHECK_EQ(faults(program, "\"\xf0\x9f\x91\x9f\"").size(), 1);
}

TEST_CASE("a duplicate key cannot carry a value past its schema") {
  const Program program =
      compiled(R"({"properties":{"a":{"type":"string"}},"required":["a","b"],"minProperties":2})");
  CHECK_EQ(faults(program, R"({"a":1,"a":"x","b":1})").size(), 1);
  CHECK_EQ(faults(program, R"({"a":"x","a":1,"b":1})").size(), 1);
  CHECK_EQ(faults(program, R"({"a":"x","a":"y"})").size(), 2);
}

TEST_CASE("unique items stay cheap with many of them") {
  const Program program = compiled(R"({"uniqueItems":true})");
  std::string many = "[0";
  for (int i = 1; i < 10'000; ++i) many += "," + std::to_string(i);
  CHECK(faults(program, many + "]").empty());
  CHECK_EQ(faults(program, many + ",1.0e0]").size(), 1);
}

TEST_CASE("simple runs of characters are matched as RE2 matches them") {
  base::SeededRandom random(7);
  for (const std::string expression :
       {"^[a-c]{2,3}$", "^[A-Z0-9_-]+$", "^[a-z .]*$", "^[xyz]$", "^[ab]{2}$", "^[a]{1,}$"}) {
    auto quick = Pattern::compile(expression);
    // The group keeps it from being recognised.
    auto slow = Pattern::compile("(?:" + expression + ")");
    REQUIRE(quick.ok());
    REQUIRE(slow.ok());
    for (int i = 0; i < 500; ++i) {
      std::string text;
      for (std::uint64_t k = random.below(5); k > 0; --k) text += "abcxyzAZ09_-. \n\xc3"[random.below(16)];
      CAPTURE(text);
      CHECK_EQ(quick->matches(text), slow->matches(text));
    }
  }
}

TEST_CASE("different numbers that agree in their first digits are told apart within the work allowed") {
  const Program program = compiled(R"({"uniqueItems":true})");
  std::string list = "[";
  for (int i = 0; i < 4000; ++i) {
    if (i > 0) list += ',';
    list += "1234567890123456789012" + std::to_string(10'000 + i);
  }
  CHECK(faults(program, list + "]").empty());
  CHECK_FALSE(faults(program, list + ",123456789012345678901210000.0]").empty());
  for (const char* const spelled : {"[1,1.0]", "[100,1e2]", "[-0.5,-5E-1]", "[0,-0.0e5]"}) {
    CAPTURE(spelled);
    std::string many = "[2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,";  // Beyond what is compared in pairs.
    CHECK_FALSE(faults(program, many + (spelled + 1)).empty());
  }
}

TEST_CASE("URIs resolve as RFC 3986 section 5.4 says") {
  const std::pair<const char*, const char*> cases[] = {{"g:h", "g:h"},
                                                       {"g", "http://a/b/c/g"},
                                                       {"./g", "http://a/b/c/g"},
                                                       {"g/", "http://a/b/c/g/"},
                                                       {"/g", "http://a/g"},
                                                       {"//g", "http://g"},
                                                       {"?y", "http://a/b/c/d;p?y"},
                                                       {"#s", "http://a/b/c/d;p?q#s"},
                                                       {"", "http://a/b/c/d;p?q"},
                                                       {".", "http://a/b/c/"},
                                                       {"..", "http://a/b/"},
                                                       {"../g", "http://a/b/g"},
                                                       {"../../g", "http://a/g"},
                                                       {"../../../g", "http://a/g"},
                                                       {"g;x=1/../y", "http://a/b/c/y"}};
  for (const auto& [reference, expected] : cases)
    CHECK_EQ(resolve_uri("http://a/b/c/d;p?q", reference), expected);
  CHECK_EQ(resolve_uri("iglu:com.acme/event/jsonschema/1-0-0", "#a"),
           "iglu:com.acme/event/jsonschema/1-0-0#a");
}
