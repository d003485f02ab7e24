#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/iso_time.h"
#include "event/money.h"
#include "lake/parquet_writer.h"

namespace millrace::lake {

namespace {

constexpr std::size_t kBoundCodePoints = 16;

template <class T>
std::string little_endian(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

// Two's complement, big-endian, in as few bytes as hold the sign.
std::string decimal_bytes(std::int64_t value) {
  std::string out;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  while (out.size() > 1) {
    const bool sign = (static_cast<unsigned char>(out[1]) & 0x80) != 0;
    if (out[0] != (sign ? '\xff' : '\0')) break;
    out.erase(0, 1);
  }
  return out;
}

std::size_t prefix_bytes(std::string_view text) {
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (points++ == kBoundCodePoints) return i;
  }
  return text.size();
}

// The smallest text, about, that is above every text with this prefix: the last ASCII character that can grow, grown.
std::optional<std::string> raised(std::string prefix) {
  while (!prefix.empty()) {
    const auto last = static_cast<unsigned char>(prefix.back());
    if (last < 0x7f) {
      prefix.back() = static_cast<char>(last + 1);
      return prefix;
    }
    prefix.pop_back();
    while (!prefix.empty() && (static_cast<unsigned char>(prefix.back()) & 0xc0) == 0x80) prefix.pop_back();
    if (!prefix.empty() && static_cast<unsigned char>(prefix.back()) >= 0x80) prefix.pop_back();
  }
  return std::nullopt;
}

template <class T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "12.340000" without the rounding and guessing of event::parse_money.
std::optional<std::int64_t> micros_of(std::string_view text) {
  const auto point = text.find('.');
  if (point == std::string_view::npos || text.size() - point != 7) return std::nullopt;
  std::string digits(text.substr(0, point));
  digits += text.substr(point + 1);
  return parse<std::int64_t>(digits);
}

std::optional<std::string> text_bound(std::string_view text, Bound bound) {
  const std::size_t size = prefix_bytes(text);
  std::string prefix(text.substr(0, size));
  if (size == text.size() || bound == Bound::lower) return prefix;
  return raised(std::move(prefix));
}

}  // namespace

std::optional<std::string> bound_bytes(ColumnType type, std::string_view text, Bound bound) {
  switch (type) {
    case ColumnType::string: return text_bound(text, bound);
    case ColumnType::int32: {
      const auto value = parse<std::int32_t>(text);
      return value ? std::optional(little_endian(*value)) : std::nullopt;
    }
    case ColumnType::int64: {
      const auto value = parse<std::int64_t>(text);
      return value ? std::optional(little_endian(*value)) : std::nullopt;
    }
    case ColumnType::decimal18_6: {
      const auto value = micros_of(text);
      return value ? std::optional(decimal_bytes(*value)) : std::nullopt;
    }
    case ColumnType::timestamptz: {
      const auto value = base::parse_iso_time(text);
      return value.ok() ? std::optional(little_endian(value->ms * 1000)) : std::nullopt;
    }
    case ColumnType::boolean:
      if (text != "1" && text != "0") return std::nullopt;
      return std::string(1, text == "1" ? '\1' : '\0');
    case ColumnType::float64:
    case ColumnType::date:
    case ColumnType::binary: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace millrace::lake
