#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::event {

// An amount as an exact count of millionths of its currency's unit: six decimals hold every ISO 4217 currency (at most
// four) and unit prices of parts of a cent. What is read, added and multiplied stays below +-1e12 units, as DECIMAL(18,6) of the
// tables does: wide enough for IDR and VND orders.
struct Money {
  std::int64_t micros = 0;
  auto operator<=>(const Money&) const = default;
};

constexpr std::int64_t kMoneyScale = 1'000'000;
constexpr std::int64_t kMicrosMax = 999'999'999'999'999'999;
constexpr bool fits(Money money) { return money.micros <= kMicrosMax && money.micros >= -kMicrosMax; }

enum class MoneyLoss : std::uint8_t {
  none,
  rounded,  // More than six decimals: rounded half away from zero.
};

struct ParsedMoney {
  Money money;
  MoneyLoss loss = MoneyLoss::none;
};

// Reads "12", "12.50", "-3", "1e3", "1,234.50", "1.234,50" and "12,5"; surrounding spaces and one leading or trailing currency
// symbol or code are ignored. A lone separator followed by exactly three digits is read as a decimal point only when it
// is '.', as JSON numbers have it. invalid_argument for anything else or out of range.
base::Result<ParsedMoney> parse_money(std::string_view text);

// Sum or product with a quantity; nullopt when it does not fit.
std::optional<Money> add(Money a, Money b);
std::optional<Money> multiply(Money unit, std::int64_t quantity);

// Shortest exact decimal text: "12.5", "0.000001", "-3".
std::string to_string(Money money);

// ISO 4217 alphabetic code, upper case; zeros when unknown.
struct Currency {
  std::array<char, 3> code{};
  bool known() const { return code[0] != 0; }
  std::string_view text() const { return {code.data(), known() ? 3u : 0u}; }
  bool operator==(const Currency&) const = default;
};
// Any three letters are taken, in upper case; otherwise unknown.
Currency parse_currency(std::string_view text);

}  // namespace millrace::event
