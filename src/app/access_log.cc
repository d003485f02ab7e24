#include "app/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/iso_time.h"
#include "collect/client_time.h"
#include "collect/json_tape.h"
#include "http/http.h"

namespace millrace::app {

namespace {

constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kAssets[] = {".js",  ".mjs",  ".css", ".map",  ".png",  ".jpg",   ".jpeg", ".gif",
                                        ".svg", ".webp", ".ico", ".avif", ".woff", ".woff2", ".ttf",  ".json",
                                        ".xml", ".txt",  ".mp4", ".webm", ".pdf",  ".zip",   ".wasm"};

// Takes up to `until` from the front of `rest`, and that; false when it does not come.
bool take(std::string_view& rest, std::string_view until, std::string_view& field) {
  const std::size_t end = rest.find(until);
  if (end == std::string_view::npos) return false;
  field = rest.substr(0, end);
  rest.remove_prefix(end + until.size());
  return true;
}

// The text up to the next quote that is not escaped, as \" (Apache) or \x22 (nginx).
bool take_quoted(std::string_view& rest, std::string& field) {
  if (!rest.starts_with('"')) return false;
  std::size_t at = 1;
  field.clear();
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (rest[at] == '\\' && at + 1 < rest.size() && (rest[at + 1] == '"' || rest[at + 1] == '\\')) ++at;
    field += rest[at];
  }
  if (at >= rest.size()) return false;
  rest.remove_prefix(at + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  return true;
}

// "21/Nov/2026:10:00:00 +0100"
std::optional<base::WallTime> parse_log_time(std::string_view text) {
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[20] != ' ')
    return std::nullopt;
  const auto* const month = std::find(std::begin(kMonths), std::end(kMonths), text.substr(3, 3));
  if (month == std::end(kMonths)) return std::nullopt;
  const auto iso = fmt::format("{}-{:02}-{}T{}{}:{}", text.substr(7, 4), month - std::begin(kMonths) + 1,
                               text.substr(0, 2), text.substr(12, 8), text.substr(21, 3), text.substr(24, 2));
  const auto time = base::parse_iso_time(iso);
  if (!time.ok()) return std::nullopt;
  return *time;
}

int parse_status(std::string_view text) {
  int status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

std::string unless_dash(std::string_view text) { return text == "-" ? std::string() : std::string(text); }

// "GET /a HTTP/1.1"
bool split_request(std::string_view request, LoggedRequest& into) {
  std::string_view method;
  if (!take(request, " ", method)) return false;
  into.method = method;
  into.target = request.substr(0, request.rfind(' '));
  return !into.target.empty();
}

// Of the members of an object that have these names the first that says something.
std::string_view first_in(const collect::JsonTape& tape, std::uint32_t object,
                          std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    std::uint32_t node = collect::member_of(tape, object, key);
    if (node == 0) continue;
    // Caddy has all values of a header.
    if (tape[node].kind == collect::JsonKind::array && tape[node].end > node + 1) ++node;
    if (is_container(tape[node].kind) || tape[node].kind == collect::JsonKind::null) continue;
    if (!tape[node].text.empty() && tape[node].text != "-") return tape[node].text;
  }
  return {};
}

// The years 1 to 9999, as of every client's time.
constexpr double kFirstMs = -62'135'596'800'000;
constexpr double kLastMs = 253'402'300'799'999;

// ISO 8601, or seconds or milliseconds since 1970.
std::optional<base::WallTime> parse_json_time(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  if (const auto [rest, error] = std::from_chars(text.data(), end, number);
      error == std::errc() && rest == end) {
    constexpr double kSecondsMax = 1e11;
    const double ms = number < kSecondsMax ? number * 1000 : number;
    // False for "nan" too.
    if (!(ms >= kFirstMs && ms <= kLastMs)) return std::nullopt;
    return base::WallTime{static_cast<std::int64_t>(ms)};
  }
  if (const auto time = parse_log_time(text)) return time;
  return collect::parse_client_time(collect::JsonKind::string, text);
}

// The address as it is, so that it becomes a keyed token at the door as every address does: its hash alone would be one that whoever
// tries all addresses finds out. Letters only, as the agent's part must be no number.
std::string visitor_of(const LoggedRequest& request) {
  std::string visitor = "log:" + request.address + " ";
  for (std::uint64_t left = base::hash64(request.user_agent), i = 0; i < 16; ++i, left >>= 4)
    visitor += static_cast<char>('a' + (left & 15));
  return visitor;
}

}  // namespace

