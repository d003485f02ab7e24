#include "collect/segment_dialect.h"

#include <algorithm>

#include "collect/segment_pixel.h"
#include "collect/segment_reader.h"
#include "collect/write_key.h"
#include "journal/journal.h"

namespace millrace::collect {

using http::Method;
using http::Request;
using http::Response;

namespace {

constexpr SegmentEndpoint kEndpoints[] = {
    {Method::post, "/v1/track", SegmentShape::one, Call::track},
    {Method::post, "/v1/page", SegmentShape::one, Call::page},
    {Method::post, "/v1/screen", SegmentShape::one, Call::screen},
    {Method::post, "/v1/identify", SegmentShape::one, Call::identify},
    {Method::post, "/v1/group", SegmentShape::one, Call::group},
    {Method::post, "/v1/alias", SegmentShape::one, Call::alias},
    {Method::post, "/v1/merge", SegmentShape::one, Call::merge},
    {Method::post, "/v1/batch", SegmentShape::batch},
    {Method::post, "/v1/import", SegmentShape::history},
    // What analytics.js posts to: the first letter of the call.
    {Method::post, "/v1/t", SegmentShape::one, Call::track},
    {Method::post, "/v1/p", SegmentShape::one, Call::page},
    {Method::post, "/v1/s", SegmentShape::one, Call::screen},
    {Method::post, "/v1/i", SegmentShape::one, Call::identify},
    {Method::post, "/v1/g", SegmentShape::one, Call::group},
    {Method::post, "/v1/a", SegmentShape::one, Call::alias},
    {Method::post, "/v1/m", SegmentShape::one, Call::merge},
    {Method::post, "/v1/b", SegmentShape::batch},
    {Method::post, "/v1/batch/b", SegmentShape::batch},
    {Method::post, "/b", SegmentShape::batch},
    {Method::post, "/batch", SegmentShape::batch},
    {Method::post, "/beacon/v1/batch", SegmentShape::batch},
    {Method::get, "/pixel/v1/track", SegmentShape::pixel, Call::track},
    {Method::get, "/pixel/v1/page", SegmentShape::pixel, Call::page},
    {Method::get, "/v1/projects/{write_key}/settings", SegmentShape::settings},
    {Method::get, "/sourceConfig", SegmentShape::source_configuration},
    {Method::get, "/sourceConfig/", SegmentShape::source_configuration},
    {Method::get, "/health", SegmentShape::health},
};

const SegmentEndpoint& endpoint_of(int id) {
  return kEndpoints[static_cast<std::size_t>(id) % std::size(kEndpoints)];
}
bool is_preflight(int id) { return static_cast<std::size_t>(id) >= std::size(kEndpoints); }

void allow_origin(const Request& request, Response& response) {
  const auto origin = request.header("origin");
  if (origin.empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  response.headers.emplace_back("Vary", "Origin");
}

Response preflight(const Request& request) {
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

Response pixel() {
  Response response;
  response.content_type = "image/gif";
  response.body = kPixelGif;
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// A record holds an item's bytes and at most about as much again in `extra`, and must fit into one append.
ItemLimits within_journal_limits(ItemLimits limits) {
  limits.item_bytes_max = std::min(limits.item_bytes_max, journal::kAppendBytesMax / 3);
  limits.quarantine_bytes_max = std::min(limits.quarantine_bytes_max, journal::kAppendBytesMax / 3);
  return limits;
}

void append_item(std::string& body, const RejectedItem& item) {
  body += R"({"index":)" + std::to_string(item.index) + R"(,"verdict":)";
  http::append_json_string(body, item.reason == "unknown_write_key" || item.reason == "source_disabled"
                                     ? std::string_view("refused")
                                     : to_string(item.verdict));
  body += R"(,"reason":)";
  http::append_json_string(body, item.reason);
  body += R"(,"pointer":)";
  http::append_json_string(body, item.pointer);
  body += R"(,"detail":)";
  http::append_json_string(body, item.detail);
  body += '}';
}

}  // namespace

std::span<const SegmentEndpoint> segment_endpoints() { return kEndpoints; }

SegmentDialect::SegmentDialect(const SourceTable& sources, ItemLimits limits)
    : sources_(sources), limits_(within_journal_limits(limits)) {}

std::vector<Dialect::Endpoint> SegmentDialect::endpoints() const {
  std::vector<Endpoint> endpoints;
  int id = 0;
  for (const SegmentEndpoint& endpoint : kEndpoints) {
    const bool collects = endpoint.shape == SegmentShape::one || endpoint.shape == SegmentShape::batch ||
                          endpoint.shape == SegmentShape::history || endpoint.shape == SegmentShape::pixel;
    const auto role = collects ? Endpoint::Role::collects : Endpoint::Role::informs;
    endpoints.push_back({endpoint.method, std::string(endpoint.pattern), id, role});
    endpoints.push_back({Method::options, std::string(endpoint.pattern),
                         id + static_cast<int>(std::size(kEndpoints)), Endpoint::Role::informs});
    ++id;
  }
  return endpoints;
}

std::unique_ptr<Reader> SegmentDialect::reader() const {
  return std::make_unique<SegmentReader>(vocabulary_, sources_, limits_);
}

Response SegmentDialect::answer(const Request& request, int endpoint, const Outcome& outcome) const {
  if (endpoint_of(endpoint).shape == SegmentShape::pixel) return pixel();
  Response response;
  response.body = R"({"success":true,"received":)";
  response.body += std::to_string(outcome.received);
  response.body += R"(,"accepted":)";
  response.body += std::to_string(outcome.accepted);
  response.body += R"(,"quarantined":)";
  response.body += std::to_string(outcome.quarantined);
  if (outcome.suppressed > 0) response.body += R"(,"suppressed":)" + std::to_string(outcome.suppressed);
  if (outcome.consent_dropped > 0) {
    response.body += R"(,"consent_dropped":)" + std::to_string(outcome.consent_dropped);
  }
  if (outcome.refused > 0) response.body += R"(,"refused":)" + std::to_string(outcome.refused);
  response.body += R"(,"items":[)";
  for (std::size_t i = 0; i < outcome.items.size(); ++i) {
    if (i > 0) response.body += ',';
    append_item(response.body, outcome.items[i]);
  }
  response.body += "]}";
  allow_origin(request, response);
  return response;
}

Response SegmentDialect::refuse(const Request& request, int endpoint, const Refusal& refusal) const {
  if (endpoint_of(endpoint).shape == SegmentShape::pixel)
    return pixel();  // Browsers would show a broken image.
  auto response = http::error_response(refusal.status, refusal.code, refusal.message, refusal.hint);
  if (refusal.retry_after_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(refusal.retry_after_s));
  }
  allow_origin(request, response);
  return response;
}

Response SegmentDialect::inform(const Request& request, int endpoint) const {
  if (is_preflight(endpoint)) return preflight(request);
  Response response;
  switch (endpoint_of(endpoint).shape) {
    case SegmentShape::settings: response = settings(request); break;
    case SegmentShape::source_configuration: response = source_configuration(request); break;
    default: response.body = R"({"status":"ok"})"; break;
  }
  allow_origin(request, response);
  return response;
}

Response SegmentDialect::settings(const Request& request) const {
  const std::string& key = request.parameters.front();
  if (sources_.admit(key, {}).admission == SourceTable::Admission::unknown) {
    return http::error_response(404, "unknown_write_key", "No source has this write key.",
                                "Check the write key.");
  }
  Response response;
  std::string& body = response.body;
  body = R"({"integrations":{"Segment.io":{"apiKey":)";
  http::append_json_string(body, key);
  body += R"(,"apiHost":)";
  http::append_json_string(body, std::string(request.header("host")) + "/v1");
  body +=
      R"(,"unbundledIntegrations":[],"addBundledMetadata":true,"versionSettings":{"version":"4.4.7","componentTypes":["browser"]}}},)"
      R"("plan":{"track":{"__default":{"enabled":true,"integrations":{}}},"identify":{"__default":{"enabled":true}},)"
      R"("group":{"__default":{"enabled":true}}},"edgeFunction":{},"analyticsNextEnabled":true,)"
      R"("middlewareSettings":{},"enabledMiddleware":{},"metrics":{"sampleRate":0},"legacyVideoPluginsEnabled":false,)"
      R"("remotePlugins":[]})";
  return response;
}

Response SegmentDialect::source_configuration(const Request& request) const {
  const Credential credential = credential_of(request);
  const auto answer = sources_.admit(credential.write_key, credential.secret);
  if (!credential.present() || answer.admission == SourceTable::Admission::unknown) {
    return http::error_response(400, "unknown_write_key", "No source has this write key.",
                                "Check the write key.");
  }
  Response response;
  std::string& body = response.body;
  const std::string name(sources_.name(answer.source));
  body = R"({"source":{"id":)";
  http::append_json_string(body, name);
  body += R"(,"name":)";
  http::append_json_string(body, name);
  body += R"(,"writeKey":)";
  http::append_json_string(body, credential.write_key);
  body += R"(,"enabled":)";
  body += answer.admission == SourceTable::Admission::admitted ? "true" : "false";
  body +=
      R"(,"workspaceId":"millrace","config":{"statsCollection":{"errors":{"enabled":false},"metrics":{"enabled":false}}},)"
      R"("connections":[],"destinations":[],"dataplanes":{}},"updatedAt":"1970-01-01T00:00:00.000Z"})";
  return response;
}

}  // namespace millrace::collect
