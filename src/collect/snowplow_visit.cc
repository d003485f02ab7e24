#include "collect/snowplow_visit.h"

#include "base/hash.h"

namespace millrace::collect {

namespace {

constexpr std::size_t kIdBytesMax = 64;

std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::size_t end = header.find(';');
    std::string_view pair = header.substr(0, end);
    header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kIdBytesMax) return false;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && c != '-' && c != '_') return false;
  }
  return true;
}

}  // namespace

// In the form of a random (version 4) UUID, which is what trackers and models downstream expect.
std::string new_network_user(const http::Request& request) {
  auto hash = base::hash128(request.body.empty() ? request.target : request.body);
  hash.high = base::mix(hash.high, base::hash64(request.peer));
  hash.low = base::mix(hash.low, base::hash64(request.header("user-agent")));
  hash.high = (hash.high & ~0xf000ULL) | 0x4000ULL;
  hash.low = (hash.low & ~(3ULL << 62)) | (2ULL << 62);
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    const std::uint64_t half = i < 16 ? hash.high : hash.low;
    text += kHex[(half >> (60 - 4 * (i % 16))) & 15];
  }
  return text;
}

SnowplowVisit visit_of(const http::Request& request, const SnowplowSettings& settings) {
  SnowplowVisit visit;
  visit.anonymous = !request.header("sp-anonymous").empty();
  if (settings.cookie.empty()) return visit;
  const auto value = cookie_value(request.header("cookie"), settings.cookie);
  visit.had_cookie = is_id(value);
  if (visit.anonymous) return visit;
  if (visit.had_cookie) visit.network_user_id = value;
  visit.gets_cookie = !visit.had_cookie && request.header("sec-gpc") != "1";
  return visit;
}

std::string cookie_of(const http::Request& request, const SnowplowSettings& settings) {
  const SnowplowVisit visit = visit_of(request, settings);
  const bool expires = visit.anonymous && visit.had_cookie;
  const std::string id = visit.gets_cookie ? new_network_user(request) : visit.network_user_id;
  if (settings.cookie.empty() || (id.empty() && !expires)) return {};
  std::string cookie = settings.cookie + "=" + id + "; Path=/; Max-Age=";
  cookie += expires ? "0" : "31536000";
  if (!settings.cookie_domain.empty()) cookie += "; Domain=" + settings.cookie_domain;
  return cookie + "; Secure; HttpOnly; SameSite=None";
}

}  // namespace millrace::collect
