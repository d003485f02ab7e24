#include "collect/segment_dialect.h"

#include "collect/answers.h"
#include "collect/item_desk.h"
#include "collect/segment_reader.h"
#include "collect/write_key.h"

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
    // Jitsu, from browsers and from servers.
    {Method::post, "/api/s/track", SegmentShape::one, Call::track},
    {Method::post, "/api/s/page", SegmentShape::one, Call::page},
    {Method::post, "/api/s/screen", SegmentShape::one, Call::screen},
    {Method::post, "/api/s/identify", SegmentShape::one, Call::identify},
    {Method::post, "/api/s/group", SegmentShape::one, Call::group},
    {Method::post, "/api/s/alias", SegmentShape::one, Call::alias},
    {Method::post, "/api/s/s2s/track", SegmentShape::one, Call::track},
    {Method::post, "/api/s/s2s/page", SegmentShape::one, Call::page},
    {Method::post, "/api/s/s2s/screen", SegmentShape::one, Call::screen},
    {Method::post, "/api/s/s2s/identify", SegmentShape::one, Call::identify},
    {Method::post, "/api/s/s2s/group", SegmentShape::one, Call::group},
    {Method::post, "/api/s/s2s/alias", SegmentShape::one, Call::alias},
    {Method::post, "/api/s/batch", SegmentShape::batch},
    {Method::post, "/api/s/s2s/batch", SegmentShape::batch},
    {Method::get, "/pixel/v1/track", SegmentShape::pixel, Call::track},
    {Method::get, "/pixel/v1/page", SegmentShape::pixel, Call::page},
    {Method::get, "/v1/projects/{write_key}/settings", SegmentShape::settings},
    {Method::get, "/sourceConfig", SegmentShape::source_configuration},
    {Method::get, "/health", SegmentShape::health},
};

const SegmentEndpoint& endpoint_of(int id) {
  return kEndpoints[static_cast<std::size_t>(id) % std::size(kEndpoints)];
}
bool is_preflight(int id) { return static_cast<std::size_t>(id) >= std::size(kEndpoints); }

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
  if (endpoint_of(endpoint).shape == SegmentShape::pixel) return gif();
  Response response;
  response.body = outcome_json(outcome);
  allow_origin(request, response);
  return response;
}

Response SegmentDialect::refuse(const Request& request, int endpoint, const Refusal& refusal) const {
  if (endpoint_of(endpoint).shape == SegmentShape::pixel)
    return gif();  // Browsers would show a broken image.
  return refusal_answer(request, refusal);
}

Response SegmentDialect::inform(const Request& request, int endpoint) const {
  if (is_preflight(endpoint)) return preflight(request, sources_);
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
  if (sources_.admit(key, {}).admission == Admission::unknown) {
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
  if (!credential.present() || answer.admission == Admission::unknown) {
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
  body += answer.admission == Admission::admitted ? "true" : "false";
  body +=
      R"(,"workspaceId":"millrace","config":{"statsCollection":{"errors":{"enabled":false},"metrics":{"enabled":false}}},)"
      R"("connections":[],"destinations":[],"dataplanes":{}},"updatedAt":"1970-01-01T00:00:00.000Z"})";
  return response;
}

}  // namespace millrace::collect
