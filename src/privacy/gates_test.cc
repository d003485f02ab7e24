#include <doctest/doctest.h>

#include "base/random.h"
#include "privacy/bot_gate.h"
#include "privacy/sip_hash.h"
#include "privacy/suppression_gate.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::privacy;
using event::BotReason;
using event::Text;

namespace {

Keys test_keys() {
  base::SeededRandom random(5);
  return Keys::make(random, {1});
}

constexpr std::string_view kChrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36";

struct BotRig {
  explicit BotRig(BotRules given = {}) : rules(given), gate(rules, list, networks, pace, counters) {}
  static constexpr std::string_view kPatterns[] = {"Googlebot\\/", "[wW]get", "(?i)curl"};
  BotRules rules;
  BotList list{kPatterns};
  Networks networks = *Networks::parse("203.0.113.0/24\n!203.0.113.7\n2001:db8::/32\n");
  VisitorPace pace;
  PrivacyCounters counters;
  BotGate gate;
  event::Event event;

  void inspect(std::string_view agent, std::int64_t at_ms = 0,
               event::EventType type = event::EventType::page_viewed) {
    event = {};
    event.type = type;
    event.event_time.ms = at_ms;
    event[Text::anonymous_id] = "v";
    event[Text::user_agent] = agent;
    REQUIRE(gate.inspect(event).ruling == collect::Ruling::pass);
  }
  bool has(BotReason reason) const { return event.bot_reasons >> static_cast<unsigned>(reason) & 1u; }
};

}  // namespace

// The reference implementation's vectors for 128 bits: key 00..0f, input 00..(n-1).
TEST_CASE("SipHash-2-4-128 is the golden one") {
  std::uint8_t key[16];
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  const auto bytes = [](const base::Hash128& hash) {
    std::string out(16, '\0');
    std::memcpy(out.data(), &hash.low, 8);
    std::memcpy(out.data() + 8, &hash.high, 8);
    return out;
  };
  CHECK_EQ(bytes(sip_hash(key, "")), "\xa3\x81\x7f\x04\xba\x25\xa8\xe6\x6d\xf6\x72\x14\xc7\x55\x02\x93");
  CHECK_EQ(bytes(sip_hash(key, std::string_view("\0", 1))),
           "\xda\x87\xc1\xd8\x6b\x99\xaf\x44\x34\x76\x59\x11\x9b\x22\xfc\x45");
}

TEST_CASE("suppressed ids survive a crash, hashed, and are gone when taken back") {
  sim::SimDisk disk(1);
  REQUIRE(disk::make_directory_durably(disk, "privacy").ok());
  const Keys keys = test_keys();
  {
    auto opened = Suppressions::open(disk, "privacy/suppressions", keys);
    REQUIRE(opened.ok());
    auto& list = **opened;
    CHECK_FALSE(list.any());
    CHECK(*list.add("user-1", {10}));
    CHECK(*list.add("Ada@Example.com ", {11}));
    CHECK_FALSE(*list.add("ada@example.com", {12}));
    CHECK(*list.add("gone", {13}));
    CHECK(*list.remove("gone", {14}));
    CHECK_FALSE(*list.remove("never", {14}));
    CHECK_FALSE(list.add("", {15}).ok());
    CHECK_EQ(list.size(), 2);
  }
  disk.crash();
  const auto text = disk::read_file(disk, "privacy/suppressions");
  REQUIRE(text.ok());
  CHECK(text->find("user-1") == std::string::npos);
  CHECK(text->find("xample") == std::string::npos);
  const auto reopened = Suppressions::open(disk, "privacy/suppressions", keys);
  REQUIRE(reopened.ok());
  CHECK((*reopened)->has("user-1"));
  CHECK((*reopened)->has("ada@example.com"));
  CHECK_FALSE((*reopened)->has("gone"));
  CHECK_FALSE((*reopened)->has("USER-1"));
  REQUIRE_EQ((*reopened)->list().size(), 2);
  CHECK_EQ((*reopened)->list()[0].since.ms, 10);
  CHECK_EQ((*reopened)->list()[0].id, sip_hash(keys.suppression.data(), "user-1"));
}

