#include "collect/origin.h"

#include <algorithm>

namespace millrace::collect {

namespace {

constexpr std::string_view kAnyLabel = "://*.";

bool matches(std::string_view pattern, std::string_view origin) {
  const std::size_t star = pattern.find(kAnyLabel);
  if (star == std::string_view::npos) return http::equals_ignoring_case(pattern, origin);
  const std::string_view scheme = pattern.substr(0, star + 3);
  const std::string_view tail = pattern.substr(star + kAnyLabel.size() - 1);  // ".shop.example:8443"
  return origin.size() > scheme.size() + tail.size() &&
         http::equals_ignoring_case(origin.substr(0, scheme.size()), scheme) &&
         http::equals_ignoring_case(origin.substr(origin.size() - tail.size()), tail) &&
         origin.find_first_of("/@?#", scheme.size()) == std::string_view::npos;
}

}  // namespace

std::string_view page_origin(const http::Request& request) {
  if (const auto origin = request.header("origin"); !origin.empty()) return origin;
  const std::string_view referer = request.header("referer");
  const std::size_t host = referer.find("://");
  if (host == std::string_view::npos) return {};
  return referer.substr(0, referer.find_first_of("/?#", host + 3));
}

bool allows_origin(const std::vector<std::string>& origins, std::string_view origin) {
  if (origins.empty()) return true;
  return std::any_of(origins.begin(), origins.end(),
                     [&](const std::string& pattern) { return matches(pattern, origin); });
}

}  // namespace millrace::collect
