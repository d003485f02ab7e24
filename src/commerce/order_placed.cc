#include "commerce/order_placed.h"

#include "event/order_amounts.h"

namespace millrace::commerce {

namespace {
using event::Amount;
using event::EventType;
using event::OrderStatus;
using event::Text;
}  // namespace

bool is_order(EventType type) {
  return type == EventType::order_completed || type == EventType::order_updated ||
         type == EventType::order_refunded || type == EventType::order_cancelled;
}

event::OrderRow order_of(const event::Event& event, std::uint64_t offset, std::string_view visitor_id) {
  INVARIANT(is_order(event.type));
  event::OrderRow order;
  order.offset = offset;
  order.order_id = event[Text::order_id];
  order.status = event.type == EventType::order_completed  ? OrderStatus::completed
                 : event.type == EventType::order_updated  ? OrderStatus::updated
                 : event.type == EventType::order_refunded ? OrderStatus::refunded
                                                           : OrderStatus::cancelled;
  order.source = event.source;
  order.visitor_id = visitor_id;
  order.user_id = event[Text::user_id];
  order.ordered_at = event.event_time;
  order.currency = event.currency;
  order.revenue = event[Amount::revenue];
  order.total = event[Amount::total];
  order.subtotal = event[Amount::subtotal];
  order.tax = event[Amount::tax];
  order.shipping = event[Amount::shipping];
  order.discount = event[Amount::discount];
  order.coupon = event[Text::coupon];
  order.lines.reserve(event.products.size());
  for (const auto& line : event.products) {
    order.lines.push_back({std::string(line.product_id), std::string(line.name), std::string(line.category),
                           line.quantity, line.price});
  }
  derive_amounts(order);
  return order;
}

void credit(event::OrderRow& order, const Session& session) {
  order.session_id = session.id;
  order.channel = session.touch.channel;
  order.device = session.touch.device;
  order.country = session.touch.country;
}

}  // namespace millrace::commerce
