#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::act {

// Where actions go. `name` is what its receipts are kept under: renaming a target makes it a new one.
struct Target {
  std::string name;
  std::string url;     // http:// or https://
  std::string secret;  // Signs every delivery; empty: unsigned.
};

struct Url {
  enum class Scheme : std::uint8_t { http, https };
  Scheme scheme = Scheme::http;
  std::string host;  // Without the brackets of an IPv6 address.
  std::uint16_t port = 80;
  std::string path;       // With the query; begins with '/'.
  std::string authority;  // Host header: host, and the port unless it is the scheme's own.
};

// invalid_argument for another scheme, user names, fragments, blanks and control characters.
base::Result<Url> parse_url(std::string_view text);

}  // namespace millrace::act
