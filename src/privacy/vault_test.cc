#include <doctest/doctest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "privacy/consent_gate.h"
#include "privacy/personal_gate.h"
#include "privacy/vault.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

using namespace millrace;
using namespace millrace::privacy;
using State = OpenedToken::State;
using event::Purpose;
using event::Purposes;
using event::Text;

namespace {

constexpr std::uint8_t kMarketing = Purposes::bit(Purpose::marketing);
constexpr std::uint8_t kAnalytics = Purposes::bit(Purpose::analytics);

Keys test_keys() {
  base::SeededRandom random(5);
  Keys keys = Keys::make(random, {1});
  keys.make_vault_key(random);
  return keys;
}

// A vault on a simulated disk, opened as often as wanted.
struct VaultRig {
  explicit VaultRig(std::uint64_t seed = 1) : disk(seed), random(seed) {
    rules = *VaultRules::parse("email:marketing, email:analytics, phone:marketing");
    REQUIRE(disk::make_directory_durably(disk, "v").ok());
    suppressions = *Suppressions::open(disk, "s", keys);
    open();
  }
  void open() {
    vault.reset();
    auto opened = Vault::open(disk, "v", rules, keys, *suppressions, random, clock);
    if (!opened.ok()) FAIL(opened.error().message());
    vault = *std::move(opened);
  }
  std::string seal(std::string_view id, std::string_view value, std::uint8_t purposes = kMarketing) {
    std::string token = token_of(keys.tokens[0], "email", value);
    vault->seal(vault->person(id), token, Personal::email, value, purposes);
    vault->grant(vault->person(id), purposes);
    return token;
  }
  OpenedToken ask(const std::string& token, Purpose purpose = Purpose::marketing) {
    const auto opened = vault->open_tokens({token}, purpose, "test");
    REQUIRE(opened.ok());
    return opened->front();
  }
  // Everything that is in the directory.
  std::string all_bytes() const {
    std::string all;
    for (const char* name : {"v/persons", "v/values", "v/openings"}) {
      if (const auto text = disk::read_file(disk, name); text.ok()) all += *text;
    }
    return all;
  }

  sim::SimDisk disk;
  base::SeededRandom random;
  sim::SimClock clock;
  Keys keys = test_keys();
  VaultRules rules;
  std::unique_ptr<Suppressions> suppressions;
  std::unique_ptr<Vault> vault;
};

}  // namespace

TEST_CASE("rules of the vault name a kind and a purpose") {
  CHECK_FALSE(VaultRules::parse("")->any());
  const auto rules = VaultRules::parse(" email:marketing,ip:necessary ,email:analytics");
  REQUIRE(rules.ok());
  CHECK_EQ(rules->purposes[static_cast<std::size_t>(Personal::email)], kMarketing | kAnalytics);
  CHECK_EQ(rules->purposes[static_cast<std::size_t>(Personal::ip)], Purposes::bit(Purpose::necessary));
  for (const char* wrong :
       {"card:marketing", "email", "email:fun", "email:marketing:x", ",email:marketing", "mail:marketing"}) {
    CAPTURE(wrong);
    CHECK_FALSE(VaultRules::parse(wrong).ok());
  }
}

TEST_CASE("what was sealed opens with its own key, nonce and associated data alone") {
  base::SeededRandom random(3);
  KeyBytes key, other;
  fill_random(random, key.data(), key.size());
  fill_random(random, other.data(), other.size());
  const Sealed sealed = seal(key, random, "who", "ada@example.com");
  CHECK_EQ(*unseal(key, sealed.nonce, "who", sealed.bytes), "ada@example.com");
  CHECK_FALSE(unseal(other, sealed.nonce, "who", sealed.bytes).ok());
  CHECK_FALSE(unseal(key, sealed.nonce, "whom", sealed.bytes).ok());
  CHECK_FALSE(unseal(key, {}, "who", sealed.bytes).ok());
  for (std::size_t i = 0; i < sealed.bytes.size(); ++i) {
    std::string flipped = sealed.bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CHECK_FALSE(unseal(key, sealed.nonce, "who", flipped).ok());
    CHECK_FALSE(unseal(key, sealed.nonce, "who", sealed.bytes.substr(0, i)).ok());
  }
  CHECK(seal(key, random, "who", "ada@example.com").nonce != sealed.nonce);
  CHECK_EQ(*unseal(key, sealed.nonce, "who", sealed.bytes), *unseal(key, sealed.nonce, "who", sealed.bytes));
  // Test case 16 of McGrew and Viega's GCM submission, whose key, nonce, data and text are given here.
  const auto bytes = [](std::string_view hex) {
    std::string out;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < hex.size(); i += 2)
      out += static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1]));
    return out;
  };
  KeyBytes golden;
  const std::string golden_key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  std::ranges::copy(golden_key, golden.begin());
  Nonce nonce;
  std::ranges::copy(bytes("cafebabefacedbaddecaf888"), nonce.begin());
  const auto opened = unseal(golden, nonce, bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                             bytes("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e485"
                                   "90dbb3da7b08b1056828838c5f61e639"
                                   "3ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"));
  REQUIRE(opened.ok());
  CHECK_EQ(
      *opened,
      bytes(
          "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b1"
          "6aedf5aa0de657ba637b39"));
}

