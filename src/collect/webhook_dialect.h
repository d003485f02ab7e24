#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collect/dialect.h"
#include "collect/shopify_stock.h"
#include "collect/source_table.h"
#include "collect/vocabulary.h"
#include "collect/webhook_mapping.h"

namespace millrace::collect {

// What other systems post about the shop: Shopify's webhooks, and anybody's signed JSON by a mapping. The write key is in the
// path; nothing is taken from a source without a secret, or without the signature that the secret makes. What was in quarantine is
// sent again by who shows the secret itself.
class WebhookDialect final : public Dialect {
 public:
  // `sources` and `stock`, when there is one, must outlive this.
  WebhookDialect(const SourceTable& sources, ItemLimits limits, ShopifyStock* stock = nullptr);

  std::vector<Endpoint> endpoints() const override;
  std::unique_ptr<Reader> reader() const override;
  http::Response answer(const http::Request& request, int endpoint, const Outcome& outcome) const override;
  http::Response refuse(const http::Request& request, int endpoint, const Refusal& refusal) const override;
  http::Response inform(const http::Request& request, int endpoint) const override;

  enum Shape : int { shopify, mapped, replayed };

 private:
  const SourceTable& sources_;
  const ItemLimits limits_;
  ShopifyStock* const stock_;
  const Vocabulary vocabulary_{Table::shopify};
};

}  // namespace millrace::collect
