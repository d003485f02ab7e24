#include "contract/registry.h"

#include <doctest/doctest.h>

#include "contract/compatibility.h"
#include "contract/mode_rules.h"
#include "contract/preloaded_schemas.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::contract;

namespace {

SchemaKey key(std::string_view text) { return *SchemaKey::parse(text); }

std::string reason(const std::optional<RegistryFault>& fault) { return fault ? fault->reason : ""; }

bool narrows(std::string_view before, std::string_view after) {
  JsonDocument a, b;
  REQUIRE(a.own(std::string(before)).ok());
  REQUIRE(b.own(std::string(after)).ok());
  return find_narrowing(a, b).has_value();
}

}  // namespace

TEST_CASE("every contract that comes with Millrace compiles") {
  sim::SimDisk disk(1);
  const auto registry = Registry::open(disk, {});
  REQUIRE_MESSAGE(registry.ok(), (registry.ok() ? "" : registry.error().message()));
  CHECK_EQ((*registry)->rules()->contracts().size(), preloaded_schemas().size());
  CHECK_GT(preloaded_schemas().size(), 30);
}

TEST_CASE("a version that was answered is there after a crash, and a mode too") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    sim::SimDisk disk(seed);
    bool stored = false, mode_set = false;
    {
      auto registry = Registry::open(disk, {"web"});
      REQUIRE(registry.ok());
      disk.cut_after(seed % 14);
      stored = !(*registry)->put(key("shop/spin/jsonschema/1-0-0"), R"({"type":"object"})");
      mode_set = !(*registry)->set_modes({{"web", "spin", Mode::reject}});
    }
    disk.crash();
    const auto registry = Registry::open(disk, {"web"});
    REQUIRE_MESSAGE(registry.ok(), (registry.ok() ? "" : registry.error().message()));
    const auto* contract = (*registry)->rules()->find(key("shop/spin/jsonschema/1-0-0"));
    if (stored) CHECK(contract != nullptr);
    if (contract != nullptr) CHECK_EQ(contract->text, R"({"type":"object"})");
    if (mode_set) REQUIRE_EQ((*registry)->rules()->modes().size(), 1);
  }
}