std::optional<LoggedRequest> parse_combined(std::string_view line) {
  LoggedRequest request;
  std::string_view field;
  if (!take(line, " ", field)) return std::nullopt;
  request.address = field;
  if (!take(line, " ", field) || !take(line, " [", field)) return std::nullopt;
  request.user = unless_dash(field);
  if (!take(line, "] ", field)) return std::nullopt;
  const auto at = parse_log_time(field);
  std::string quoted;
  if (!at || !take_quoted(line, quoted) || !split_request(quoted, request)) return std::nullopt;
  request.at = *at;
  if (!take(line, " ", field)) return std::nullopt;
  request.status = parse_status(field);
  if (!take(line, " ", field)) return request;  // The common format ends with the bytes.
  if (take_quoted(line, quoted)) request.referrer = unless_dash(quoted);
  if (take_quoted(line, quoted)) request.user_agent = unless_dash(quoted);
  return request;
}

std::optional<LoggedRequest> parse_json_log(std::string_view line) {
  collect::JsonIndex index;
  collect::JsonTape tape;
  if (index.scan(line) != collect::JsonFault::none || tape.build(index, 0) != collect::TapeFault::none ||
      tape.end_token() != index.size()) {
    return std::nullopt;
  }
  if (tape[0].kind != collect::JsonKind::object) return std::nullopt;
  LoggedRequest request;
  const auto at = parse_json_time(first_in(
      tape, 0, {"time_iso8601", "@timestamp", "timestamp", "time", "time_local", "ts", "msec", "StartUTC"}));
  // Caddy says in one object what was asked, and in another in it with which headers.
  const std::uint32_t inner = collect::member_of(tape, 0, "request");
  const bool nested = inner != 0 && tape[inner].kind == collect::JsonKind::object;
  const std::uint32_t asked = nested ? inner : 0;
  const std::uint32_t within = nested ? collect::member_of(tape, inner, "headers") : 0;
  const std::uint32_t headers = within == 0 ? asked : within;
  request.method = first_in(tape, asked, {"request_method", "method", "RequestMethod"});
  request.target = first_in(tape, asked, {"request_uri", "uri", "url", "path", "RequestPath"});
  if (request.target.empty() && !split_request(first_in(tape, 0, {"request"}), request)) return std::nullopt;
  if (!at || request.method.empty()) return std::nullopt;
  request.at = *at;
  request.address = first_in(
      tape, asked, {"remote_addr", "client_ip", "clientip", "remote_ip", "remote_host", "ip", "ClientHost"});
  request.user = first_in(tape, 0, {"user_id", "remote_user"});
  request.status = parse_status(first_in(tape, 0, {"status", "response", "DownstreamStatus"}));
  request.referrer = first_in(
      tape, headers, {"http_referer", "referer", "referrer", "http_referrer", "request_Referer", "Referer"});
  request.user_agent =
      first_in(tape, headers, {"http_user_agent", "user_agent", "agent", "request_User-Agent", "User-Agent"});
  request.host = first_in(tape, asked, {"host", "http_host", "server_name", "RequestHost"});
  request.anonymous_id = first_in(tape, 0, {"anonymous_id", "visitor", "visitor_id"});
  return request;
}

bool is_page_view(const LoggedRequest& request) {
  if (request.method != "GET" || request.status < 200 || request.status >= 400) return false;
  if (request.status >= 300 && request.status != 304) return false;
  std::string path = request.target.substr(0, request.target.find_first_of("?#"));
  std::transform(path.begin(), path.end(), path.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::none_of(std::begin(kAssets), std::end(kAssets),
                      [&path](std::string_view asset) { return path.ends_with(asset); });
}

std::string page_item(const LoggedRequest& request, std::string_view site, std::string_view message_id) {
  std::string json = R"({"type":"page","messageId":)";
  const auto append = [&json](std::string_view before, std::string_view text) {
    json += before;
    http::append_json_string(json, text);
  };
  http::append_json_string(json, message_id);
  const std::string made = visitor_of(request);
  append(R"(,"anonymousId":)", request.anonymous_id.empty() ? made : request.anonymous_id);
  if (!request.user.empty()) append(R"(,"userId":)", request.user);
  std::string at;
  base::append_iso_time(at, request.at);
  append(R"(,"timestamp":)", at);
  const std::string origin = request.host.empty() ? std::string(site) : "https://" + request.host;
  append(R"(,"properties":{"url":)", origin + request.target);
  if (!request.referrer.empty()) append(R"(,"referrer":)", request.referrer);
  json += fmt::format(R"(,"status":{}}},"context":{{"library":{{"name":"millrace tail"}})", request.status);
  if (!request.address.empty()) append(R"(,"ip":)", request.address);
  if (!request.user_agent.empty()) append(R"(,"userAgent":)", request.user_agent);
  return json + "}}";
}

}  // namespace millrace::app
