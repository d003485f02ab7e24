#include <memory>
#include <string_view>
#include <utility>

#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

// The one that reads parameters, and refuses those it does not know.
constexpr std::string_view kWithParameters = "list_audit";

struct AdminRoute {
  http::Method method;
  std::string_view pattern;
  std::string_view operation;  // The operationId of openapi.json.
};

constexpr AdminRoute kRoutes[] = {
    {http::Method::get, "/v1/admin/session", "session"},
    {http::Method::post, "/v1/admin/session", "sign_in"},
    {http::Method::del, "/v1/admin/session", "sign_out"},
    {http::Method::get, "/v1/admin/tokens", "list_tokens"},
    {http::Method::post, "/v1/admin/tokens", "create_token"},
    {http::Method::del, "/v1/admin/tokens/{id}", "revoke_token"},
    {http::Method::get, "/v1/admin/keys", "list_keys"},
    {http::Method::post, "/v1/admin/keys", "create_key"},
    {http::Method::put, "/v1/admin/keys/{id}", "change_key"},
    {http::Method::post, "/v1/admin/keys/{id}/rotate", "rotate_key"},
    {http::Method::del, "/v1/admin/keys/{id}", "revoke_key"},
    {http::Method::get, "/v1/admin/audit", kWithParameters},
};

void write_refused(JsonWriter& json, std::string_view name, const std::vector<RefusedRequests>& refused) {
  json.key(name).begin_object();
  for (const auto& [code, requests] : refused) json.field(code, requests);
  json.end_object();
}

void write_region(JsonWriter& json, const std::string& region) {
  json.key("region");
  if (region.empty()) {
    json.null();
  } else {
    json.value(std::string_view(region));
  }
}

http::Response list_sources(const http::Request& request, const Sources& sources) {
  Parameters parameters(request);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  if (!sources.source_details) return not_available("The list of sources");
  const SourceDetails details = sources.source_details();
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("sources").begin_array();
  for (const SourceDetail& source : details.sources) {
    json.begin_object()
        .field("name", source.name)
        .field("from", source.from)
        .field("enabled", source.enabled);
    json.key("origins").begin_array();
    for (const std::string& origin : source.origins) json.value(std::string_view(origin));
    json.end_array().field("events_per_s", source.events_per_s).field("burst", source.burst);
    json.field("precedence", source.precedence);
    write_region(json, source.region);
    write_refused(json, "requests_refused", source.refused);
    json.end_object();
  }
  json.end_array();
  write_region(json, details.region);
  write_refused(json, "requests_refused_of_nobody", details.refused_of_nobody);
  json.key("requests_refused_since").time(details.refused_since);
  json.end_object();
  return json_response(std::move(body));
}

}  // namespace

void add_admin_routes(RouteTable& table, const Sources& sources) {
  table.answer(http::Method::get, "/v1/sources",
               [&sources](const http::Request& request) { return list_sources(request, sources); });
  for (const AdminRoute& route : kRoutes) {
    table.later(
        route.method, route.pattern,
        [&sources, operation = route.operation](const http::Request& request, http::Responder responder) {
          if (!sources.admin) return std::move(responder).send(not_available("Administration"));
          Parameters none(request);
          if (auto refusal = none.refusal(); refusal && operation != kWithParameters)
            return std::move(responder).send(*std::move(refusal));
          auto shared = std::make_shared<http::Responder>(std::move(responder));
          sources.admin(operation, request,
                        [shared](http::Response response) { std::move(*shared).send(std::move(response)); });
        });
  }
}

}  // namespace millrace::serve
