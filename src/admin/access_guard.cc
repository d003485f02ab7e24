#include "admin/access_guard.h"

#include <arpa/inet.h>

namespace millrace::admin {

using http::equals_ignoring_case;
using http::Method;
using http::Request;
using http::Response;

namespace {

bool changes_something(const Request& request) {
  return request.method != Method::get && request.method != Method::head && request.method != Method::options;
}

std::string_view host_of_origin(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

// Whether a browser vouches that it was a page of this server's.
bool is_own_page(const Request& request) {
  if (const auto site = request.header("Sec-Fetch-Site"); !site.empty()) return site == "same-origin";
  const auto host = host_of_origin(request.header("Origin"));
  return !host.empty() && equals_ignoring_case(host, request.header("Host"));
}

// Whether a page of a stranger cannot have this Host: an address, this machine's own name, or one that only the local
// network can give. Any other name its owner may point at this machine, after a browser has loaded a page from it.
bool is_beyond_rebinding(std::string_view host) {
  static constexpr std::string_view kLocal = ".localhost";
  const std::size_t digits = host.find_last_not_of("0123456789");
  if (digits != std::string_view::npos && host[digits] == ':') host = host.substr(0, digits);
  if (host.starts_with('[')) {
    in6_addr address;
    return host.ends_with(']') &&
           inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) == 1;
  }
  if (host.find('.') == std::string_view::npos) return true;
  if (host.size() > kLocal.size() && equals_ignoring_case(host.substr(host.size() - kLocal.size()), kLocal)) {
    return true;
  }
  in_addr address;
  return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

std::string_view cookie_of(const Request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (!equals_ignoring_case(header, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
      if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name)) {
        return pair.substr(name.size() + 1);
      }
    }
  }
  return {};
}

std::string cookie_with(std::string_view value, std::int64_t age_s, const Request& request) {
  std::string cookie(AccessGuard::kCookie);
  cookie.append("=").append(value).append("; Max-Age=").append(std::to_string(age_s));
  cookie += "; Path=/; HttpOnly; SameSite=Strict";
  const bool secure = request.scheme == http::Scheme::https ||
                      equals_ignoring_case(request.header("X-Forwarded-Proto"), "https");
  if (secure) cookie += "; Secure";
  return cookie;
}

}  // namespace

AccessGuard::AccessGuard(AccessSettings settings, SessionSeal seal,
                         std::function<bool(const Request&)> admits_write_key, const base::Clock& clock)
    : settings_(settings),
      seal_(std::move(seal)),
      admits_write_key_(std::move(admits_write_key)),
      clock_(clock),
      book_(std::make_shared<const TokenBook>()) {}

void AccessGuard::replace(TokenBook book) {
  auto next = std::make_shared<const TokenBook>(std::move(book));
  const std::lock_guard lock(mutex_);
  book_ = std::move(next);
}

std::shared_ptr<const TokenBook> AccessGuard::book() const {
  const std::lock_guard lock(mutex_);
  return book_;
}

bool AccessGuard::requires_token() const {
  switch (settings_.require) {
    case RequireToken::always: return true;
    case RequireToken::never: return false;
    case RequireToken::automatic: break;
  }
  return settings_.reach == Reach::network || !book()->tokens().empty();
}

bool AccessGuard::is_foreign(const Request& request) {
  if (const auto site = request.header("Sec-Fetch-Site"); !site.empty()) {
    return site != "same-origin" && site != "none";
  }
  const auto origin = request.header("Origin");
  return !origin.empty() && !equals_ignoring_case(host_of_origin(origin), request.header("Host"));
}

AccessGuard::Shown AccessGuard::look(const Request& request) const {
  static constexpr std::string_view kBearer = "bearer ";
  Shown shown;
  const base::WallTime now = clock_.wall();
  const Token* token = nullptr;
  const auto book = this->book();
  std::string_view bearer;
  int fields = 0;
  for (const auto& [name, value] : request.headers) {
    if (!equals_ignoring_case(name, "authorization")) continue;
    ++fields;
    if (value.size() > kBearer.size() && equals_ignoring_case(value.substr(0, kBearer.size()), kBearer)) {
      bearer = value.substr(kBearer.size());
      bearer.remove_prefix(std::min(bearer.find_first_not_of(' '), bearer.size()));
    }
  }
  if (fields > 1) {
    shown.fault = Shown::Fault::twice;  // Whoever stands before us may have looked at the other one.
    return shown;
  }
  if (!bearer.empty()) {
    shown.who.via = Principal::Via::token;
    token = book->find(bearer, now);
  } else if (const auto sealed = cookie_of(request, kCookie); !sealed.empty()) {
    shown.who.via = Principal::Via::session;
    if (const auto session = seal_.open(sealed, now)) {
      token = book->by_id(session->token_id, now);
      shown.who.until = session->until;
    }
  } else {
    return shown;
  }
  if (token == nullptr) {
    shown.fault = Shown::Fault::unknown;
    shown.who.via = Principal::Via::nothing;
    return shown;
  }
  shown.who.role = token->role;
  shown.who.token_id = token->id;
  shown.who.name = token->name;
  return shown;
}

