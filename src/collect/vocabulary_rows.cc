#include "collect/vocabulary_rows.h"

namespace millrace::collect {

using event::Amount;
using event::EventType;
using event::Text;

namespace {

// The e-commerce specification of Segment (version 2), which RudderStack shares; `alias` is version 1.
constexpr EventNameRow kEventNames[] = {
    {"Products Searched", "", EventType::product_searched},
    {"Product List Viewed", "Viewed Product Category", EventType::product_list_viewed},
    {"Product List Filtered", "", EventType::product_list_filtered},
    {"Product Clicked", "Clicked Product", EventType::product_clicked},
    {"Product Viewed", "Viewed Product", EventType::product_viewed},
    {"Product Added", "Added Product", EventType::product_added},
    {"Product Removed", "Removed Product", EventType::product_removed},
    {"Cart Viewed", "Viewed Cart", EventType::cart_viewed},
    {"Promotion Viewed", "Viewed Promotion", EventType::promotion_viewed},
    {"Promotion Clicked", "Clicked Promotion", EventType::promotion_clicked},
    {"Checkout Started", "Started Order", EventType::checkout_started},
    {"Checkout Step Viewed", "Viewed Checkout Step", EventType::checkout_step_viewed},
    {"Checkout Step Completed", "Completed Checkout Step", EventType::checkout_step_completed},
    {"Payment Info Entered", "", EventType::payment_info_entered},
    {"Payment Failed", "", EventType::payment_failed},
    {"Order Completed", "Completed Order", EventType::order_completed},
    {"Order Updated", "Updated Order", EventType::order_updated},
    {"Order Refunded", "Refunded Order", EventType::order_refunded},
    {"Order Cancelled", "Cancelled Order", EventType::order_cancelled},
    {"Order Canceled", "Canceled Order", EventType::order_cancelled},
    {"Coupon Entered", "", EventType::coupon_entered},
    {"Coupon Applied", "", EventType::coupon_applied},
    {"Coupon Denied", "", EventType::coupon_denied},
    {"Coupon Removed", "", EventType::coupon_removed},
    {"Product Added to Wishlist", "", EventType::wishlist_added},
    {"Product Removed from Wishlist", "", EventType::wishlist_removed},
    {"Wishlist Product Added to Cart", "", EventType::wishlist_moved_to_cart},
    {"Product Shared", "", EventType::product_shared},
    {"Cart Shared", "", EventType::cart_shared},
    {"Product Reviewed", "", EventType::product_reviewed},
};

constexpr FieldRow kFields[] = {
    // The call itself.
    {"type", Scope::any, kEnvelope},
    {"timestamp", Scope::any, kEnvelope},
    {"originalTimestamp", Scope::any, kEnvelope},
    {"sentAt", Scope::any, kEnvelope},
    {"writeKey", Scope::any, kEnvelope},
    {"messageId", Scope::any, to(Text::message_id)},
    {"anonymousId", Scope::any, to(Text::anonymous_id)},
    {"userId", Scope::any, to(Text::user_id)},
    {"previousId", Scope::any, to(Text::previous_id)},
    {"groupId", Scope::any, to(Text::group_id)},
    {"event", Scope::track, to(Text::event_name)},
    {"name", Scope::page, to(Text::event_name)},
    {"category", Scope::page, to(Text::category)},
    {"request_ip", Scope::any, to(Text::ip)},

    // What a page call says of its page goes before what every call says of it.
    {"properties.url", Scope::page, to(Text::page_url)},
    {"properties.path", Scope::page, to(Text::page_path)},
    {"properties.title", Scope::page, to(Text::page_title)},
    {"properties.referrer", Scope::page, to(Text::page_referrer)},
    {"properties.name", Scope::page, to(Text::event_name)},
    {"properties.category", Scope::page, to(Text::category)},

    // Orders, carts, checkout.
    {"properties.order_id", Scope::any, to(Text::order_id)},
    {"properties.orderId", Scope::any, to(Text::order_id)},
    {"properties.checkout_id", Scope::any, to(Text::checkout_id)},
    {"properties.checkoutId", Scope::any, to(Text::checkout_id)},
    {"properties.cart_id", Scope::any, to(Text::cart_id)},
    {"properties.cartId", Scope::any, to(Text::cart_id)},
    {"properties.affiliation", Scope::any, to(Text::affiliation)},
    {"properties.currency", Scope::any, to(Target::Kind::currency)},
    {"properties.revenue", Scope::any, to(Amount::revenue)},
    {"properties.total", Scope::any, to(Amount::total)},
    {"properties.subtotal", Scope::any, to(Amount::subtotal)},
    {"properties.tax", Scope::any, to(Amount::tax)},
    {"properties.shipping", Scope::any, to(Amount::shipping)},
    {"properties.discount", Scope::any, to(Amount::discount)},
    {"properties.value", Scope::any, to(Amount::value)},
    {"properties.payment_method", Scope::any, to(Text::payment_method)},
    {"properties.paymentMethod", Scope::any, to(Text::payment_method)},
    {"properties.shipping_method", Scope::any, to(Text::shipping_method)},
    {"properties.shippingMethod", Scope::any, to(Text::shipping_method)},
    {"properties.step", Scope::any, to(Text::step)},
    {"properties.coupon", Scope::not_line, to(Text::coupon)},
    {"properties.coupon_name", Scope::coupon_event, to(Text::coupon)},
    {"properties.coupon_id", Scope::coupon_event, to(Text::coupon)},

    // Browsing and promotions.
    {"properties.query", Scope::any, to(Text::query)},
    {"properties.list_id", Scope::any, to(Text::list_id)},
    {"properties.category", Scope::list, to(Text::category)},
    {"properties.promotion_id", Scope::any, to(Text::promotion_id)},

    // The one product of an event about one product.
    {"properties.product_id", Scope::line, to(LineField::product_id)},
    {"properties.productId", Scope::line, to(LineField::product_id)},
    {"properties.id", Scope::line, to(LineField::product_id)},
    {"properties.sku", Scope::line, to(LineField::sku)},
    {"properties.name", Scope::line, to(LineField::name)},
    {"properties.brand", Scope::line, to(LineField::brand)},
    {"properties.category", Scope::line, to(LineField::category)},
    {"properties.variant", Scope::line, to(LineField::variant)},
    {"properties.coupon", Scope::line, to(LineField::coupon)},
    {"properties.price", Scope::line, to(LineField::price)},
    {"properties.quantity", Scope::line, to(LineField::quantity)},
    {"properties.position", Scope::line, to(LineField::position)},

    // The products of all others.
    {"properties.products", Scope::any, kLines},
    {"properties.products[].product_id", Scope::any, to(LineField::product_id)},
    {"properties.products[].productId", Scope::any, to(LineField::product_id)},
    {"properties.products[].id", Scope::any, to(LineField::product_id)},
    {"properties.products[].sku", Scope::any, to(LineField::sku)},
    {"properties.products[].name", Scope::any, to(LineField::name)},
    {"properties.products[].brand", Scope::any, to(LineField::brand)},
    {"properties.products[].category", Scope::any, to(LineField::category)},
    {"properties.products[].variant", Scope::any, to(LineField::variant)},
    {"properties.products[].coupon", Scope::any, to(LineField::coupon)},
    {"properties.products[].price", Scope::any, to(LineField::price)},
    {"properties.products[].quantity", Scope::any, to(LineField::quantity)},
    {"properties.products[].position", Scope::any, to(LineField::position)},

    // Where, on what and through what it happened.
    {"context.page.url", Scope::any, to(Text::page_url)},
    {"context.page.path", Scope::any, to(Text::page_path)},
    {"context.page.title", Scope::any, to(Text::page_title)},
    {"context.page.referrer", Scope::any, to(Text::page_referrer)},
    {"context.campaign.source", Scope::any, to(Text::campaign_source)},
    {"context.campaign.medium", Scope::any, to(Text::campaign_medium)},
    {"context.campaign.name", Scope::any, to(Text::campaign_name)},
    {"context.campaign.term", Scope::any, to(Text::campaign_term)},
    {"context.campaign.content", Scope::any, to(Text::campaign_content)},
    {"context.userAgent", Scope::any, to(Text::user_agent)},
    {"context.ip", Scope::any, to(Text::ip)},
    {"context.locale", Scope::any, to(Text::locale)},
    {"context.timezone", Scope::any, to(Text::timezone)},
    {"context.groupId", Scope::any, to(Text::group_id)},
    {"context.device.type", Scope::any, to(Text::device_type)},
    {"context.location.country", Scope::any, to(Target::Kind::country)},
    {"context.library.name", Scope::any, to(Text::library_name)},
    {"context.library.version", Scope::any, to(Text::library_version)},

    // Who.
    {"traits.email", Scope::any, to(Text::email)},
    {"context.traits.email", Scope::any, to(Text::email)},
    {"context.traits.anonymousId", Scope::any, to(Text::anonymous_id)},
    {"traits.address.country", Scope::any, to(Target::Kind::country)},
    {"context.traits.address.country", Scope::any, to(Target::Kind::country)},
};

}  // namespace

Rows segment_rows() { return {kEventNames, kFields}; }

}  // namespace millrace::collect