TEST_CASE("a value opens for the purposes that it was sealed and is granted for, and nobody else reads it") {
  VaultRig rig;
  const std::string token = rig.seal("ada", "ada@example.com");
  CHECK_EQ(rig.ask(token).state, State::unknown);  // Not durable yet.
  REQUIRE(rig.vault->sync().ok());
  const OpenedToken opened = rig.ask(token);
  CHECK_EQ(opened.state, State::opened);
  CHECK_EQ(opened.value, "ada@example.com");
  CHECK_EQ(rig.ask(token, Purpose::analytics).state, State::not_granted);
  CHECK_EQ(rig.ask("tok_1_00000000000000000000000000000000").state, State::unknown);
  CHECK_EQ(rig.ask("4111").state, State::unknown);
  CHECK(rig.all_bytes().find("ada@") == std::string::npos);
  CHECK(rig.all_bytes().find("4111") == std::string::npos);
  // Granted for more later, and then for nothing.
  (void)rig.seal("ada", "ada@example.com", kMarketing | kAnalytics);
  REQUIRE(rig.vault->sync().ok());
  CHECK_EQ(rig.ask(token, Purpose::analytics).state, State::opened);
  CHECK(rig.vault->grant(rig.vault->person("ada"), 0));
  CHECK_FALSE(rig.vault->grant(rig.vault->person("ada"), 0));
  CHECK_FALSE(rig.vault->grant(rig.vault->person("nobody"), 0));
  REQUIRE(rig.vault->sync().ok());
  CHECK_EQ(rig.ask(token).state, State::not_granted);
  rig.open();
  CHECK_EQ(rig.ask(token).state, State::not_granted);
  CHECK_EQ(rig.vault->figures().values, 1);
  const auto openings = rig.vault->openings();
  REQUIRE_GE(openings.size(), 2);
  CHECK_EQ(openings[0].token, token);
  CHECK_EQ(openings[0].who, "test");
  CHECK_EQ(openings.back().state, State::unknown);
}

TEST_CASE("a value shared by two persons opens until both are erased, and a suppressed person's does not") {
  VaultRig rig;
  const std::string token = rig.seal("ada", "home@example.com");
  CHECK_EQ(rig.seal("bob", "home@example.com"), token);
  REQUIRE(rig.vault->sync().ok());
  CHECK_EQ(rig.vault->figures().persons, 2);
  REQUIRE(*rig.suppressions->add("bob", {1}));
  CHECK_EQ(rig.ask(token).state, State::opened);
  REQUIRE(*rig.vault->erase("ada"));
  CHECK_EQ(rig.ask(token).state, State::suppressed);
  REQUIRE(*rig.suppressions->remove("bob", {1}));
  CHECK_EQ(rig.ask(token).state, State::opened);
  REQUIRE(*rig.suppressions->add("HOME@example.com", {1}));
  CHECK_EQ(rig.ask(token).state, State::suppressed);
  REQUIRE(*rig.suppressions->remove("home@example.com", {1}));
  REQUIRE(*rig.vault->erase("bob"));
  CHECK_EQ(rig.ask(token).state, State::gone);
  CHECK_FALSE(*rig.vault->erase("bob"));
}

