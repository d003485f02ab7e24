#include "serve/visitor_id.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::int64_t kDayS = 24 * 3600;

struct Cookie {
  std::string_view id;
  std::int64_t written_s = 0;
};

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<Cookie> parse_cookie(std::string_view value) {
  if (value.size() < kIdDigits + 2 || value[kIdDigits] != '.' || !is_hex(value.substr(0, kIdDigits))) {
    return std::nullopt;
  }
  Cookie cookie{value.substr(0, kIdDigits), 0};
  const std::string_view seconds = value.substr(kIdDigits + 1);
  const auto end = std::from_chars(seconds.data(), seconds.data() + seconds.size(), cookie.written_s);
  if (end.ec != std::errc{} || end.ptr != seconds.data() + seconds.size() || cookie.written_s < 0) {
    return std::nullopt;
  }
  return cookie;
}

// A browser sends one Cookie header; proxies may have split it.
std::optional<Cookie> find_cookie(const http::Request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (!http::equals_ignoring_case(header, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
      if (pair.size() <= name.size() || pair[name.size()] != '=' || !pair.starts_with(name)) continue;
      if (const auto cookie = parse_cookie(pair.substr(name.size() + 1))) return cookie;
    }
  }
  return std::nullopt;
}

// TLS may end before us: then the proxy says so, or the page's own address does.
bool is_https(const http::Request& request) {
  if (request.scheme == http::Scheme::https) return true;
  const std::string_view forwarded = request.header("X-Forwarded-Proto");
  if (!forwarded.empty()) return http::equals_ignoring_case(forwarded, "https");
  return request.header("Origin").starts_with("https://");
}

std::string set_cookie(const http::Request& request, const VisitorIdSettings& settings,
                       std::string_view value, std::int64_t age_s) {
  std::string cookie = settings.cookie;
  cookie.append("=").append(value).append("; Max-Age=").append(std::to_string(age_s));
  cookie += "; Path=/; HttpOnly; SameSite=Lax";
  if (is_https(request)) cookie += "; Secure";
  return cookie;
}

// Pages of the shop's other hosts ask, too. Other sites gain nothing: their requests carry no SameSite=Lax cookie, and cannot
// set one.
void allow_origin(const http::Request& request, http::Response& response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  response.headers.emplace_back("Vary", "Origin");
}

http::Response answer_id(std::string_view id, bool is_new, bool stored) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("anonymous_id", id).field("new", is_new).field("stored", stored).end_object();
  return json_response(std::move(body));
}

class Desk {
 public:
  Desk(VisitorIdSettings settings, const std::function<std::string()>& make_id, const base::Clock& clock)
      : settings_(std::move(settings)), make_id_(make_id), clock_(clock) {}

  http::Response identify(const http::Request& request) const {
    static constexpr std::string_view kFlags[] = {"0", "1"};
    Parameters parameters(request);
    const bool anonymous = parameters.choice("anonymous", kFlags, 0) == 1;
    if (auto refusal = parameters.refusal()) return *std::move(refusal);
    if (!make_id_) return not_available("The id service");
    http::Response response;
    if (anonymous || settings_.days == 0 ||
        http::equals_ignoring_case(request.header("Sec-Fetch-Site"), "cross-site")) {
      response = answer_id(make_id_(), true, false);
    } else {
      response = remember(request);
    }
    allow_origin(request, response);
    return response;
  }

  http::Response forget(const http::Request& request) const {
    http::Response response;
    response.status = 204;
    response.content_type.clear();
    response.headers.emplace_back("Set-Cookie", set_cookie(request, settings_, "", 0));
    allow_origin(request, response);
    return response;
  }

 private:
  http::Response remember(const http::Request& request) const {
    const std::int64_t now_s = clock_.wall().ms / 1000;
    const auto cookie = find_cookie(request, settings_.cookie);
    const std::string id = cookie ? std::string(cookie->id) : make_id_();
    http::Response response = answer_id(id, !cookie, true);
    // A time ahead of ours was not written by us, or by a clock that was wrong.
    const bool fresh =
        cookie && cookie->written_s <= now_s && now_s - cookie->written_s < settings_.visit_ms / 1000;
    if (!fresh) {
      response.headers.emplace_back(
          "Set-Cookie",
          set_cookie(request, settings_, id + "." + std::to_string(now_s), settings_.days * kDayS));
    }
    return response;
  }

  const VisitorIdSettings settings_;
  const std::function<std::string()>& make_id_;
  const base::Clock& clock_;
};

http::Response preflight(const http::Request& request) {
  http::Response response;
  response.status = 204;
  response.content_type.clear();
  allow_origin(request, response);
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS");
  if (const auto asked = request.header("Access-Control-Request-Headers"); !asked.empty()) {
    response.headers.emplace_back("Access-Control-Allow-Headers", asked);
  }
  response.headers.emplace_back("Access-Control-Max-Age", "86400");
  return response;
}

}  // namespace

void add_visitor_id_routes(RouteTable& table, VisitorIdSettings settings,
                           const std::function<std::string()>& make_id, const base::Clock& clock) {
  using http::Method;
  using http::Request;
  const auto desk = std::make_shared<const Desk>(std::move(settings), make_id, clock);
  for (const Method method : {Method::get, Method::post}) {
    table.answer(method, "/v1/id", [desk](const Request& request) { return desk->identify(request); });
  }
  table.answer(Method::del, "/v1/id", [desk](const Request& request) { return desk->forget(request); });
  table.answer(Method::options, "/v1/id", [](const Request& request) { return preflight(request); });
}

}  // namespace millrace::serve
