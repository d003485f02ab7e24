#include "event/money.h"

#include <optional>

namespace millrace::event {

namespace {

using base::Error;
using base::ErrorCode;

constexpr int kDecimals = 6;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A number without its grouping: digits with the position of the decimal point, and a power of ten.
struct Digits {
  std::string text;
  int decimals = 0;
  int exponent = 0;
  bool negative = false;
};

Error unreadable(std::string_view text) {
  std::string message = "not an amount: \"";
  message.append(text.substr(0, 40));
  message += '"';
  return Error(ErrorCode::invalid_argument, std::move(message));
}

bool is_symbol(char c) { return !is_digit(c) && c != '.' && c != ',' && c != '-' && c != '+' && c != '\''; }

std::string_view trim_symbols(std::string_view text) {
  while (!text.empty() && is_symbol(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_symbol(text.back())) text.remove_suffix(1);
  return text;
}

// Decides which of '.' and ',' is the decimal point; npos when there is none.
std::size_t decimal_point(std::string_view body) {
  const std::size_t dot = body.rfind('.');
  const std::size_t comma = body.rfind(',');
  if (dot != std::string_view::npos && comma != std::string_view::npos) return dot > comma ? dot : comma;
  if (dot != std::string_view::npos) return body.find('.') == dot ? dot : std::string_view::npos;
  if (comma == std::string_view::npos || body.find(',') != comma) return std::string_view::npos;
  return body.size() - comma - 1 == 3 ? std::string_view::npos : comma;
}

// Groups of digits between separators must hold three, or the text is not a number.
bool grouping_is_valid(std::string_view whole) {
  const std::size_t first = whole.find_first_of(",.'");
  if (first == std::string_view::npos) return true;
  if (first == 0 || first > 3) return false;
  std::size_t at = first;
  while (at < whole.size()) {
    if (whole[at] != whole[first] || whole.size() - at < 4) return false;
    const std::size_t next = at + 4;
    for (std::size_t i = at + 1; i < next; ++i) {
      if (!is_digit(whole[i])) return false;
    }
    if (next < whole.size() && is_digit(whole[next])) return false;
    at = next;
  }
  return true;
}

base::Result<Digits> split(std::string_view original) {
  Digits digits;
  std::string_view text = trim_symbols(original);
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    digits.negative = text.front() == '-';
    text.remove_prefix(1);
    text = trim_symbols(text);
  }
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    const bool minus = !power.empty() && power.front() == '-';
    if (!power.empty() && (power.front() == '-' || power.front() == '+')) power.remove_prefix(1);
    if (power.empty() || power.size() > 3) return unreadable(original);
    for (const char c : power) {
      if (!is_digit(c)) return unreadable(original);
      digits.exponent = digits.exponent * 10 + (c - '0');
    }
    if (minus) digits.exponent = -digits.exponent;
    text = text.substr(0, e);
  }
  const std::size_t point = decimal_point(text);
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (!grouping_is_valid(whole)) return unreadable(original);
  for (const char c : whole) {
    if (is_digit(c))
      digits.text += c;
    else if (c != ',' && c != '.' && c != '\'')
      return unreadable(original);
  }
  for (const char c : fraction) {
    if (!is_digit(c)) return unreadable(original);
    digits.text += c;
  }
  digits.decimals = static_cast<int>(fraction.size());
  if (digits.text.empty()) return unreadable(original);
  return digits;
}

// "119.95": digits with at most one point among them, as most amounts are written. Nothing when it is anything else.
std::optional<Money> read_plain(std::string_view text) {
  constexpr std::size_t kWholeDigitsMax = 12;
  std::int64_t value = 0;
  std::size_t at = 0;
  while (at < text.size() && at <= kWholeDigitsMax && is_digit(text[at]))
    value = value * 10 + (text[at++] - '0');
  if (at == 0 || at > kWholeDigitsMax) return std::nullopt;
  int decimals = 0;
  if (at < text.size()) {
    if (text[at] != '.' || text.size() - at < 2 || text.size() - at > 1 + kDecimals) return std::nullopt;
    for (++at; at < text.size(); ++at, ++decimals) {
      if (!is_digit(text[at])) return std::nullopt;
      value = value * 10 + (text[at] - '0');
    }
  }
  for (; decimals < kDecimals; ++decimals) value *= 10;
  return Money{value};
}

}  // namespace

base::Result<ParsedMoney> parse_money(std::string_view text) {
  if (text.size() <= 19) {
    if (const auto plain = read_plain(text)) return ParsedMoney{*plain, MoneyLoss::none};
  }
  if (text.size() > 64) return unreadable(text);
  TRY_ASSIGN(Digits digits, split(text));
  // value = text * 10^shift millionths.
  const int shift = kDecimals - digits.decimals + digits.exponent;
  ParsedMoney result;
  __int128 micros = 0;
  const auto keep = static_cast<int>(digits.text.size()) + (shift < 0 ? shift : 0);
  for (int i = 0; i < keep; ++i) {
    micros = micros * 10 + (digits.text[static_cast<std::size_t>(i)] - '0');
    if (micros > kMicrosMax) return unreadable(text);
  }
  for (int i = 0; i < shift && micros != 0; ++i) {
    micros *= 10;
    if (micros > kMicrosMax) return unreadable(text);
  }
  for (int i = keep < 0 ? 0 : keep; i < static_cast<int>(digits.text.size()); ++i) {
    if (digits.text[static_cast<std::size_t>(i)] != '0') result.loss = MoneyLoss::rounded;
  }
  if (keep >= 0 && keep < static_cast<int>(digits.text.size()) &&
      digits.text[static_cast<std::size_t>(keep)] >= '5') {
    ++micros;
    if (micros > kMicrosMax) return unreadable(text);
  }
  result.money.micros = static_cast<std::int64_t>(digits.negative ? -micros : micros);
  return result;
}

std::optional<Money> add(Money a, Money b) {
  Money sum;
  if (__builtin_add_overflow(a.micros, b.micros, &sum.micros) || !fits(sum)) return std::nullopt;
  return sum;
}

std::optional<Money> multiply(Money unit, std::int64_t quantity) {
  Money product;
  if (__builtin_mul_overflow(unit.micros, quantity, &product.micros) || !fits(product)) return std::nullopt;
  return product;
}

std::string to_string(Money money) {
  const bool negative = money.micros < 0;
  const auto magnitude =
      negative ? 0 - static_cast<std::uint64_t>(money.micros) : static_cast<std::uint64_t>(money.micros);
  std::string text = negative ? "-" : "";
  text += std::to_string(magnitude / kMoneyScale);
  std::uint64_t fraction = magnitude % kMoneyScale;
  if (fraction != 0) {
    std::string decimals = std::to_string(fraction + kMoneyScale).substr(1);
    while (decimals.back() == '0') decimals.pop_back();
    text += '.';
    text += decimals;
  }
  return text;
}

Currency parse_currency(std::string_view text) {
  if (text.size() != 3) return {};
  Currency currency;
  for (std::size_t i = 0; i < 3; ++i) {
    const char c = text[i];
    if (c >= 'a' && c <= 'z')
      currency.code[i] = static_cast<char>(c - 'a' + 'A');
    else if (c >= 'A' && c <= 'Z')
      currency.code[i] = c;
    else
      return {};
  }
  return currency;
}

}  // namespace millrace::event