TEST_CASE("an erased person's key is in no byte of the directory, and a copy of it opens nothing") {
  VaultRig rig;
  const std::string ada = rig.seal("ada", "ada@example.com");
  const std::string bob = rig.seal("bob", "bob@example.com");
  REQUIRE(rig.vault->sync().ok());
  const auto places = [&] { return *disk::read_file(rig.disk, "v/persons"); };
  const std::string before = places();
  const std::string values = *disk::read_file(rig.disk, "v/values");
  REQUIRE_EQ(before.size(), 3 * 128);
  REQUIRE(*rig.vault->erase("ada"));
  const std::string after = places();
  // One place is empty, the other as it was.
  const std::size_t erased = after.substr(128, 128) == std::string(128, '\0') ? 128 : 256;
  CHECK_EQ(after.substr(erased, 128), std::string(128, '\0'));
  CHECK_EQ(after.substr(384 - erased, 128), before.substr(384 - erased, 128));
  for (std::size_t at = 0; at + 8 <= 76; ++at) {
    CHECK(rig.all_bytes().find(before.substr(erased + 16 + at, 8)) == std::string::npos);
  }
  CHECK_EQ(*disk::read_file(rig.disk, "v/values"), values);  // What is sealed may stay.
  rig.disk.crash();
  rig.open();
  CHECK_EQ(rig.ask(ada).state, State::gone);
  CHECK_EQ(rig.ask(bob).state, State::opened);
  // Who comes back has a new key, under which the old values do not open.
  CHECK_EQ(rig.seal("ada", "ada@example.org"), token_of(rig.keys.tokens[0], "email", "ada@example.org"));
  REQUIRE(rig.vault->sync().ok());
  CHECK_EQ(rig.ask(ada).state, State::gone);
  CHECK_EQ(rig.ask(token_of(rig.keys.tokens[0], "email", "ada@example.org")).state, State::opened);
}

TEST_CASE("another master key, or a damaged file, refuses to open rather than losing keys") {
  VaultRig rig;
  const std::string token = rig.seal("ada", "ada@example.com");
  REQUIRE(rig.vault->sync().ok());
  rig.vault.reset();
  Keys other = rig.keys;
  base::SeededRandom random(99);
  other.make_vault_key(random);
  const auto refused = Vault::open(rig.disk, "v", rig.rules, other, *rig.suppressions, rig.random, rig.clock);
  REQUIRE_FALSE(refused.ok());
  CHECK_EQ(refused.error().code(), base::ErrorCode::invalid_argument);
  REQUIRE(rig.disk.damage("v/values", 0, std::byte{1}));
  CHECK_FALSE(Vault::open(rig.disk, "v", rig.rules, rig.keys, *rig.suppressions, rig.random, rig.clock).ok());
  REQUIRE(rig.disk.damage("v/values", 0, std::byte{1}));
  rig.open();
  CHECK_EQ(rig.ask(token).state, State::opened);
}

TEST_CASE("a full vault takes no more, and says so") {
  VaultRig rig;
  rig.rules.values_max = 2;
  rig.open();
  (void)rig.seal("a", "a@example.com");
  (void)rig.seal("b", "b@example.com");
  const std::string third = rig.seal("c", "c@example.com");
  REQUIRE(rig.vault->sync().ok());
  CHECK_EQ(rig.ask(third).state, State::unknown);
  CHECK_EQ(rig.vault->figures().full, 1);
  CHECK_EQ(rig.vault->figures().values, 2);
}

TEST_CASE("the gate seals what the person grants, once, and tokens stand in the event all the same") {
  VaultRig rig;
  KeyRing ring(rig.keys);
  PersonalRules rules;
  PrivacyCounters counters;
  http::Request request;
  PersonalGate gate(rules, ring, counters, rig.vault.get());
  gate.begin(request);
  const auto inspect = [&](std::string_view raw, std::string_view user, std::uint8_t granted) {
    event::Event event;
    event.raw = raw;
    event[Text::user_id] = user;
    event[Text::anonymous_id] = "anon";
    event.purposes = {granted, true};
    (void)gate.inspect(event);
    REQUIRE(gate.finish().ok());
    return std::string(event.raw);
  };
  const std::string raw =
      inspect(R"({"mail":"Ada@Example.com","tel":"+49 30 9018200","card":"4111111111111111"})", "u-1",
              Purposes::kAll);
  const auto token = [&](std::string_view name) {
    return raw.substr(raw.find(std::string(name) + "\":\"") + name.size() + 3, 38);
  };
  CHECK_EQ(rig.ask(token("mail")).value, "ada@example.com");
  CHECK_EQ(rig.ask(token("tel")).value, "+49309018200");
  CHECK_EQ(rig.ask(token("card")).state, State::unknown);
  const std::string values = *disk::read_file(rig.disk, "v/values");
  (void)inspect(R"({"again":"ada@example.com"})", "u-1", Purposes::kAll);
  CHECK_EQ(*disk::read_file(rig.disk, "v/values"), values);
  // Another person who grants nothing; one who is not named; an item in quarantine.
  (void)inspect(R"({"mail":"bob@example.com"})", "u-2", Purposes::bit(Purpose::necessary));
  (void)inspect(R"({"mail":"eve@example.com"})", "", Purposes::bit(Purpose::necessary));
  event::QuarantinedItem item;
  item.raw = R"({"mail":"dan@example.com"})";
  gate.cleanse(item);
  CHECK(gate.finish().ok());
  CHECK_EQ(*disk::read_file(rig.disk, "v/values"), values);
  CHECK_EQ(rig.vault->figures().persons, 1);
  // The first takes it back.
  (void)inspect("{}", "u-1", Purposes::bit(Purpose::necessary));
  CHECK_EQ(rig.ask(token("mail")).state, State::not_granted);
  // Without a user id the anonymous one says who it is.
  (void)inspect(R"({"mail":"zoe@example.com"})", "", Purposes::kAll);
  CHECK(*rig.vault->erase("anon"));
}