TEST_CASE("a file of modes that says something else than modes is refused, and one of a later format too") {
  const std::string whole = mode_rules_json({{"web", "", Mode::reject}, {"", "a \"b\"", Mode::observe}});
  const auto rules = parse_mode_rules(whole);
  REQUIRE(rules.ok());
  CHECK_EQ(mode_rules_json(*rules), whole);
  CHECK_EQ(mode_rules_json(*parse_mode_rules(R"({"format":1,"rules":[]})")), mode_rules_json({}));
  for (const char* const text :
       {"", "{", R"({"rules":[]})", R"({"format":2,"rules":[]})", R"({"format":"1","rules":[]})",
        R"({"format":1})", R"({"format":1,"rules":{}})", R"({"format":1,"rules":[{}]})",
        R"({"format":1,"rules":["reject"]})", R"({"format":1,"rules":[{"source":5,"mode":"reject"}]})",
        R"({"format":1,"rules":[{"contract":null,"mode":"reject"}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_mode_rules(text).ok());
    sim::SimDisk disk(1);
    REQUIRE(disk.make_directory("contracts").ok());
    REQUIRE(disk::write_file_atomically(disk, "contracts/modes.json", text).ok());
    const auto registry = Registry::open(disk, {"web"});
    REQUIRE_FALSE(registry.ok());
    CHECK_EQ(registry.error().code(), base::ErrorCode::corrupt);
    CHECK_NE(registry.error().message().find("modes.json"), std::string::npos);
  }
}

TEST_CASE("versions follow each other, and an addition takes what was taken") {
  sim::SimDisk disk(1);
  const auto registry = *Registry::open(disk, {});
  const auto put = [&](std::string_view name, std::string_view text) {
    return reason(registry->put(key(name), std::string(text)));
  };
  CHECK_EQ(put("shop/spin/jsonschema/1-0-1", "{}"), "version_gap");
  CHECK_EQ(put("shop/spin/jsonschema/1-0-0", R"({"required":["a"],"properties":{"a":{"maxLength":5}}})"), "");
  CHECK_EQ(put("shop/spin/jsonschema/1-0-0", R"({"required":["a"],"properties":{"a":{"maxLength":5}}})"), "");
  CHECK_EQ(put("shop/spin/jsonschema/1-0-0", "{}"), "version_exists");
  CHECK_EQ(put("shop/spin/jsonschema/1-0-1", R"({"required":["a"],"properties":{"a":{"maxLength":4}}})"),
           "not_compatible");
  CHECK_EQ(put("shop/spin/jsonschema/1-0-1",
               R"({"required":["a"],"properties":{"a":{"maxLength":6},"b":{"type":"string"}}})"),
           "");
  CHECK_EQ(put("shop/spin/jsonschema/1-0-3", "{}"), "version_gap");
  CHECK_EQ(put("shop/spin/jsonschema/1-1-0", R"({"required":["a","c"]})"), "");
  CHECK_EQ(put("shop/spin/jsonschema/2-0-0", "false"), "");
  CHECK_EQ(put("shop/spin/jsonschema/3-0-0", R"({"typo":1})"), "unsupported_keyword");
  CHECK_EQ(put("shop/who/jsonschema/1-0-0",
               R"({"self":{"vendor":"shop","name":"else","format":"jsonschema","version":"1-0-0"}})"),
           "self_differs");
  CHECK_EQ(put("com.millrace/spin/jsonschema/1-0-0", "{}"), "preloaded");
  CHECK_EQ(put("shop/other/jsonschema/1-0-0", R"({"$ref":"iglu:shop/spin/jsonschema/1-0-1"})"), "");
  CHECK_EQ(reason(registry->remove(key("shop/spin/jsonschema/1-0-1"))), "in_use");
  CHECK_EQ(reason(registry->remove(key("shop/other/jsonschema/1-0-0"))), "");
  CHECK_EQ(reason(registry->remove(key("shop/spin/jsonschema/1-0-1"))), "");
  CHECK_EQ(reason(registry->remove(key("shop/spin/jsonschema/1-0-1"))), "no_such_schema");
  CHECK_EQ(reason(registry->remove(key("com.millrace/order_completed/jsonschema/1-0-0"))), "preloaded");
}

TEST_CASE("what may turn away an old value is narrower, and what cannot be decided too") {
  CHECK_FALSE(narrows("{}", R"({"title":"x"})"));
  CHECK_FALSE(narrows(R"({"type":"integer"})", R"({"type":["number","null"]})"));
  CHECK(narrows(R"({"type":"number"})", R"({"type":"integer"})"));
  CHECK(narrows("{}", R"({"type":"object"})"));
  CHECK_FALSE(narrows(R"({"enum":[1,2]})", R"({"enum":[2,3,1.0]})"));
  CHECK(narrows(R"({"enum":[1,2]})", R"({"const":1})"));
  CHECK_FALSE(narrows(R"({"const":1})", R"({"enum":[1,2]})"));
  CHECK_FALSE(narrows(R"({"minimum":3})", R"({"minimum":2.5})"));
  CHECK(narrows(R"({"minimum":3})", R"({"minimum":3.5})"));
  CHECK(narrows(R"({"pattern":"a"})", R"({"pattern":"b"})"));
  CHECK_FALSE(narrows(R"({"pattern":"a"})", "{}"));
  CHECK(narrows(R"({"additionalProperties":true})", R"({"additionalProperties":false})"));
  CHECK_FALSE(narrows(R"({"additionalProperties":false})", R"({"properties":{"a":{}}})"));
  CHECK(narrows(R"({"properties":{"a":{}},"additionalProperties":false})",
                R"({"additionalProperties":false})"));
  CHECK(
      narrows(R"({"additionalProperties":{"type":["string","null"]}})",
              R"({"additionalProperties":{"type":["string","null"]},"properties":{"a":{"type":"string"}}})"));
  CHECK(narrows(R"({"patternProperties":{"^x":{}},"additionalProperties":false})",
                R"({"additionalProperties":false})"));
  CHECK(narrows("true", "false"));
  CHECK(narrows(R"({"items":{"type":["string","null"]}})", R"({"items":{"type":"string"}})"));
}

TEST_CASE("names of schemas are strict, and names of events become names of contracts") {
  CHECK_EQ(key("iglu:com.acme/spin/jsonschema/1-0-0").path(), "com.acme/spin/jsonschema/1-0-0");
  for (const char* bad : {"", "a/b/c", "a/b/c/1-0", "a/b/c/1-0-0/d", "a/../c/1-0-0", "a//c/1-0-0",
                          "a/b/c/0-0-0", "a/b/c/1-00-0", "a/b/c/1-0-0x", "a,b/c/d/1-0-0"})
    CHECK_FALSE(SchemaKey::parse(bad).ok());
  CHECK_EQ(contract_name("Spin the  Wheel!"), "spin_the_wheel");
  CHECK_EQ(contract_name("../etc"), "etc");
  CHECK_EQ(contract_name("!!"), "unnamed");
  CHECK_EQ(contract_name("K\xc3\xa4ufe"), "kxc3xa4ufe");
}