Principal AccessGuard::identify(const Request& request) const { return look(request).who; }

bool AccessGuard::still_admits(const Principal& who) const {
  if (who.via == Principal::Via::nothing) return !requires_token();
  const base::WallTime now = clock_.wall();
  return now < who.until && book()->by_id(who.token_id, now) != nullptr;
}

Role AccessGuard::needed(Access access) const {
  if (access == Access::health) return settings_.health == Openness::open ? Role::none : Role::viewer;
  if (access == Access::metrics) return settings_.metrics == Openness::open ? Role::none : Role::viewer;
  if (access == Access::write_key) return Role::operator_;
  return role_for(access);
}

Response AccessGuard::unknown_caller(Role needed, Shown::Fault fault) const {
  const std::string role(to_string(needed));
  const std::string command =
      "`millrace tokens create --role " + role + " --name NAME` on the server makes one.";
  Response response;
  switch (fault) {
    case Shown::Fault::twice:
      response = http::error_response(401, "ambiguous_authorization",
                                      "The request has two Authorization headers.", "Send one.");
      break;
    case Shown::Fault::unknown:
      response = http::error_response(401, "unknown_token",
                                      "The token or the session is unknown, revoked or has expired.",
                                      "Sign in again, or send another token. " + command);
      break;
    case Shown::Fault::none:
      response = http::error_response(401, "token_required", "This takes a token of the role " + role + ".",
                                      "Send Authorization: Bearer TOKEN. " + command);
      break;
  }
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"millrace\"");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::optional<Response> AccessGuard::refuse(Access access, const Request& request) const {
  const Role needed = this->needed(access);
  if (needed == Role::none) return std::nullopt;
  const bool required = requires_token();
  const Shown shown = look(request);
  const bool by_token = shown.who.via == Principal::Via::token;
  const bool guarded = access != Access::write_key && access != Access::health && access != Access::metrics;
  if (!required && guarded && settings_.require == RequireToken::automatic &&
      !is_beyond_rebinding(request.header("Host"))) {
    return http::error_response(
        403, "foreign_host", "No token is asked for, so only this machine's own names are taken as Host.",
        "Ask http://localhost or an address; or make a token: `millrace tokens create "
        "--role admin --name NAME`; or set admin.require_token.");
  }
  if (!by_token && guarded && changes_something(request)) {
    const bool suspect =
        shown.who.via == Principal::Via::session ? !is_own_page(request) : is_foreign(request);
    if (suspect) {
      return http::error_response(403, "foreign_page", "A page of another server asks for this.",
                                  "Ask from the dashboard, or send Authorization: Bearer TOKEN.");
    }
  }
  if (!required || shown.who.role >= needed) return std::nullopt;
  if (access == Access::write_key) {
    if (admits_write_key_(request)) return std::nullopt;
    if (shown.who.role == Role::none && shown.fault == Shown::Fault::none) {
      return http::error_response(401, "unknown_write_key", "This takes the write key of a source.",
                                  "Send X-Write-Key, or an operator's token.");
    }
  }
  if (shown.who.role == Role::none) return unknown_caller(needed, shown.fault);
  return http::error_response(403, "role_too_low",
                              "The role " + std::string(to_string(shown.who.role)) +
                                  " may not do this; it takes " + std::string(to_string(needed)) + ".",
                              "Ask an admin for a token of that role.");
}

std::string AccessGuard::session_cookie(const Token& token, const Request& request) const {
  return cookie_with(seal_.seal(token.id, session_end()), settings_.session_ms / 1000, request);
}

std::string AccessGuard::end_of_session(const Request& request) { return cookie_with("", 0, request); }

base::WallTime AccessGuard::session_end() const { return clock_.wall() + settings_.session_ms; }

}  // namespace millrace::admin
