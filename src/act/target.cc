#include "act/target.h"

#include <algorithm>
#include <charconv>

namespace millrace::act {

namespace {

base::Error wrong(std::string_view why) {
  return base::Error(base::ErrorCode::invalid_argument, "webhook URL: " + std::string(why));
}

}  // namespace

base::Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.scheme = Url::Scheme::https;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("it must begin with http:// or https://");
  }
  if (std::any_of(rest.begin(), rest.end(),
                  [](char c) { return c <= ' ' || c == 0x7f || c == '#' || c == '\\'; })) {
    return wrong("blanks, control characters and fragments are not allowed");
  }
  const std::size_t end = rest.find_first_of("/?");
  url.authority = rest.substr(0, end);
  if (end != std::string_view::npos) url.path = rest.substr(end);
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  if (url.authority.find('@') != std::string::npos)
    return wrong("a user name is not allowed; use the secret");

  std::string_view host = url.authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos) return wrong("the address lacks its closing bracket");
    port = host.substr(close + 1);
    host = host.substr(1, close - 1);
    if (!port.empty() && port.front() != ':') return wrong("there is something after the address");
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (host.empty()) return wrong("it names no host");
  url.host = host;
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || last != port.data() + port.size() || url.port == 0)
      return wrong("the port is not a number");
  }
  return url;
}

}  // namespace millrace::act
