#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "admin/access_table.h"
#include "admin/session_seal.h"
#include "admin/token_book.h"
#include "base/clock.h"
#include "http/http.h"

namespace millrace::admin {

enum class RequireToken : std::uint8_t {
  automatic,  // Once there is a token, and wherever more than this machine can connect.
  always,
  never,
};
enum class Reach : std::uint8_t { this_machine, network };
enum class Openness : std::uint8_t { open, viewer };

struct AccessSettings {
  RequireToken require = RequireToken::automatic;
  Reach reach = Reach::this_machine;
  Openness health = Openness::open;
  Openness metrics = Openness::viewer;
  std::int64_t session_ms = 12 * base::kHourMs;
};

// Who asks.
struct Principal {
  enum class Via : std::uint8_t { nothing, token, session };
  Via via = Via::nothing;
  Role role = Role::none;
  std::string token_id;
  std::string name;
  base::WallTime until{std::numeric_limits<std::int64_t>::max()};  // Of a session.
};

// Decides what a request may do, by the token or the session that it shows. Any thread.
//
// A session is a cookie, which a browser sends along whoever made it ask: with one, and where nothing is asked for, a
// change is only made for a page of this server's own.
class AccessGuard {
 public:
  static constexpr std::string_view kCookie = "millrace_session";

  // `admits_write_key`: whether the request shows a write key that may send.
  AccessGuard(AccessSettings settings, SessionSeal seal,
              std::function<bool(const http::Request&)> admits_write_key, const base::Clock& clock);

  void replace(TokenBook book);
  std::shared_ptr<const TokenBook> book() const;
  // Whether anything is asked for at all.
  bool requires_token() const;

  // Null: let it in.
  std::optional<http::Response> refuse(Access access, const http::Request& request) const;
  Principal identify(const http::Request& request) const;
  // Whether whoever was let in then would be now: of answers that go on.
  bool still_admits(const Principal& who) const;

  // The header that keeps whoever has `token` signed in.
  std::string session_cookie(const Token& token, const http::Request& request) const;
  static std::string end_of_session(const http::Request& request);
  base::WallTime session_end() const;

  // Whether a browser says that a page of another server made it ask.
  static bool is_foreign(const http::Request& request);

 private:
  struct Shown {
    Principal who;
    enum class Fault : std::uint8_t { none, unknown, twice } fault = Fault::none;
  };
  Shown look(const http::Request& request) const;
  Role needed(Access access) const;
  http::Response unknown_caller(Role needed, Shown::Fault fault) const;

  const AccessSettings settings_;
  const SessionSeal seal_;
  const std::function<bool(const http::Request&)> admits_write_key_;
  const base::Clock& clock_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TokenBook> book_;  // Guarded by mutex_.
};

}  // namespace millrace::admin
