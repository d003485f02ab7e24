#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/http.h"

namespace millrace::collect {

struct SnowplowSettings {
  std::string cookie = "sp";            // Its name; empty: none is set.
  std::string cookie_domain;            // Empty: the host that was asked.
  std::vector<std::string> post_paths;  // Beside the standard one.
};

// Who a request is from, by the collector's cookie.
struct SnowplowVisit {
  bool anonymous = false;  // SP-Anonymous: no address, no cookie; one that is there expires.
  bool had_cookie = false;
  bool gets_cookie = false;     // It has none, and nothing forbids to set one (Sec-GPC).
  std::string network_user_id;  // Of the cookie that it had, unless it is anonymous.
};
SnowplowVisit visit_of(const http::Request& request, const SnowplowSettings& settings);

// The id of a browser that has none yet: it follows from the bytes of its first request, so that a repetition of that is the same
// visitor.
std::string new_network_user(const http::Request& request);

// The Set-Cookie field of the answer; empty when there is nothing to set.
std::string cookie_of(const http::Request& request, const SnowplowSettings& settings);

}  // namespace millrace::collect
