#include "contract/discovery.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "contract/schema_compiler.h"
#include "contract/validator.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::contract;

namespace {

struct Bench {
  sim::SimDisk disk{1};
  sim::SimClock clock;
  std::unique_ptr<Registry> registry = *Registry::open(disk, {"web"});
  DiscoveryFeed feed;
  std::unique_ptr<Discovery> discovery = *Discovery::open(disk, *registry, feed, clock);

  void see(std::string_view name, std::string_view properties, int times = 1) {
    for (int i = 0; i < times; ++i) {
      feed.offer({0, event::EventType::other, clock.wall(), std::string(name),
                  R"({"type":"track","event":")" + std::string(name) + R"(","properties":)" +
                      std::string(properties) + "}"});
      if (i % 1000 == 999) discovery->turn();
    }
    discovery->turn();
  }
  void next_minute() {
    clock.advance_ms(60'001);
    discovery->turn();
  }
  bool alerted(std::string_view kind, std::string_view field) {
    return discovery->alerts_json().find("\"kind\":\"" + std::string(kind) + "\",\"field\":\"" +
                                         std::string(field) + "\"") != std::string::npos;
  }
};

}  // namespace

TEST_CASE("an event that nobody announced is proposed with types, null rates and masked examples") {
  Bench bench;
  bench.see("Spin the Wheel",
            R"({"turns":3,"prize":{"value":1.5},"mail":"jo@example.org","phone":"+49 170 1234567"})", 60);
  bench.see("Spin the Wheel", R"({"turns":null,"prize":{"value":2},"list":[{"a":"x"}]})", 60);
  const std::string proposals = bench.discovery->proposals_json();
  CAPTURE(proposals);
  JsonDocument json;
  REQUIRE(json.own(proposals).ok());
  const std::uint32_t item = node_at(json.tape(), 0, "/items/0");
  REQUIRE_NE(item, kNoNode);
  CHECK_EQ(text_of(json.tape(), item, "name"), "spin_the_wheel");
  CHECK_NE(
      proposals.find(
          R"({"path":"turns","types":{"null":60,"integer":60},"seen":120,"null_rate":0.5000,"examples":[3]})"),
      std::string::npos);
  CHECK_NE(proposals.find(R"("path":"prize.value","types":{"integer":60,"number":60})"), std::string::npos);
  CHECK_NE(proposals.find(R"("path":"list[].a")"), std::string::npos);
  CHECK_EQ(proposals.find("example.org"), std::string::npos);
  CHECK_EQ(proposals.find("1234567"), std::string::npos);
  CHECK_NE(proposals.find("xx@xxxxxxx.xxx"), std::string::npos);
  CHECK(bench.alerted("new_event", ""));
}

TEST_CASE("an accepted proposal is a contract that takes what was seen and not what was not") {
  Bench bench;
  bench.see("Spin", R"({"turns":3,"tag":"a"})", 120);
  bench.see("Spin", R"({"turns":3.5})", 5);
  SchemaKey key;
  REQUIRE(!bench.discovery->accept("spin", "", key));
  CHECK_EQ(key.path(), "shop/spin/jsonschema/1-0-0");
  CHECK_EQ(bench.discovery->proposals_json(), R"({"items":[]})");
  const auto rules = bench.registry->rules();
  const Contract* contract = rules->find(key);
  REQUIRE(contract);
  Validator validator;
  const auto fits = [&](std::string_view value) {
    JsonDocument document;
    REQUIRE(document.read(value).ok());
    return validator.fits(contract->program, document.tape());
  };
  CHECK(fits(R"({"turns":3,"tag":"a"})"));
  CHECK(fits(R"({"turns":3.5})"));
  CHECK_FALSE(fits(R"({"turns":"3"})"));
  CHECK_FALSE(fits(R"({"tag":"a"})"));
  REQUIRE(!bench.registry->put(*SchemaKey::parse("shop/twist/jsonschema/1-0-0"), "{}"));
  bench.see("Twist", "{}");
  CHECK_EQ(bench.discovery->proposals_json(), R"({"items":[]})");
  CHECK_EQ(bench.discovery->accept("nobody", "", key)->reason, "no_such_proposal");
}

TEST_CASE("an ignored proposal stays ignored after a restart, an edited one is held to the compiler") {
  Bench bench;
  bench.see("Noise", "{}");
  bench.see("Spin", "{}");
  SchemaKey key;
  CHECK_EQ(bench.discovery->accept("spin", R"({"magic":1})", key)->reason, "unsupported_keyword");
  REQUIRE(!bench.discovery->accept("spin", R"({"maxProperties":3})", key));
  REQUIRE(!bench.discovery->ignore("noise"));
  bench.disk.crash();
  bench.registry = *Registry::open(bench.disk, {"web"});
  bench.discovery = *Discovery::open(bench.disk, *bench.registry, bench.feed, bench.clock);
  bench.see("Noise", "{}");
  bench.see("Spin", "{}");
  CHECK_EQ(bench.discovery->proposals_json(), R"({"items":[]})");
}

TEST_CASE("drift raises an alert of its kind, once") {
  Bench bench;
  for (int minute = 0; minute < 8; ++minute) {
    bench.see("Spin", R"({"turns":3,"color":"red"})", 300);
    bench.next_minute();
  }
  const std::uint64_t before = bench.discovery->alerts();
  CHECK_EQ(before, 1);  // That the event is new.
  bench.see("Spin", R"({"turns":"3","color":"red","size":1})", 2);
  CHECK(bench.alerted("type_change", "turns"));
  CHECK(bench.alerted("new_field", "size"));
  bench.see("Spin", R"({"turns":3})", 298);
  CHECK(bench.alerted("vanished_field", "color"));
  bench.next_minute();
  CHECK(bench.alerted("null_rate", "color"));
  bench.see("Spin", R"({"turns":3})", 10);
  bench.next_minute();
  CHECK(bench.alerted("volume", ""));
  CHECK_EQ(bench.discovery->alerts(), before + 5);
}

TEST_CASE("what is watched stays bounded") {
  Bench bench;
  std::string many = "{";
  for (int i = 0; i < 500; ++i)
    many += (i == 0 ? "\"f" : ",\"f") + std::to_string(i) + "\":" + std::to_string(i);
  bench.see("Wide", many + "}");
  for (int i = 0; i < 700; ++i) bench.see("E" + std::to_string(i), "{}");
  JsonDocument json;
  REQUIRE(json.own(bench.discovery->proposals_json()).ok());
  CHECK_EQ(count_children(json.tape(), node_at(json.tape(), 0, "/items")), Discovery::kEventsMax);
  JsonDocument alerts;
  REQUIRE(alerts.own(bench.discovery->alerts_json()).ok());
  CHECK_EQ(count_children(alerts.tape(), node_at(alerts.tape(), 0, "/items")), Discovery::kAlertsMax);
  for (std::size_t i = 0; i < DiscoveryFeed::kWaitingMax + 5; ++i) bench.feed.offer({});
  CHECK_EQ(bench.feed.missed(), 5);
}

TEST_CASE("examples that may be someone's are masked") {
  CHECK(looks_personal("email", "x"));
  CHECK(looks_personal("ip", "x"));
  CHECK_FALSE(looks_personal("shipping", "4.90"));
  CHECK(looks_personal("note", "call 0170 1234567"));
  CHECK_FALSE(looks_personal("price", "129.50"));
  CHECK_EQ(masked("Jo 12@x.de"), "xx 99@x.xx");
}

TEST_CASE("what was learnt is there after a restart, and damage to it costs no start") {
  Bench bench;
  bench.see("Spin", R"({"turns":3,"prize":{"value":1.5,"list":[{"a":"x"}]},"mail":"jo@example.org"})", 250);
  bench.next_minute();
  bench.see("Spin", R"({"turns":4})");
  const std::string proposals = bench.discovery->proposals_json();
  const std::string alerts = bench.discovery->alerts_json();
  REQUIRE(bench.discovery->save().ok());
  bench.discovery = *Discovery::open(bench.disk, *bench.registry, bench.feed, bench.clock);
  CHECK_EQ(bench.discovery->proposals_json(), proposals);
  CHECK_EQ(bench.discovery->alerts_json(), alerts);
  CHECK_EQ(bench.discovery->alerts(), 1);
  // It goes on from there: the event is no news, a type it never had is.
  bench.see("Spin", R"({"turns":"many"})");
  CHECK(bench.alerted("type_change", "turns"));
  CHECK_EQ(bench.discovery->alerts(), 2);

  const auto whole = disk::read_file(bench.disk, "contracts/learnt");
  REQUIRE(whole.ok());
  for (std::size_t at = 0; at < whole->size(); at += 7) {
    CAPTURE(at);
    std::string damaged = *whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    REQUIRE(disk::write_file_atomically(bench.disk, "contracts/learnt", damaged).ok());
    const auto opened = Discovery::open(bench.disk, *bench.registry, bench.feed, bench.clock);
    REQUIRE(opened.ok());
    CHECK_EQ((*opened)->proposals_json(), R"({"items":[]})");
    REQUIRE(disk::write_file_atomically(bench.disk, "contracts/learnt", whole->substr(0, at)).ok());
    CHECK(Discovery::open(bench.disk, *bench.registry, bench.feed, bench.clock).ok());
  }
}

TEST_CASE("a new event is on disk with the turn that saw it") {
  Bench bench;
  bench.see("Spin", R"({"turns":3})");
  const auto opened = Discovery::open(bench.disk, *bench.registry, bench.feed, bench.clock);
  CHECK_EQ((*opened)->proposals_json(), bench.discovery->proposals_json());
}

TEST_CASE("fields beyond the room are counted and not told apart") {
  Bench bench;
  for (int event = 0; event < 8; ++event) {
    for (int i = 0; i < 100; ++i) {
      std::string inner = "{";
      for (int k = 0; k < 100; ++k) inner += fmt::format("{}\"k{}\":1", k == 0 ? "" : ",", k);
      bench.see(fmt::format("e{}", event), fmt::format(R"({{"f{}":{}}}}})", i, inner));
    }
  }
  std::size_t fields = 0;
  const std::string proposals = bench.discovery->proposals_json();
  for (std::size_t at = proposals.find("\"path\""); at != std::string::npos;
       at = proposals.find("\"path\"", at + 1))
    ++fields;
  CHECK_GT(fields, 40'000);
  CHECK_LE(fields, Discovery::kFieldsMax);
}

TEST_CASE("the format of what was learnt") {
  sim::SimDisk disk{1};
  sim::SimClock clock;
  const auto registry = *Registry::open(disk, {"web"});
  DiscoveryFeed feed;
  const auto discovery = *Discovery::open(disk, *registry, feed, clock);
  feed.offer({0, event::EventType::other, {5}, "Spin", R"({"properties":{"n":3}})"});
  discovery->turn();
  const auto bytes = disk::read_file(disk, "contracts/learnt");
  REQUIRE(bytes.ok());
  // Version, one alert, and of the event: its name, as clients write it, no contract, first and last seen.
  CHECK_EQ(static_cast<int>((*bytes)[0]), 1);
  const std::string head = std::string("\x04spin\x04Spin\x00\x0a\x0a\x01\x03web", 18);
  const std::size_t at = bytes->find(head);
  REQUIRE_NE(at, std::string::npos);
  // One object seen; of it one member, "n", an integer seen once with one example.
  const std::string profile(
      "\0\0\0\0\0\0\x01\0\0\0\x01\x01n\0\0\x01\0\0\0\0\0\0\x01\x01"
      "3\0\0\0",
      28);
  CHECK_EQ(bytes->substr(at + head.size(), profile.size()), profile);
}
