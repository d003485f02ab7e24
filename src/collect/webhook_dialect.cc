#include "collect/webhook_dialect.h"

#include "collect/answers.h"
#include "collect/item_desk.h"
#include "collect/webhook_reader.h"

namespace millrace::collect {

using http::Request;
using http::Response;

WebhookDialect::WebhookDialect(const SourceTable& sources, ItemLimits limits, ShopifyStock* stock)
    : sources_(sources), limits_(within_journal_limits(limits)), stock_(stock) {}

std::vector<Dialect::Endpoint> WebhookDialect::endpoints() const {
  return {{http::Method::post, "/webhooks/shopify/{write_key}", shopify, Endpoint::Role::collects},
          {http::Method::post, "/webhooks/json/{write_key}", mapped, Endpoint::Role::collects},
          {http::Method::post, "/webhooks/replay", replayed, Endpoint::Role::collects}};
}

std::unique_ptr<Reader> WebhookDialect::reader() const {
  return std::make_unique<WebhookReader>(vocabulary_, sources_, limits_, stock_);
}

Response WebhookDialect::answer(const Request&, int, const Outcome& outcome) const {
  Response response;
  response.body = outcome_json(outcome);
  return response;
}

Response WebhookDialect::refuse(const Request& request, int, const Refusal& refusal) const {
  return refusal_answer(request, refusal);
}

Response WebhookDialect::inform(const Request&, int) const { return {}; }

}  // namespace millrace::collect
