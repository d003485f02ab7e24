#include "contract/schema_key.h"

#include <array>
#include <charconv>

namespace millrace::contract {

namespace {

constexpr std::size_t kPartBytesMax = 128;
constexpr int kNumberMax = 9999;

base::Error invalid(std::string message) {
  return base::Error(base::ErrorCode::invalid_argument, std::move(message));
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_part(std::string_view text) {
  if (text.empty() || text.size() > kPartBytesMax || !is_letter_or_digit(text.front())) return false;
  for (const char c : text) {
    if (!is_letter_or_digit(c) && c != '_' && c != '-' && c != '.') return false;
  }
  return true;
}

}  // namespace

std::string SchemaVersion::text() const {
  return std::to_string(model) + "-" + std::to_string(revision) + "-" + std::to_string(addition);
}

base::Result<SchemaVersion> SchemaVersion::parse(std::string_view text) {
  SchemaVersion version;
  int* const numbers[] = {&version.model, &version.revision, &version.addition};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string_view part = text.substr(0, i == 2 ? text.size() : text.find('-'));
    const auto read = std::from_chars(part.data(), part.data() + part.size(), *numbers[i]);
    const bool leading_zero = part.size() > 1 && part.front() == '0';
    if (read.ec != std::errc() || read.ptr != part.data() + part.size() || leading_zero || *numbers[i] < 0 ||
        *numbers[i] > kNumberMax)
      return invalid("a version is MODEL-REVISION-ADDITION, such as 1-0-0");
    text.remove_prefix(part.size() < text.size() ? part.size() + 1 : part.size());
  }
  if (version.model == 0) return invalid("a version's model begins at 1");
  return version;
}

base::Result<SchemaKey> SchemaKey::parse(std::string_view text) {
  if (text.starts_with("iglu:")) text.remove_prefix(5);
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto slash = text.find('/');
    if ((slash == std::string_view::npos) != (i + 1 == parts.size()))
      return invalid("a schema is named VENDOR/NAME/FORMAT/VERSION");
    parts[i] = text.substr(0, slash);
    if (slash != std::string_view::npos) text.remove_prefix(slash + 1);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    if (!is_part(parts[i]))
      return invalid("vendor, name and format are 1 to 128 letters, digits, '_', '-' and '.'");
  }
  SchemaKey key{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), {}};
  TRY_ASSIGN(key.version, SchemaVersion::parse(parts[3]));
  return key;
}

std::string contract_name(std::string_view event_name) {
  std::string name;
  for (const char c : event_name) {
    if (name.size() == kPartBytesMax) break;
    if (is_letter_or_digit(c)) {
      name += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      static constexpr char kHex[] = "0123456789abcdef";
      name += 'x';
      name += kHex[static_cast<unsigned char>(c) >> 4];
      name += kHex[static_cast<unsigned char>(c) & 15];
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name.empty() ? "unnamed" : name;
}

}  // namespace millrace::contract
