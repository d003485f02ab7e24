#include <memory>
#include <string_view>
#include <utility>

#include "serve/parameters.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

struct ContractRoute {
  http::Method method;
  std::string_view pattern;
  std::string_view operation;  // The operationId of openapi.json.
};

constexpr ContractRoute kRoutes[] = {
    {http::Method::get, "/v1/contracts", "list_contracts"},
    {http::Method::get, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}", "get_contract"},
    {http::Method::put, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}", "put_contract"},
    {http::Method::del, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}", "delete_contract"},
    {http::Method::post, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}/check", "check_contract"},
    {http::Method::get, "/api/schemas/{vendor}/{name}/{format}/{version}", "iglu_schema"},
    {http::Method::get, "/v1/contracts/modes", "contract_modes"},
    {http::Method::put, "/v1/contracts/modes", "set_contract_modes"},
    {http::Method::get, "/v1/contracts/violations", "contract_violations"},
    {http::Method::get, "/v1/contracts/proposals", "contract_proposals"},
    {http::Method::post, "/v1/contracts/proposals/{name}/accept", "accept_proposal"},
    {http::Method::post, "/v1/contracts/proposals/{name}/ignore", "ignore_proposal"},
    {http::Method::get, "/v1/contracts/alerts", "contract_alerts"},
    {http::Method::get, "/v1/contracts/rules", "quality_rules"},
    {http::Method::put, "/v1/contracts/rules", "set_quality_rules"},
    {http::Method::get, "/v1/quarantine", "list_quarantine"},
    {http::Method::get, "/v1/quarantine/{partition}/{offset}", "get_quarantined"},
    {http::Method::put, "/v1/quarantine/{partition}/{offset}/state", "mark_quarantined"},
    {http::Method::post, "/v1/quarantine/replay", "replay_quarantine"},
};

// Iglu clients may send what we do not know.
bool takes_parameters(std::string_view operation) {
  return operation == "list_quarantine" || operation == "iglu_schema";
}

}  // namespace

void add_contract_routes(RouteTable& table, const Sources& sources) {
  for (const ContractRoute& route : kRoutes) {
    table.later(
        route.method, route.pattern,
        [&sources, operation = route.operation](const http::Request& request, http::Responder responder) {
          if (!sources.contracts)
            return std::move(responder).send(not_available("The registry of contracts"));
          if (!takes_parameters(operation)) {
            if (auto refusal = Parameters::refuse_any(request))
              return std::move(responder).send(*std::move(refusal));
          }
          auto shared = std::make_shared<http::Responder>(std::move(responder));
          sources.contracts(operation, request, [shared](http::Response response) {
            std::move(*shared).send(std::move(response));
          });
        });
  }
}

}  // namespace millrace::serve
