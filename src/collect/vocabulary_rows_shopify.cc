#include "collect/vocabulary_rows.h"

namespace millrace::collect {

using event::Amount;
using event::EventType;
using event::Text;

namespace {

// Topics of Shopify's webhooks; every other topic becomes `other`.
constexpr EventNameRow kEventNames[] = {
    {"orders/create", "", EventType::order_completed},
    {"orders/updated", "", EventType::order_updated},
    {"orders/edited", "", EventType::order_updated},
    {"orders/paid", "", EventType::order_updated},
    {"orders/fulfilled", "", EventType::order_updated},
    {"orders/partially_fulfilled", "", EventType::order_updated},
    {"orders/cancelled", "", EventType::order_cancelled},
    {"refunds/create", "", EventType::order_refunded},
    {"checkouts/create", "", EventType::checkout_started},
    {"checkouts/update", "", EventType::checkout_step_completed},
    {"carts/create", "", EventType::cart_viewed},
    {"carts/update", "", EventType::cart_viewed},
    {"customers/create", "", EventType::identified},
    {"customers/update", "", EventType::identified},
};

constexpr FieldRow kFields[] = {
    // Who. An attribute of the cart named anonymousId, anonymous_id or millrace_id carries the visitor of the browser.
    {"note_attributes.anonymous_id.value", Scope::any, to(Text::anonymous_id)},
    {"attributes.anonymous_id", Scope::any, to(Text::anonymous_id)},
    {"attributes.anonymousId", Scope::any, to(Text::anonymous_id)},
    {"attributes.millrace_id", Scope::any, to(Text::anonymous_id)},
    {"customer.id", Scope::any, to(Text::user_id)},
    {"id", Scope::identify, to(Text::user_id)},
    {"email", Scope::any, to(Text::email)},
    {"contact_email", Scope::any, to(Text::email)},
    {"customer.email", Scope::any, to(Text::email)},
    {"browser_ip", Scope::any, to(Text::ip)},
    {"client_details.browser_ip", Scope::any, to(Text::ip)},
    {"client_details.user_agent", Scope::any, to(Text::user_agent)},
    {"customer_locale", Scope::any, to(Text::locale)},
    {"landing_site", Scope::any, to(Text::page_url)},
    {"referring_site", Scope::any, to(Text::page_referrer)},
    {"shipping_address.country_code", Scope::any, kCountry},
    {"billing_address.country_code", Scope::any, kCountry},
    {"default_address.country_code", Scope::any, kCountry},

    // What. A refund's own id is not the order's.
    {"order_id", Scope::order, to(Text::order_id)},
    {"order_edit.order_id", Scope::order, to(Text::order_id)},
    {"id", Scope::order, to(Text::order_id)},
    {"checkout_id", Scope::any, to(Text::checkout_id)},
    {"id", Scope::checkout, to(Text::checkout_id)},
    {"token", Scope::checkout, to(Text::checkout_id)},
    {"cart_token", Scope::any, to(Text::cart_id)},
    {"id", Scope::cart, to(Text::cart_id)},
    {"token", Scope::cart, to(Text::cart_id)},
    {"source_name", Scope::any, to(Text::affiliation)},
    // A cart's currency is only in its prices; a refund's transactions are in the customer's, its lines in the shop's.
    {"currency", Scope::any, kCurrency},
    {"total_duties_set.shop_money.currency_code", Scope::order, kCurrency},
    {"refund_line_items[].subtotal_set.shop_money.currency_code", Scope::order, kCurrency},
    {"order_adjustments[].amount_set.shop_money.currency_code", Scope::order, kCurrency},
    {"transactions[].currency", Scope::order, kCurrency},
    {"line_items[].price_set.shop_money.currency_code", Scope::cart, kCurrency},
    {"total_price", Scope::any, to(Amount::total)},
    {"subtotal_price", Scope::any, to(Amount::subtotal)},
    {"total_tax", Scope::any, to(Amount::tax)},
    {"total_discounts", Scope::any, to(Amount::discount)},
    {"total_shipping_price_set.shop_money.amount", Scope::any, to(Amount::shipping)},
    {"discount_codes[].code", Scope::any, to(Text::coupon)},
    {"payment_gateway_names[]", Scope::any, to(Text::payment_method)},
    {"gateway", Scope::any, to(Text::payment_method)},
    {"shipping_lines[].title", Scope::any, to(Text::shipping_method)},
    {"line_items", Scope::any, kLines},
    {"line_items[].product_id", Scope::any, to(LineField::product_id)},
    {"line_items[].sku", Scope::any, to(LineField::sku)},
    {"line_items[].title", Scope::any, to(LineField::name)},
    {"line_items[].name", Scope::any, to(LineField::name)},
    {"line_items[].vendor", Scope::any, to(LineField::brand)},
    {"line_items[].product_type", Scope::any, to(LineField::category)},
    {"line_items[].variant_title", Scope::any, to(LineField::variant)},
    {"line_items[].price", Scope::any, to(LineField::price)},
    {"line_items[].quantity", Scope::any, to(LineField::quantity)},
    {"refund_line_items", Scope::order, kLines},
    {"refund_line_items[].line_item.product_id", Scope::any, to(LineField::product_id)},
    {"refund_line_items[].line_item.sku", Scope::any, to(LineField::sku)},
    {"refund_line_items[].line_item.title", Scope::any, to(LineField::name)},
    {"refund_line_items[].line_item.vendor", Scope::any, to(LineField::brand)},
    {"refund_line_items[].line_item.price", Scope::any, to(LineField::price)},
    {"refund_line_items[].quantity", Scope::any, to(LineField::quantity)},
};

}  // namespace

Rows shopify_rows() { return {kEventNames, kFields}; }

}  // namespace millrace::collect
