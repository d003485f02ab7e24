#include "privacy/personal_scan.h"

#include <doctest/doctest.h>

#include "privacy/personal_fixture.h"
#include "privacy/personal_forms.h"

using namespace millrace;
using namespace millrace::privacy;

TEST_CASE("a text without a place holds nothing") { CHECK(found_in({}).empty()); }

TEST_CASE("an identifier is no account number, whatever it begins with") {
  base::SeededRandom random(20261121);
  const std::string hex = "0123456789abcdef";
  int begun = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string id = round % 2 == 0 ? "be25" : "BA90";
    while (id.size() < 32) id += hex[random.below(16)];
    for (const std::size_t dash : {8, 13, 18, 23}) id.insert(dash, "-");
    begun += iban_end(id, 0) > 0 ? 1 : 0;
    REQUIRE_EQ(found_in("\"" + id + "\"").size(), 0);
  }
  CHECK(begun > 100);  // Which the form alone would have taken.
  CHECK_EQ(found_in("to BE68 5390 0754 7034."), one("iban BE68 5390 0754 7034"));
}

TEST_CASE("card numbers of every network are found, however they are written") {
  for (const char* number :
       {"4111111111111111", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117",
        "30569309025904", "3530111333300000", "6200000000000005", "4222222222222", "6759649826438453",
        "2200770239097761", "4917610000000000003"}) {
    CAPTURE(number);
    const std::string digits = number;
    CHECK_EQ(found_in("card " + digits + " ok"), one("card " + digits));
    CHECK_EQ(found_in("\"" + digits + "\""), one("card " + digits));
    CHECK_EQ(found_in("a" + digits + "z"), one("card " + digits));
    CHECK_EQ(found_in("https://s/pay?n=" + digits + "&x=1"), one("card " + digits));
    CHECK_EQ(found_in("%22" + digits + "%22"), one("card " + digits));
    for (const char* gap :
         {" ", "-", "  ", " - ", "+", "%20", "_", "\xc2\xa0", "\xe2\x80\x93", "\xe2\x80\xaf"}) {
      CAPTURE(gap);
      std::string apart, singly;
      for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && i % 4 == 0) apart += gap;
        if (i > 0) singly += gap;
        apart += digits[i];
        singly += digits[i];
      }
      CHECK_EQ(found_in("n:" + apart + ";"), one("card " + apart));
      CHECK_EQ(found_in("n:" + singly + ";"), one("card " + singly));
    }
  }
  CHECK_EQ(found_in("4111.1111.1111.1111"), one("card 4111.1111.1111.1111"));
  CHECK_EQ(found_in("3782.822463.10005"), one("card 3782.822463.10005"));
  // Between other numbers.
  CHECK_EQ(found_in("2 x 4111 1111 1111 1111 12/27 123"), one("card 4111 1111 1111 1111"));
  CHECK_EQ(found_in("17 4111111111111111 42"), one("card 4111111111111111"));
  CHECK_EQ(found_in("4111111111111111, 5555555555554444").size(), 2);
}

TEST_CASE("what only looks like a card number stays") {
  for (const char* text : {
           "1795255200000 ms",
           "1795255200000000",
           "20261121100000123",  // Times.
           "4111111111111112",
           "9111111111111111",  // Wrong digit, nobody's.
           "4006381333931",
           "5901234123457",                                 // Article numbers.
           "2026-11-21T10:00:00.000Z 2026-11-21 10:00:00",  //
           "4f111111-1111-4111-8111-111111111111",          // A UUID.
           "9e4111111111111111a0b1c2d3e4f5a6",              // A hash.
           "411111111111111",
           "[4111,1111,1111,1111]",
       }) {
    CAPTURE(text);
    CHECK(found_in(text, bit(Personal::card)).empty());
  }
}

