#include "privacy/networks.h"

#include <doctest/doctest.h>

#include <string>

#include "base/random.h"

using namespace millrace;
using namespace millrace::privacy;

TEST_CASE("addresses are read as they are written, and nothing else is one") {
  CHECK(Address::parse("1.2.3.4") == Address{0, 0xffff01020304});
  CHECK(Address::parse("::ffff:1.2.3.4") == Address{0, 0xffff01020304});
  CHECK(Address::parse("::") == Address{0, 0});
  CHECK(Address::parse("::1") == Address{0, 1});
  CHECK(Address::parse("2001:db8::1:2") == Address{0x20010db800000000, 0x10002});
  CHECK(Address::parse("1:2:3:4:5:6:7:8") == Address{0x1000200030004, 0x5000600070008});
  CHECK(Address::parse("1:2:3:4:5:6:7::") == Address{0x1000200030004, 0x5000600070000});
  CHECK(Address::parse("64:ff9b::192.0.2.33") == Address{0x64ff9b00000000, 0xc0000221});
  for (const char* wrong :
       {"", "1.2.3", "1.2.3.256", "1.2.3.4.5", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "12345::", "g::", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "localhost", " 1.2.3.4"}) {
    CAPTURE(wrong);
    CHECK_FALSE(Address::parse(wrong).has_value());
  }
}

TEST_CASE("the longest prefix decides, and lines that are no network are refused by number") {
  const auto networks = Networks::parse(
      "# published ranges\n203.0.113.0/24 a "
      "cloud\n!203.0.113.64/26\n203.0.113.70\n2001:db8::/32\n!2001:db8:1::/48\r\n\n10.0.0.0/8#x");
  REQUIRE(networks.ok());
  CHECK_EQ(networks->size(), 6);
  for (const char* inside : {"203.0.113.0", "203.0.113.255", "203.0.113.70", "::ffff:203.0.113.1",
                             "2001:db8::1", "10.255.255.255"}) {
    CAPTURE(inside);
    CHECK(networks->has(inside));
  }
  for (const char* outside : {"203.0.113.64", "203.0.113.71", "203.0.114.0", "203.0.112.255", "2001:db8:1::5",
                              "2001:db9::", "11.0.0.0", "nonsense", ""}) {
    CAPTURE(outside);
    CHECK_FALSE(networks->has(outside));
  }
  for (const char* wrong : {"1.2.3.4/33", "1.2.3.0/", "x", "1.2.3.4/-1", "::/129", "!/8", "1.2.3.4/8x"}) {
    CAPTURE(wrong);
    const auto refused = Networks::parse("10.0.0.0/8\n" + std::string(wrong));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message().find("line 2") != std::string::npos);
  }
  CHECK(Networks::parse("0.0.0.0/0")->has("255.255.255.255"));
  CHECK_FALSE(Networks::parse("0.0.0.0/0")->has("2001:db8::1"));
  CHECK(Networks::parse("::/0")->has("1.2.3.4"));
  CHECK(Networks::parse("::/0")->has("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

TEST_CASE("random networks in networks say of each address what the longest prefix among all says") {
  constexpr std::uint64_t kSeed = 20261124;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  struct One {
    std::uint32_t from;
    int prefix;
    bool inside;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<One> all;
    std::string text;
    // Few different bits, so that networks lie in each other, touch and repeat.
    const auto address = [&] {
      return static_cast<std::uint32_t>(random.below(16) << 28 | random.below(4) << 20 | random.below(4));
    };
    const auto dotted = [](std::uint32_t a) {
      return std::to_string(a >> 24) + "." + std::to_string(a >> 16 & 255) + "." +
             std::to_string(a >> 8 & 255) + "." + std::to_string(a & 255);
    };
    for (std::uint64_t i = random.below(30); i > 0; --i) {
      const One one{address(), static_cast<int>(random.below(33)), random.chance(0.6)};
      all.push_back(one);
      text += (one.inside ? "" : "!") + dotted(one.from) + "/" + std::to_string(one.prefix) + "\n";
    }
    const auto networks = Networks::parse(text);
    REQUIRE(networks.ok());
    for (int i = 0; i < 200; ++i) {
      const std::uint32_t at = address() + static_cast<std::uint32_t>(random.below(3)) - 1;
      int longest = -1;
      bool inside = false;
      for (const One& one : all) {
        const std::uint32_t mask = one.prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - one.prefix);
        // Of the same network said twice the later counts.
        if ((at & mask) != (one.from & mask) || one.prefix < longest) continue;
        longest = one.prefix;
        inside = one.inside;
      }
      CAPTURE(text);
      REQUIRE_EQ(networks->has(dotted(at)), inside);
    }
  }
}
