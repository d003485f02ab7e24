#include "collect/vocabulary_rows.h"

namespace millrace::collect {

namespace {

constexpr std::string_view kTextNames[] = {
    "message_id",
    "anonymous_id",
    "user_id",
    "previous_id",
    "group_id",
    "event_name",
    "page_url",
    "page_path",
    "page_title",
    "page_referrer",
    "campaign_source",
    "campaign_medium",
    "campaign_name",
    "campaign_term",
    "campaign_content",
    "click_id",
    "user_agent",
    "device_type",
    "ip",
    "locale",
    "country",
    "timezone",
    "email",
    "order_id",
    "checkout_id",
    "cart_id",
    "coupon",
    "affiliation",
    "query",
    "list_id",
    "category",
    "promotion_id",
    "payment_method",
    "shipping_method",
    "step",
    "library_name",
    "library_version",
    "extra",
};
static_assert(std::size(kTextNames) == event::kTextCount);
constexpr std::string_view kAmountNames[] = {"revenue",  "total",    "subtotal", "tax",
                                             "shipping", "discount", "value"};
static_assert(std::size(kAmountNames) == event::kAmountCount);
constexpr std::string_view kLineNames[] = {"product_id", "sku",    "name",  "brand",    "category",
                                           "variant",    "coupon", "price", "quantity", "position"};
static_assert(std::size(kLineNames) == kLineFieldCount);

Rows rows_of(Table table) {
  switch (table) {
    case Table::segment: return segment_rows();
    case Table::snowplow: return snowplow_rows();
    case Table::ga4_protocol: return ga4_protocol_rows();
    case Table::ga4_tag: return ga4_tag_rows();
    case Table::shopify: return shopify_rows();
  }
  return {};
}

}  // namespace

std::span<const EventNameRow> event_name_rows(Table table) { return rows_of(table).names; }
std::span<const FieldRow> field_rows(Table table) { return rows_of(table).fields; }

std::string_view to_string(Table table) {
  switch (table) {
    case Table::segment: return "Segment and RudderStack";
    case Table::snowplow: return "Snowplow";
    case Table::ga4_protocol: return "GA4 Measurement Protocol";
    case Table::ga4_tag: return "GA4 gtag";
    case Table::shopify: return "Shopify webhooks";
  }
  return "";
}

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::any: return "any";
    case Scope::page: return "page";
    case Scope::track: return "track";
    case Scope::line: return "one product";
    case Scope::not_line: return "not one product";
    case Scope::list: return "list";
    case Scope::coupon_event: return "coupon";
    case Scope::order: return "order";
    case Scope::identify: return "identify";
    case Scope::checkout: return "checkout";
    case Scope::cart: return "cart";
  }
  return "";
}

std::optional<Target> parse_target(std::string_view name) {
  if (name == "currency") return kCurrency;
  if (name == "country") return kCountry;
  if (name == "extra") return std::nullopt;  // What no row takes, and nothing else.
  for (std::size_t i = 0; i < std::size(kTextNames); ++i) {
    if (kTextNames[i] == name) return to(static_cast<event::Text>(i));
  }
  for (std::size_t i = 0; i < std::size(kAmountNames); ++i) {
    if (kAmountNames[i] == name) return to(static_cast<event::Amount>(i));
  }
  return std::nullopt;
}

std::optional<Target> parse_line_target(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kLineNames); ++i) {
    if (kLineNames[i] == name) return to(static_cast<LineField>(i));
  }
  return std::nullopt;
}

std::string to_string(Target target) {
  switch (target.kind) {
    case Target::Kind::text: return std::string(kTextNames[target.index]);
    case Target::Kind::amount: return "amount " + std::string(kAmountNames[target.index]);
    case Target::Kind::line: return "line " + std::string(kLineNames[target.index]);
    case Target::Kind::currency: return "currency";
    case Target::Kind::country: return "country";
    case Target::Kind::lines: return "lines";
    case Target::Kind::one_line: return "a line";
    case Target::Kind::envelope: return "envelope";
  }
  return "";
}

}  // namespace millrace::collect
