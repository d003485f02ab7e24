#include "lake/column_bounds.h"

#include <cstdint>
#include <cstring>

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

}  // namespace

std::optional<std::string> text_bound(std::string_view text, Bound bound) {
  const std::size_t size = prefix_bytes(text);
  std::string prefix(text.substr(0, size));
  if (size == text.size() || bound == Bound::lower) return prefix;
  return raised(std::move(prefix));
}

std::optional<std::string> number_bound(ColumnType type, std::int64_t value) {
  switch (type) {
    case ColumnType::boolean: return std::string(1, value == 0 ? '\0' : '\1');
    case ColumnType::int32:
    case ColumnType::date: return little_endian(static_cast<std::int32_t>(value));
    case ColumnType::int64:
    case ColumnType::timestamptz: return little_endian(value);
    case ColumnType::decimal18_6: return decimal_bytes(value);
    case ColumnType::float64:
    case ColumnType::string:
    case ColumnType::binary: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace millrace::lake
