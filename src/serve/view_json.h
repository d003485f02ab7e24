#pragma once

#include "event/view.h"
#include "serve/json_writer.h"
#include "serve/views.h"

namespace millrace::serve {

// The JSON of the views, as docs/guide/api.md has it; routes and the live stream share it.
void write_product(JsonWriter& json, const event::ProductView& product);
void write_visitor(JsonWriter& json, const event::VisitorView& visitor);
void write_session(JsonWriter& json, const SessionSummary& session);
// The fields of a product among others: name, category, price and what is available; nulls when it is
// unknown.
void write_product_card(JsonWriter& json, const event::ProductView* product);
// The best n that can be sold.
void write_trending(JsonWriter& json, Views& views, std::string_view category, std::size_t n);
// At most kFunnelRowsMax rows, the largest; the total is of all.
constexpr std::size_t kFunnelRowsMax = 5'000;
void write_funnel(JsonWriter& json, const FunnelQuery& query, const FunnelAnswer& answer);
void write_top_products(JsonWriter& json, const Views& views, ProductOrder order, std::size_t n);
void write_verdicts(JsonWriter& json, const LedgerCounts& counts);

// False only when it is known that there is none left.
inline bool sellable(const event::ProductView* product) {
  return product == nullptr || !product->stock_known || product->available > 0;
}

}  // namespace millrace::serve
