#include "collect/vocabulary_rows.h"

namespace millrace::collect {

using event::Amount;
using event::EventType;
using event::Text;

namespace {

// The actions of the e-commerce plugin, the names of self-describing events, and the short names of the others.
constexpr EventNameRow kEventNames[] = {
    {"pv", "", EventType::page_viewed},
    {"tr", "", EventType::order_completed},
    {"screen_view", "", EventType::screen_viewed},
    {"site_search", "", EventType::product_searched},
    {"list_view", "view", EventType::product_list_viewed},
    {"list_click", "click", EventType::product_clicked},
    {"product_view", "detail", EventType::product_viewed},
    {"add_to_cart", "add", EventType::product_added},
    {"remove_from_cart", "remove", EventType::product_removed},
    {"promo_view", "", EventType::promotion_viewed},
    {"promo_click", "", EventType::promotion_clicked},
    {"checkout_step", "checkout_option", EventType::checkout_step_completed},
    {"trns_error", "", EventType::payment_failed},
    {"transaction", "purchase", EventType::order_completed},
    {"refund", "", EventType::order_refunded},
};

// An element of `co` and the event in `ue_pr` go by the name of their schema, as the reader puts it there.
constexpr FieldRow kFields[] = {
    // The tracker and its payload.
    {"e", Scope::any, kEnvelope},
    {"aid", Scope::any, kEnvelope},
    {"dtm", Scope::any, kEnvelope},
    {"stm", Scope::any, kEnvelope},
    {"ttm", Scope::any, kEnvelope},
    {"eid", Scope::any, to(Text::message_id)},
    {"duid", Scope::any, to(Text::anonymous_id)},
    {"co.data.client_session.data.userId", Scope::any, to(Text::anonymous_id)},
    {"tnuid", Scope::any, to(Text::anonymous_id)},
    {"nuid", Scope::any, to(Text::anonymous_id)},
    {"sid", Scope::any, to(Text::anonymous_id)},
    {"uid", Scope::any, to(Text::user_id)},
    {"co.data.user.data.id", Scope::any, to(Text::user_id)},
    {"co.data.user.data.email", Scope::any, to(Text::email)},
    {"tv", Scope::any, to(Text::library_version)},
    {"ip", Scope::any, to(Text::ip)},
    {"ua", Scope::any, to(Text::user_agent)},
    {"lang", Scope::any, to(Text::locale)},
    {"tz", Scope::any, to(Text::timezone)},
    {"url", Scope::any, to(Text::page_url)},
    {"page", Scope::any, to(Text::page_title)},
    {"refr", Scope::any, to(Text::page_referrer)},

    // Structured events, screens, searches.
    {"se_ac", Scope::any, to(Text::event_name)},
    {"se_ca", Scope::any, to(Text::category)},
    {"se_va", Scope::any, to(Amount::value)},
    {"ue_pr.screen_view.data.name", Scope::any, to(Text::event_name)},

    // The e-commerce plugin: what happened is in the event, to what in the contexts.
    {"ue_pr.snowplow_ecommerce_action.data.type", Scope::any, to(Text::event_name)},
    {"ue_pr.snowplow_ecommerce_action.data.name", Scope::any, to(Text::list_id)},
    {"co.data.product.data", Scope::any, kOneLine},
    {"co.data.product.data.id", Scope::any, to(LineField::product_id)},
    {"co.data.product.data.name", Scope::any, to(LineField::name)},
    {"co.data.product.data.brand", Scope::any, to(LineField::brand)},
    {"co.data.product.data.category", Scope::any, to(LineField::category)},
    {"co.data.product.data.variant", Scope::any, to(LineField::variant)},
    {"co.data.product.data.price", Scope::any, to(LineField::price)},
    {"co.data.product.data.quantity", Scope::any, to(LineField::quantity)},
    {"co.data.product.data.position", Scope::any, to(LineField::position)},
    {"co.data.cart.data.cart_id", Scope::any, to(Text::cart_id)},
    {"co.data.transaction.data.transaction_id", Scope::any, to(Text::order_id)},
    {"co.data.transaction.data.revenue", Scope::any, to(Amount::revenue)},
    {"co.data.transaction.data.tax", Scope::any, to(Amount::tax)},
    {"co.data.transaction.data.shipping", Scope::any, to(Amount::shipping)},
    {"co.data.transaction.data.discount_amount", Scope::any, to(Amount::discount)},
    {"co.data.transaction.data.discount_code", Scope::any, to(Text::coupon)},
    {"co.data.transaction.data.payment_method", Scope::any, to(Text::payment_method)},
    {"co.data.refund.data.transaction_id", Scope::any, to(Text::order_id)},
    {"co.data.refund.data.refund_amount", Scope::any, to(Amount::total)},
    {"co.data.checkout_step.data.step", Scope::any, to(Text::step)},
    {"co.data.checkout_step.data.payment_method", Scope::any, to(Text::payment_method)},
    {"co.data.checkout_step.data.delivery_method", Scope::any, to(Text::shipping_method)},
    {"co.data.checkout_step.data.delivery_provider", Scope::any, to(Text::shipping_method)},
    {"co.data.checkout_step.data.coupon_code", Scope::any, to(Text::coupon)},
    {"co.data.promotion.data.id", Scope::any, to(Text::promotion_id)},
    {"co.data.transaction.data.currency", Scope::any, kCurrency},
    {"co.data.refund.data.currency", Scope::any, kCurrency},
    {"co.data.cart.data.currency", Scope::any, kCurrency},
    {"co.data.product.data.currency", Scope::any, kCurrency},

    // The plugin of Google's enhanced e-commerce, the same in its words.
    {"ue_pr.action.data.action", Scope::any, to(Text::event_name)},
    {"co.data.productFieldObject.data", Scope::any, kOneLine},
    {"co.data.productFieldObject.data.id", Scope::any, to(LineField::product_id)},
    {"co.data.productFieldObject.data.name", Scope::any, to(LineField::name)},
    {"co.data.productFieldObject.data.brand", Scope::any, to(LineField::brand)},
    {"co.data.productFieldObject.data.category", Scope::any, to(LineField::category)},
    {"co.data.productFieldObject.data.variant", Scope::any, to(LineField::variant)},
    {"co.data.productFieldObject.data.coupon", Scope::any, to(LineField::coupon)},
    {"co.data.productFieldObject.data.price", Scope::any, to(LineField::price)},
    {"co.data.productFieldObject.data.quantity", Scope::any, to(LineField::quantity)},
    {"co.data.productFieldObject.data.position", Scope::any, to(LineField::position)},
    {"co.data.impressionFieldObject.data", Scope::any, kOneLine},
    {"co.data.impressionFieldObject.data.id", Scope::any, to(LineField::product_id)},
    {"co.data.impressionFieldObject.data.name", Scope::any, to(LineField::name)},
    {"co.data.impressionFieldObject.data.brand", Scope::any, to(LineField::brand)},
    {"co.data.impressionFieldObject.data.category", Scope::any, to(LineField::category)},
    {"co.data.impressionFieldObject.data.variant", Scope::any, to(LineField::variant)},
    {"co.data.impressionFieldObject.data.price", Scope::any, to(LineField::price)},
    {"co.data.impressionFieldObject.data.position", Scope::any, to(LineField::position)},
    {"co.data.impressionFieldObject.data.list", Scope::any, to(Text::list_id)},
    {"co.data.actionFieldObject.data.id", Scope::order, to(Text::order_id)},
    {"co.data.actionFieldObject.data.affiliation", Scope::any, to(Text::affiliation)},
    {"co.data.actionFieldObject.data.revenue", Scope::any, to(Amount::revenue)},
    {"co.data.actionFieldObject.data.tax", Scope::any, to(Amount::tax)},
    {"co.data.actionFieldObject.data.shipping", Scope::any, to(Amount::shipping)},
    {"co.data.actionFieldObject.data.coupon", Scope::any, to(Text::coupon)},
    {"co.data.actionFieldObject.data.list", Scope::any, to(Text::list_id)},
    {"co.data.actionFieldObject.data.step", Scope::any, to(Text::step)},
    {"co.data.promoFieldObject.data.id", Scope::any, to(Text::promotion_id)},
    {"co.data.actionFieldObject.data.currency", Scope::any, kCurrency},
    {"co.data.productFieldObject.data.currency", Scope::any, kCurrency},
    {"co.data.impressionFieldObject.data.currency", Scope::any, kCurrency},

    // Cart events of trackers before the plugin.
    {"ue_pr.add_to_cart.data", Scope::any, kOneLine},
    {"ue_pr.add_to_cart.data.sku", Scope::any, to(LineField::product_id)},
    {"ue_pr.add_to_cart.data.name", Scope::any, to(LineField::name)},
    {"ue_pr.add_to_cart.data.category", Scope::any, to(LineField::category)},
    {"ue_pr.add_to_cart.data.unitPrice", Scope::any, to(LineField::price)},
    {"ue_pr.add_to_cart.data.quantity", Scope::any, to(LineField::quantity)},
    {"ue_pr.add_to_cart.data.currency", Scope::any, kCurrency},
    {"ue_pr.remove_from_cart.data", Scope::any, kOneLine},
    {"ue_pr.remove_from_cart.data.sku", Scope::any, to(LineField::product_id)},
    {"ue_pr.remove_from_cart.data.name", Scope::any, to(LineField::name)},
    {"ue_pr.remove_from_cart.data.category", Scope::any, to(LineField::category)},
    {"ue_pr.remove_from_cart.data.unitPrice", Scope::any, to(LineField::price)},
    {"ue_pr.remove_from_cart.data.quantity", Scope::any, to(LineField::quantity)},
    {"ue_pr.remove_from_cart.data.currency", Scope::any, kCurrency},

    // Transactions of trackers before the plugin: their items come as events of their own.
    {"tr_id", Scope::any, to(Text::order_id)},
    {"tr_af", Scope::any, to(Text::affiliation)},
    {"tr_tt", Scope::any, to(Amount::total)},
    {"tr_tx", Scope::any, to(Amount::tax)},
    {"tr_sh", Scope::any, to(Amount::shipping)},
    {"tr_cu", Scope::any, kCurrency},
    {"ti_id", Scope::any, to(Text::order_id)},
    {"ti_sk", Scope::any, to(LineField::product_id)},
    {"ti_nm", Scope::any, to(LineField::name)},
    {"ti_ca", Scope::any, to(LineField::category)},
    {"ti_pr", Scope::any, to(LineField::price)},
    {"ti_qu", Scope::any, to(LineField::quantity)},
    {"ti_cu", Scope::any, kCurrency},
};

}  // namespace

Rows snowplow_rows() { return {kEventNames, kFields}; }

}  // namespace millrace::collect
