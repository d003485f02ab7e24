#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::contract {

// The formats of JSON Schema that are enforced; a schema with another is refused.
enum class Format : std::uint8_t {
  date_time,
  date,
  time,
  duration,
  email,
  ipv4,
  ipv6,
  uuid,
  uri,
  hostname,
  json_pointer
};
std::optional<Format> parse_format(std::string_view name);
std::string_view to_string(Format format);

bool fits_format(Format format, std::string_view text);

}  // namespace millrace::contract
