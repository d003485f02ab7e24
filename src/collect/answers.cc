#include "collect/answers.h"

#include <algorithm>
#include <iterator>

#include "collect/write_key.h"

namespace millrace::collect {

using http::Request;
using http::Response;

const std::string_view kPixelGif(
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00"
    "\x00\x00\x01"
    "\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b",
    43);

namespace {

constexpr std::string_view kForeignOrigin = "origin_not_allowed";

void append_item(std::string& body, const RejectedItem& item) {
  body += R"({"index":)" + std::to_string(item.index) + R"(,"verdict":)";
  static constexpr std::string_view kRefusals[] = {"unknown_write_key", "source_disabled", kForeignOrigin,
                                                   "over_quota"};
  const bool refused =
      std::find(std::begin(kRefusals), std::end(kRefusals), item.reason) != std::end(kRefusals);
  http::append_json_string(body, refused ? std::string_view("refused") : to_string(item.verdict));
  body += R"(,"reason":)";
  http::append_json_string(body, item.reason);
  body += R"(,"pointer":)";
  http::append_json_string(body, item.pointer);
  body += R"(,"detail":)";
  http::append_json_string(body, item.detail);
  body += '}';
}

}  // namespace

void allow_origin(const Request& request, Response& response) {
  const auto origin = request.header("origin");
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  response.headers.emplace_back("Vary", "Origin");
}

Response preflight(const Request& request, const SourceTable& sources) {
  std::string key = credential_of(request).write_key;
  for (const std::string_view name : {"measurement_id", "tid"}) {
    if (key.empty()) key = request.query_value(name);
  }
  if (!sources.rows()->may_send(request.header("origin"), key)) {
    return http::error_response(403, kForeignOrigin, "Pages of this origin may not send.",
                                "Add the origin to the list of a write key.");
  }
  Response response;
  response.status = 204;
  response.content_type.clear();
  allow_origin(request, response);
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  if (const auto asked = request.header("access-control-request-headers"); !asked.empty()) {
    response.headers.emplace_back("Access-Control-Allow-Headers", asked);
  }
  response.headers.emplace_back("Access-Control-Max-Age", "86400");
  return response;
}

Response gif() {
  Response response;
  response.content_type = "image/gif";
  response.body = kPixelGif;
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Response refusal_answer(const Request& request, const Refusal& refusal) {
  auto response = http::error_response(refusal.status, refusal.code, refusal.message, refusal.hint);
  if (refusal.retry_after_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(refusal.retry_after_s));
  }
  if (refusal.code != kForeignOrigin) allow_origin(request, response);
  return response;
}

Response plain(const Request& request, int status, std::string_view text) {
  Response response;
  response.status = status;
  response.content_type = text.empty() ? "" : "text/plain; charset=utf-8";
  response.body = text;
  allow_origin(request, response);
  return response;
}

std::string outcome_json(const Outcome& outcome) {
  std::string body = R"({"success":true,"received":)";
  body += std::to_string(outcome.received);
  body += R"(,"accepted":)";
  body += std::to_string(outcome.accepted);
  body += R"(,"quarantined":)";
  body += std::to_string(outcome.quarantined);
  if (outcome.suppressed > 0) body += R"(,"suppressed":)" + std::to_string(outcome.suppressed);
  if (outcome.consent_dropped > 0) {
    body += R"(,"consent_dropped":)" + std::to_string(outcome.consent_dropped);
  }
  if (outcome.refused > 0) body += R"(,"refused":)" + std::to_string(outcome.refused);
  body += R"(,"items":[)";
  for (std::size_t i = 0; i < outcome.items.size(); ++i) {
    if (i > 0) body += ',';
    append_item(body, outcome.items[i]);
  }
  body += "]}";
  return body;
}

}  // namespace millrace::collect