TEST_CASE("whoever withdraws consent closes the vault, whatever is done with the event that says so") {
  for (const auto denied :
       {ConsentAction::store, ConsentAction::pseudonymise, ConsentAction::anonymise, ConsentAction::drop}) {
    CAPTURE(static_cast<int>(denied));
    VaultRig rig;
    KeyRing ring(rig.keys);
    ConsentRules rules;
    rules.otherwise.when_denied = denied;
    PersonalRules personal;
    PrivacyCounters counters;
    http::Request request;
    ConsentGate consent(rules, ring, counters, rig.vault.get());
    PersonalGate gate(personal, ring, counters, rig.vault.get());
    const auto pass = [&](std::string raw, std::string_view extra) {
      consent.begin(request);
      gate.begin(request);
      event::Event event;
      event.raw = raw;
      event[Text::user_id] = "katherine";
      event[Text::extra] = extra;
      if (consent.inspect(event).ruling == collect::Ruling::pass) (void)gate.inspect(event);
      REQUIRE(consent.finish().ok());
      REQUIRE(gate.finish().ok());
      return std::string(event.raw);
    };
    const std::string raw = pass(R"({"mail":"kat@example.com"})", "");
    const std::string token = raw.substr(9, 38);
    REQUIRE_EQ(rig.ask(token).value, "kat@example.com");
    // Marketing goes on; what came without analytics is under no person's name that could be erased.
    (void)pass(R"({"mail":"kim@example.com"})",
               R"({"context":{"consent":{"categoryPreferences":{"Analytics":false,"Marketing":true}}}})");
    CHECK_EQ(rig.ask(token).state, State::opened);
    CHECK_EQ(rig.vault->figures().persons, 1);
    (void)pass("{}",
               R"({"context":{"consent":{"categoryPreferences":{"Analytics":false,"Marketing":false}}}})");
    CHECK_EQ(rig.ask(token).state, State::not_granted);
    CHECK(*rig.vault->erase("katherine"));
    CHECK_EQ(rig.ask(token).state, State::gone);
  }
}

TEST_CASE("whenever the power goes, what was synced opens and what was erased does not") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    VaultRig rig(seed);
    base::SeededRandom random(seed * 7919);
    std::map<std::string, std::pair<std::string, std::string>> promised;  // Token: person and value.
    std::set<std::string> gone;                                           // Tokens of the erased.
    std::map<std::string, std::pair<std::string, std::string>> sealed;    // Not promised yet.
    for (int life = 0; life < 4; ++life) {
      rig.disk.cut_after(random.below(60));
      for (int step = 0; step < 40; ++step) {
        const std::string person = "person-" + std::to_string(random.below(8));
        const std::uint64_t choice = random.below(10);
        if (choice < 6) {
          const std::string value = "v" + std::to_string(random.below(30)) + "@" + person + ".example";
          const std::string token = rig.seal(person, value);
          if (!promised.contains(token)) sealed[token] = {person, value};
        } else if (choice < 9) {
          if (!rig.vault->sync().ok()) break;
          for (const auto& [token, of] : sealed) {
            promised[token] = of;
            gone.erase(token);
          }
          sealed.clear();
        } else {
          const auto erased = rig.vault->erase(person);
          // What was under way may be either.
          std::erase_if(sealed, [&](const auto& entry) { return entry.second.first == person; });
          for (auto at = promised.begin(); at != promised.end();) {
            if (at->second.first != person) {
              ++at;
              continue;
            }
            if (erased.ok()) gone.insert(at->first);
            at = promised.erase(at);
          }
          if (!erased.ok()) break;
        }
      }
      rig.vault.reset();
      if (random.chance(0.7)) {
        rig.disk.crash();
      } else {
        rig.disk.restart();
      }
      rig.suppressions = *Suppressions::open(rig.disk, "s", rig.keys);
      rig.open();
      // Sealed again after the erasure, and perhaps on the disk.
      for (const auto& [token, of] : sealed) gone.erase(token);
      sealed.clear();
      for (const auto& [token, of] : promised) {
        const OpenedToken opened = rig.ask(token);
        REQUIRE_EQ(opened.state, State::opened);
        REQUIRE_EQ(opened.value, of.second);
      }
      for (const auto& token : gone) REQUIRE_NE(rig.ask(token).state, State::opened);
    }
  }
}