TEST_CASE("emails, phones, IBANs and addresses are found") {
  CHECK_EQ(found_in("mail ada.lovelace+shop@mail.example.co.uk, please"),
           one("email ada.lovelace+shop@mail.example.co.uk"));
  CHECK_EQ(found_in("https://s/?email=ada%40example.com&x"), one("email ada%40example.com"));
  CHECK_EQ(found_in("?q%3Dada%2Bx%40example.com%26"), one("email ada%2Bx%40example.com"));
  CHECK_EQ(found_in("?next=https%3A%2F%2Fs%2F%3Fm%3Dada%2540example.com"), one("email ada%2540example.com"));
  CHECK_EQ(found_in("m=ada%252540example.com"), one("email ada%252540example.com"));
  CHECK_EQ(found_in("<ada@example.com>."), one("email ada@example.com"));
  CHECK_EQ(found_in(R"({"m":"see\nada@example.com"})"), one("email ada@example.com"));
  CHECK_EQ(found_in("j\xc3\xbcrgen@b\xc3\xbc"
                    "cher.de"),
           one("email j\xc3\xbcrgen@b\xc3\xbc"
               "cher.de"));
  CHECK_EQ(found_in("tel +49 (30) 901820-0."), one("phone +49 (30) 901820-0"));
  CHECK_EQ(found_in("\"+14155550132\""), one("phone +14155550132"));
  CHECK_EQ(found_in("tel%3A%2B14155550132"), one("phone %2B14155550132"));
  CHECK_EQ(found_in("tel%253A%252B14155550132"), one("phone %252B14155550132"));
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
  CHECK_EQ(found_in("iban DE89 3704 0044 0532 0130 00."), one("iban DE89 3704 0044 0532 0130 00"));
  CHECK_EQ(found_in("\"GB82WEST12345698765432\""), one("iban GB82WEST12345698765432"));
  CHECK_EQ(found_in("NO93 8601 1117 947"), one("iban NO93 8601 1117 947"));
  CHECK_EQ(found_in("from 192.0.2.77."), one("ip 192.0.2.77"));
  CHECK_EQ(found_in("http://203.0.113.9/x"), one("ip 203.0.113.9"));
  CHECK_EQ(found_in("\"2001:db8::8a2e:370:7334\""), one("ip 2001:db8::8a2e:370:7334"));
  CHECK_EQ(found_in("2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
           one("ip 2001:0db8:85a3:0000:0000:8a2e:0370:7334"));
  CHECK_EQ(found_in("\"1:2:3:4:5:6:7:8\""), one("ip 1:2:3:4:5:6:7:8"));
  CHECK_EQ(found_in("::ffff:192.0.2.1 "), one("ip ::ffff:192.0.2.1"));
  CHECK_EQ(found_in("a@b.io").size(), 1);
}

TEST_CASE("what only looks like an email, phone, IBAN or address stays") {
  for (const char* text : {
           "@shop",
           "follow @ada on x",
           "logo@2x.png",
           "npm i @scope/pkg@1.2.3",
           "user@localhost",
           "a@b",
           "@",
           "a@.com",
           "2026-11-21T10:00:00+01:00",
           "+0100",
           "1+4155550132",
           "a+14155550132",
           "+1234567",
           "+0415555013299",
           "+\uff10415555013299",
           "+14155550132xyz",
           "+14155550132x12345678",
           "+49 \u20ac 30 901820",
           "DE89370400440532013001",
           "DE8937040044053201300",
           "XX89370400440532013000",
           "ADE89370400440532013000",
           "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
           "Chrome/120.0.0.0 Safari/537.36",
           R"({"version":"1.2.3.4","build":"10.0.0.1"})",
           "1.2.3",
           "256.1.1.1",
           "1.2.3.4.5",
           "10.0.19041.1",
           "10:00:00.000",
           "std::string",
           "::1",
           "a::b",
           "12:34:56:78:9a:bc",
           "\"at\":\"10:00\"",
       }) {
    CAPTURE(text);
    CHECK(found_in(text).empty());
  }
}

TEST_CASE("a value is found wherever it stands to the blocks of the scan") {
  const std::pair<std::string, std::string> values[] = {
      {"4111 1111 1111 1111", "card"},
      {"ada@example.com", "email"},
      {"+49 30 9018200", "phone"},
      {"DE89370400440532013000", "iban"},
      {"192.0.2.77", "ip"},
      {"2001:db8::370:7334", "ip"},
      {"2001:db8:85a3:1:1:8a2e:370:7334", "ip"},
      {"4%20111%201111%201111%201111", "card"},
  };
  for (const auto& [value, kind] : values) {
    for (std::size_t before = 0; before < 140; ++before) {
      for (const std::size_t after : {0, 1, 70}) {
        const std::string text = std::string(before, ';') + value + std::string(after, ';');
        CAPTURE(text);
        CHECK_EQ(found_in(text), one(kind + " " + value));
      }
    }
  }
}

TEST_CASE("hostile text is scanned in time that grows with its size, and never read beyond its end") {
  constexpr std::uint64_t kSeed = 23;
  CAPTURE(kSeed);
  base::SeededRandom random(kSeed);
  for (int i = 0; i < 5'000; ++i) {
    const auto exact = hostile_text(random);
    const std::string_view text(exact.data(), exact.size());
    (void)found_in(text);
  }
  for (const char* unit : {"4 ", "4111 1111 ", "@", "a@a.", "1.", ":", "+1", "%40", "DE89",
                           "\xc2\xa0"
                           "4",
                           "0:"}) {
    std::string text;
    while (text.size() < 200'000) text += unit;
    (void)found_in(text);
  }
}
