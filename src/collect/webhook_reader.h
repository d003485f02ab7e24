#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collect/item_desk.h"
#include "collect/webhook_dialect.h"
#include "collect/webhook_mark.h"

namespace millrace::collect {

// Checks who signed, and reads the body as one item of Shopify's or as those of a mapping. The signature is of the body as
// it was sent, so that a coded one is refused.
class WebhookReader final : public Reader {
 public:
  // All must outlive this.
  WebhookReader(const Vocabulary& shopify, const SourceTable& sources, const ItemLimits& limits,
                ShopifyStock* stock);

  std::optional<Refusal> read(const http::Request& request, int endpoint, base::WallTime received_at,
                              ItemSink& sink) override;
  std::optional<std::uint16_t> sender() const override { return sender_; }

 private:
  std::optional<Refusal> check(const SourceSettings& source, std::string_view header, std::string_view prefix,
                               SignatureCoding coding, const http::Request& request) const;
  std::optional<Refusal> read_shopify(const SourceSettings& source, const http::Request& request,
                                      base::WallTime received_at, ItemSink& sink);
  std::optional<Refusal> read_mapped(const SourceSettings& source, const http::Request& request,
                                     base::WallTime received_at, ItemSink& sink);
  std::optional<Refusal> read_replay(const SourceSettings& source, const http::Request& request,
                                     base::WallTime received_at, ItemSink& sink);
  ItemDesk& desk_of(const std::shared_ptr<const WebhookMapping>& mapping);
  void accept_shopify(const WebhookMark& mark);
  std::optional<Refusal> take_stock(const http::Request& request, base::WallTime received_at, ItemSink& sink);
  base::Status learn_skus();
  void name_visitor(Subject& subject, std::string_view shop);
  // `mark`: of an item that is sent again, else null.
  void accept_mapped(const WebhookMapping& mapping, ItemDesk& desk, const WebhookMark* mark);

  const Vocabulary& vocabulary_;
  SourceView view_;  // Of this request.
  std::optional<std::uint16_t> sender_;
  const SourceTable& sources_;
  const ItemLimits& limits_;
  ShopifyStock* const stock_;
  ItemDesk shopify_;
  std::map<std::shared_ptr<const WebhookMapping>, std::unique_ptr<ItemDesk>> desks_;
  JsonIndex index_;
  std::string visitor_;
  std::string message_id_;
  std::string kept_with_;
};

}  // namespace millrace::collect
