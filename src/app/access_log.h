#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace millrace::app {

// One request that a web server wrote down.
struct LoggedRequest {
  std::string address;
  std::string user;
  base::WallTime at;
  std::string method;
  std::string target;  // "/shoes?page=2"
  int status = 0;
  std::string referrer;
  std::string user_agent;
  std::string host;          // JSON logs that have it.
  std::string anonymous_id;  // JSON logs that have it.
};

// The combined format of nginx and Apache: ADDRESS - USER [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES "REFERRER" "AGENT", and the
// common format, which has not the last two. Nothing when a line is neither.
std::optional<LoggedRequest> parse_combined(std::string_view line);

// A JSON object a line, by the names that nginx, Apache, Caddy and Traefik configurations use for its members; Caddy's are nested.
std::optional<LoggedRequest> parse_json_log(std::string_view line);

// A page that a person was shown: GET, answered, and no image, script, style, font or data.
bool is_page_view(const LoggedRequest& request);

// The request as an item of POST /v1/import. `site` ("https://shop.example") goes before the target where the log has no host.
// Without a visitor in the log, one is made of address and user agent. `message_id` is the line's place in its file.
std::string page_item(const LoggedRequest& request, std::string_view site, std::string_view message_id);

}  // namespace millrace::app
