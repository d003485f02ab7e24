#include "collect/ga4_dialect.h"

#include "collect/answers.h"
#include "collect/ga4_reader.h"
#include "collect/ga4_validation.h"
#include "collect/item_desk.h"

namespace millrace::collect {

using http::Method;
using http::Request;
using http::Response;

namespace {
enum Shape : int { collected, validated, preflight_answer };
using Role = Dialect::Endpoint::Role;
}  // namespace

Ga4ProtocolDialect::Ga4ProtocolDialect(const SourceTable& sources, ItemLimits limits)
    : sources_(sources), limits_(within_journal_limits(limits)) {}

std::vector<Dialect::Endpoint> Ga4ProtocolDialect::endpoints() const {
  return {{Method::post, "/mp/collect", collected, Role::collects},
          {Method::options, "/mp/collect", preflight_answer, Role::informs},
          {Method::post, "/debug/mp/collect", validated, Role::informs},
          {Method::options, "/debug/mp/collect", preflight_answer, Role::informs}};
}

std::unique_ptr<Reader> Ga4ProtocolDialect::reader() const {
  return std::make_unique<Ga4ProtocolReader>(vocabulary_, sources_, limits_);
}

Response Ga4ProtocolDialect::answer(const Request& request, int, const Outcome&) const {
  return plain(request, 204, {});
}

Response Ga4ProtocolDialect::refuse(const Request& request, int, const Refusal& refusal) const {
  return refusal_answer(request, refusal);
}

Response Ga4ProtocolDialect::inform(const Request& request, int endpoint) const {
  if (endpoint == preflight_answer) return preflight(request, sources_);
  Response response;
  response.body = ga4_validation(request);
  allow_origin(request, response);
  return response;
}

Ga4TagDialect::Ga4TagDialect(const SourceTable& sources, ItemLimits limits)
    : sources_(sources), limits_(within_journal_limits(limits)) {}

std::vector<Dialect::Endpoint> Ga4TagDialect::endpoints() const {
  return {{Method::post, "/g/collect", collected, Role::collects},
          {Method::get, "/g/collect", collected, Role::collects},
          {Method::options, "/g/collect", preflight_answer, Role::informs}};
}

std::unique_ptr<Reader> Ga4TagDialect::reader() const {
  return std::make_unique<Ga4TagReader>(vocabulary_, sources_, limits_);
}

Response Ga4TagDialect::answer(const Request& request, int, const Outcome&) const {
  return plain(request, 204, {});
}

Response Ga4TagDialect::refuse(const Request& request, int, const Refusal& refusal) const {
  return refusal_answer(request, refusal);
}

Response Ga4TagDialect::inform(const Request& request, int) const { return preflight(request, sources_); }

}  // namespace millrace::collect
