#include "event/money.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "base/random.h"

using namespace millrace::event;

namespace {
std::string read(std::string_view text) {
  const auto parsed = parse_money(text);
  return parsed.ok() ? to_string(parsed->money) : "unreadable";
}
}  // namespace

TEST_CASE("amounts are read as clients write them") {
  struct Case {
    std::string_view text;
    std::string_view value;
  };
  for (const auto& [text, value] :
       {Case{"12", "12"}, Case{"12.50", "12.5"}, Case{"-3", "-3"}, Case{"1e3", "1000"},
        Case{"1.5E-2", "0.015"}, Case{"1,234.50", "1234.5"}, Case{"1.234,50", "1234.5"}, Case{"12,5", "12.5"},
        Case{"1,234", "1234"}, Case{"1.234", "1.234"}, Case{" $ 9.99 ", "9.99"}, Case{"9.99 EUR", "9.99"},
        Case{"-$5", "-5"}, Case{"1'234.5", "1234.5"}, Case{"1,234,567", "1234567"},
        Case{"1.234.567", "1234567"}, Case{".5", "0.5"}, Case{"0.000001", "0.000001"},
        Case{"9999999999", "9999999999"}}) {
    CAPTURE(text);
    CHECK_EQ(read(text), value);
  }
}

TEST_CASE("an amount without signs reads as the same with one") {
  constexpr std::uint64_t kSeed = 20261121;
  CAPTURE(kSeed);
  millrace::base::SeededRandom random(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const auto digits = [&](std::uint64_t count) {
      while (count-- > 0) text += static_cast<char>('0' + random.below(10));
    };
    digits(1 + random.below(20));
    if (random.below(3) != 0) {
      text += '.';
      digits(random.below(9));
    }
    CAPTURE(text);
    REQUIRE_EQ(read(text), read("+" + text));
  }
}

TEST_CASE("what is not an amount is refused") {
  for (const std::string_view text :
       {"", "abc", "-", "1.2.3", "1,23,4.5", "12-3", "1e99999", "9300000000000", "1000000000000", "-1e12",
        "999999999999.9999995", "1e13", "NaN", "12345678901234567890123", "1 2"}) {
    CAPTURE(text);
    CHECK_EQ(read(text), "unreadable");
  }
}

TEST_CASE("more than six decimals are rounded half away from zero, and said to be") {
  const auto up = parse_money("0.0000005");
  REQUIRE(up.ok());
  CHECK_EQ(up->money.micros, 1);
  CHECK(up->loss == MoneyLoss::rounded);
  CHECK_EQ(parse_money("-0.0000005")->money.micros, -1);
  CHECK_EQ(parse_money("0.00000049")->money.micros, 0);
  CHECK(parse_money("1.2300000000")->loss == MoneyLoss::none);
  CHECK_EQ(parse_money("1e-9")->money.micros, 0);
}

TEST_CASE("sums and products that do not fit say so") {
  CHECK_FALSE(add({std::numeric_limits<std::int64_t>::max()}, {1}).has_value());
  CHECK_FALSE(add({kMicrosMax}, {1}).has_value());
  CHECK_FALSE(add({-kMicrosMax}, {-1}).has_value());
  CHECK_EQ(add({kMicrosMax}, {-1})->micros, kMicrosMax - 1);
  CHECK_FALSE(multiply({kMoneyScale}, -kMoneyScale * kMoneyScale).has_value());
  CHECK_EQ(parse_money("-999999999999.999999")->money.micros, -kMicrosMax);
  CHECK_FALSE(multiply({std::numeric_limits<std::int64_t>::max()}, 2).has_value());
  CHECK_EQ(multiply({1'500'000}, 3)->micros, 4'500'000);
  CHECK_EQ(to_string(Money{std::numeric_limits<std::int64_t>::min()}), "-9223372036854.775808");
}

TEST_CASE("a currency is three letters") {
  CHECK_EQ(parse_currency("eur").text(), "EUR");
  CHECK_FALSE(parse_currency("EU1").known());
  CHECK_FALSE(parse_currency("EURO").known());
}
