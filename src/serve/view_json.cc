#include "serve/view_json.h"

#include <algorithm>

namespace millrace::serve {

void write_product(JsonWriter& json, const event::ProductView& product) {
  json.begin_object()
      .field("product_id", product.product_id)
      .field("name", product.name)
      .field("category", product.category);
  json.key("price").money(product.price, product.currency);
  json.field("views", product.views)
      .field("carts", product.carts)
      .field("purchases", product.purchases)
      .field("units_sold", product.units_sold);
  json.key("revenue").money(product.revenue, product.currency);
  json.key("stock");
  if (product.stock_known) {
    json.begin_object()
        .field("on_hand", product.on_hand)
        .field("reserved", product.reserved)
        .field("available", product.available)
        .end_object();
  } else {
    json.null();
  }
  json.end_object();
}

namespace {

void write_optional(JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

}  // namespace

void write_visitor(JsonWriter& json, const event::VisitorView& visitor) {
  json.begin_object().field("visitor_id", visitor.visitor_id);
  write_optional(json, "user_id", visitor.user_id);
  json.key("first_seen").time(visitor.first_seen);
  json.key("last_seen").time(visitor.last_seen);
  json.field("sessions", visitor.sessions)
      .field("events", visitor.events)
      .field("orders", visitor.orders)
      .field("first_channel", event::to_string(visitor.first_channel));
  json.key("session").begin_object();
  json.key("id").id(visitor.session_id);
  json.field("open", visitor.open).key("started_at").time(visitor.session_started);
  json.field("channel", event::to_string(visitor.channel))
      .field("device", event::to_string(visitor.device))
      .field("country", visitor.country)
      .field("entry_page", visitor.entry_page)
      .field("level", event::to_string(visitor.level))
      .field("events", visitor.session_events);
  json.key("items").begin_array();
  for (const std::string& item : visitor.items) json.value(std::string_view(item));
  json.end_array().end_object();
  json.key("cart").begin_array();
  for (const event::CartLine& line : visitor.cart) {
    json.begin_object()
        .field("product_id", line.product_id)
        .field("name", line.name)
        .field("quantity", line.quantity)
        .key("price")
        .money(line.price, visitor.currency)
        .end_object();
  }
  json.end_array().end_object();
}

void write_session(JsonWriter& json, const SessionSummary& session) {
  json.begin_object().key("session_id").id(session.session_id);
  json.field("visitor_id", session.visitor_id)
      .field("state", session.open ? "open" : "closed")
      .field("channel", event::to_string(session.channel))
      .field("device", event::to_string(session.device))
      .field("country", session.country)
      .field("level", event::to_string(session.level))
      .field("events", session.events)
      .field("entry_page", session.entry_page);
  json.key("started_at").time(session.started_at);
  write_optional(json, "last_item", session.last_item);
  json.end_object();
}

void write_product_card(JsonWriter& json, const event::ProductView* product) {
  write_optional(json, "name", product ? std::string_view(product->name) : std::string_view());
  write_optional(json, "category", product ? std::string_view(product->category) : std::string_view());
  json.key("price");
  if (product) {
    json.money(product->price, product->currency);
  } else {
    json.null();
  }
  json.key("available");
  if (product && product->stock_known) {
    json.value(product->available);
  } else {
    json.null();
  }
}

void write_trending(JsonWriter& json, Views& views, std::string_view category, std::size_t n) {
  const TrendingAnswer ranking = views.trending(category);
  json.begin_object().field("category", category).key("as_of").time(ranking.as_of).key("items").begin_array();
  if (ranking.view) {
    for (const event::TrendingItem& item : ranking.view->items) {
      if (n == 0) break;
      const ProductPointer product = views.product(item.product_id);
      if (!sellable(product.get())) continue;
      --n;
      json.begin_object()
          .field("product_id", item.product_id)
          .field("score", item.score)
          .field("events_per_hour", item.fast_rate);
      write_product_card(json, product.get());
      json.end_object();
    }
  }
  json.end_array().end_object();
}

void write_funnel(JsonWriter& json, const FunnelQuery& query, const FunnelAnswer& answer) {
  const auto write_steps = [&json](const auto& sessions) {
    json.begin_array();
    for (const std::uint64_t count : sessions) json.value(count);
    json.end_array();
  };
  json.begin_object().key("from").instant(query.from).key("to").instant(query.to).key("by").begin_array();
  if (query.by.channel) json.value("channel");
  if (query.by.device) json.value("device");
  if (query.by.category) json.value("category");
  json.end_array().key("steps").begin_array();
  for (std::size_t i = 0; i < event::kFunnelStepCount; ++i)
    json.value(event::to_string(static_cast<event::FunnelStep>(i)));
  json.end_array().key("rows").begin_array();
  const std::size_t shown = std::min(answer.rows.size(), kFunnelRowsMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const FunnelRow& row = answer.rows[i];
    json.begin_object();
    if (query.by.channel) json.field("channel", event::to_string(row.channel));
    if (query.by.device) json.field("device", event::to_string(row.device));
    if (query.by.category) json.field("category", row.category);
    json.key("sessions");
    write_steps(row.sessions);
    json.end_object();
  }
  json.end_array().key("total");
  write_steps(answer.total);
  json.field("rows_left_out", answer.rows.size() - shown).field("complete", answer.complete).end_object();
}

void write_top_products(JsonWriter& json, const Views& views, ProductOrder order, std::size_t n) {
  json.begin_object().key("items").begin_array();
  for (const ProductPointer& product : views.top_products(order, n)) write_product(json, *product);
  json.end_array().end_object();
}

void write_verdicts(JsonWriter& json, const LedgerCounts& counts) {
  for (std::size_t i = 0; i < event::kVerdictCount; ++i) {
    json.field(event::to_string(static_cast<event::Verdict>(i)), counts.verdicts[i]);
  }
}

}  // namespace millrace::serve