TEST_CASE("a torn line at the end of the suppressions is left out, a damaged file is refused") {
  sim::SimDisk disk(2);
  const Keys keys = test_keys();
  const std::string line = "+ " + std::string(32, 'a') + " 5\n";
  REQUIRE(disk::write_file_atomically(disk, "s", line + "+ aaaa").ok());
  const auto opened = Suppressions::open(disk, "s", keys);
  REQUIRE(opened.ok());
  CHECK_EQ((*opened)->size(), 1);
  CHECK_EQ(*disk::read_file(disk, "s"), line);
  REQUIRE(disk::write_file_atomically(disk, "t", "nonsense\n").ok());
  CHECK_FALSE(Suppressions::open(disk, "t", keys).ok());
}

TEST_CASE("an event of a suppressed person is suppressed by any of their ids, at once") {
  sim::SimDisk disk(3);
  auto list = *Suppressions::open(disk, "s", test_keys());
  PrivacyCounters counters;
  SuppressionGate gate(*list, counters);
  const auto ruling = [&](std::string_view raw, std::string_view extra, std::string_view user) {
    event::Event event;
    event.raw = raw;
    event[Text::extra] = extra;
    event[Text::user_id] = user;
    event[Text::anonymous_id] = "other";
    return gate.inspect(event).ruling;
  };
  constexpr std::string_view kRaw =
      R"({"traits":{"contact":"Ada@example.com"},"context":{"device":{"id":"D1"}},"properties":{"id":"P1"}})";
  CHECK(ruling(kRaw, "", "u1") == collect::Ruling::pass);
  for (const char* id : {"u1", "other", "ada@EXAMPLE.com", "D1"}) {
    CAPTURE(id);
    REQUIRE(*list->add(id, {1}));
    CHECK(ruling(kRaw, "", "u1") == collect::Ruling::suppress);
    REQUIRE(*list->remove(id, {1}));
    CHECK(ruling(kRaw, "", "u1") == collect::Ruling::pass);
  }
  for (const char* name : {"nuid", "tnuid", "appleIdfa", "appleIdfv", "androidIdfa", "app_instance_id"}) {
    CAPTURE(name);
    const std::string raw = std::string(R"({"co":{"data":[{"data":{")") + name + R"(":"S1"}}]}})";
    REQUIRE(*list->add("S1", {1}));
    CHECK(ruling(raw, "", "u1") == collect::Ruling::suppress);
    REQUIRE(*list->remove("S1", {1}));
  }
  // A product's id is nobody's.
  REQUIRE(*list->add("P1", {1}));
  CHECK(ruling(kRaw, "", "u1") == collect::Ruling::pass);
  REQUIRE(*list->add("D2", {1}));
  CHECK(ruling("{}", R"({"context":{"device":{"id":"D2"}}})", "u1") == collect::Ruling::suppress);
  event::QuarantinedItem item;
  item.raw = R"({"context":{"device":{"id":"D2"}}})";
  gate.cleanse(item);
  CHECK(item.raw.empty());
}

TEST_CASE("a listed user agent is a bot's, and its orders count all the same") {
  BotRig rig;
  rig.inspect(kChrome);
  CHECK_EQ(rig.event.bot_score, 0);
  CHECK_FALSE(rig.event.has(event::Flag::bot));
  rig.inspect("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)");
  CHECK_EQ(rig.event.bot_score, 100);
  CHECK(rig.has(BotReason::user_agent));
  CHECK(rig.event.has(event::Flag::bot));
  rig.inspect("Wget/1.20", 0, event::EventType::order_completed);
  CHECK_EQ(rig.event.bot_score, 100);
  CHECK_FALSE(rig.event.has(event::Flag::bot));
  CHECK_EQ(rig.counters.bots_spared.load(), 1);
  rig.inspect("ShopApp/3.1 (iPhone)");
  CHECK(rig.has(BotReason::no_browser));
  CHECK_FALSE(rig.event.has(event::Flag::bot));
  rig.inspect(
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 "
      "Safari/537.36");
  CHECK(rig.has(BotReason::headless));
  CHECK_FALSE(rig.event.has(event::Flag::bot));
}

TEST_CASE("a request's user agent speaks for its events only when it is a browser's") {
  BotRig rig;
  http::Request request;
  request.headers.emplace_back("User-Agent", "curl/8.1");
  rig.gate.begin(request);
  rig.inspect("");
  CHECK_EQ(rig.event.bot_score, 0);
  rig.inspect("curl/8.1");
  CHECK_EQ(rig.event.bot_score, 0);
  request.headers[0].second = "Mozilla/5.0 (compatible; Googlebot/2.1)";
  rig.gate.begin(request);
  rig.inspect("");
  CHECK_EQ(rig.event.bot_score, 100);
  rig.inspect(kChrome);
  CHECK_EQ(rig.event.bot_score, 0);
}

TEST_CASE("who says to be a browser and does not behave as one is suspected, with data centres for certain") {
  BotRig rig;
  http::Request request;
  const auto inspect = [&](std::string_view agent, std::string_view ip) {
    rig.gate.begin(request);
    rig.event = {};
    rig.event[Text::anonymous_id] = "v";
    rig.event[Text::user_agent] = agent;
    rig.event[Text::ip] = ip;
    REQUIRE(rig.gate.inspect(rig.event).ruling == collect::Ruling::pass);
  };
  request.headers = {{"Host", "shop"}, {"User-Agent", kChrome}, {"Accept-Language", "de"}};
  inspect("", "198.51.100.1");
  CHECK_EQ(rig.event.bot_score, 0);
  CHECK_EQ(rig.event.bot_reasons, 0);
  inspect("", "203.0.113.6");
  CHECK_EQ(rig.event.bot_score, 50);
  CHECK(rig.has(BotReason::data_centre));
  CHECK_FALSE(rig.event.has(event::Flag::bot));
  inspect("", "203.0.113.7");
  CHECK_EQ(rig.event.bot_score, 0);
  request.headers = {{"Host", "shop"}, {"User-Agent", kChrome}};
  inspect(kChrome, "198.51.100.1");
  CHECK_EQ(rig.event.bot_score, 30);
  CHECK(rig.has(BotReason::no_browser));
  inspect("", "2001:db8::9");
  CHECK(rig.event.has(event::Flag::bot));
  // An event of someone else's browser, forwarded.
  inspect("Mozilla/5.0 (iPhone)", "198.51.100.1");
  CHECK_EQ(rig.event.bot_score, 0);
  request.headers = {{"User-Agent", kChrome}};
  inspect("", "");
  CHECK_EQ(rig.event.bot_score, 50);
  request.headers = {{"Host", "shop"},
                     {"User-Agent", kChrome},
                     {"Accept-Language", "de"},
                     {"Sec-CH-UA", "\"HeadlessChrome\";v=\"126\""}};
  inspect("", "");
  CHECK_EQ(rig.event.bot_score, 60);
  CHECK(rig.has(BotReason::headless));
  // A shop's server that forwards events is no browser and is held to nothing.
  request.headers = {{"User-Agent", "node"}};
  inspect("", "");
  CHECK_EQ(rig.event.bot_score, 0);
}

TEST_CASE("who makes more events than a person can is a bot, by the events' own time") {
  BotRig rig({.score_min = 70, .events_per_minute_max = 100});
  for (int i = 0; i < 100; ++i) rig.inspect(kChrome, i * 17 % 60'000);
  CHECK_FALSE(rig.event.has(event::Flag::bot));
  rig.inspect(kChrome, 59'000);
  CHECK(rig.event.has(event::Flag::bot));
  CHECK(rig.has(BotReason::rate));
  rig.inspect(kChrome, 60'001);
  CHECK_EQ(rig.event.bot_score, 0);
}

TEST_CASE("an even beat alone is no bot, but counts") {
  BotRig rig;
  for (int i = 0; i < 40; ++i) rig.inspect(kChrome, i * 10'000);
  CHECK(rig.has(BotReason::regularity));
  CHECK_FALSE(rig.event.has(event::Flag::bot));
  for (int i = 0; i < 40; ++i) rig.inspect("ShopApp/1", i * 10'000 + 1'000'000);
  CHECK(rig.event.has(event::Flag::bot));
}

TEST_CASE("the published list compiles, knows its own examples and lets browsers through") {
  if (crawler_patterns().empty()) {
    MESSAGE("SKIPPED: built without web/bots/node_modules");
    return;
  }
  const BotList list(crawler_patterns());
  CHECK_GT(list.patterns(), 500);
  CHECK_EQ(list.patterns_refused(), 0);
  for (const char* agent :
       {"Googlebot/2.1 (+http://www.google.com/bot.html)", "Mozilla/5.0 (compatible; bingbot/2.0)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", "curl/8.1.2",
        "python-requests/2.31.0", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"}) {
    CAPTURE(agent);
    CHECK(list.is_listed(agent));
  }
  for (const char* agent : {kChrome.data(),
                            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
                            "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
                            "Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                            "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like "
                            "Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"}) {
    CAPTURE(agent);
    CHECK_FALSE(list.is_listed(agent));
  }
}
