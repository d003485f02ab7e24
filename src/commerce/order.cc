#include "commerce/order.h"

#include <algorithm>
#include <cstdlib>

#include "base/hash.h"
#include "commerce/order_sales.h"
#include "event/order_amounts.h"
#include "event/row_codec.h"

namespace millrace::commerce {

namespace {

constexpr std::uint8_t kVersion = 2;  // 1 had no returned_by.

using event::Money;
using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;

bool gives_back(OrderStatus status) {
  return status == OrderStatus::refunded || status == OrderStatus::cancelled;
}

// What a telling says, without who said it and when.
std::uint64_t content_hash(const OrderRow& told) {
  OrderRow content;
  content.order_id = told.order_id;
  content.status = told.status;
  content.currency = told.currency;
  content.revenue = told.revenue;
  content.total = told.total;
  content.subtotal = told.subtotal;
  content.tax = told.tax;
  content.shipping = told.shipping;
  content.discount = told.discount;
  content.lines = told.lines;
  std::string bytes;
  base::ByteWriter writer(bytes);
  event::write_order(content, writer);
  return base::hash64(bytes);
}

// Takes the units named from the lines that still have some, in their order; of a product that was ordered at several prices, as its variants
// are, first from the lines of the price that is named.
void subtract(const std::vector<OrderLine>& returned, std::vector<OrderLine>& lines) {
  for (const auto& unit : returned) {
    std::int64_t left = unit.quantity;
    for (const bool at_any_price : {false, true}) {
      for (auto& line : lines) {
        if (line.product_id != unit.product_id || line.quantity <= 0 || left <= 0) continue;
        if (!at_any_price && line.price != unit.price) continue;
        const std::int64_t taken = std::min(left, line.quantity);
        line.quantity -= taken;
        left -= taken;
      }
    }
  }
}

// The units of `ordered` that are not in `left`.
std::vector<OrderLine> difference(const std::vector<OrderLine>& ordered, const std::vector<OrderLine>& left) {
  std::vector<OrderLine> gone = ordered;
  subtract(left, gone);
  return gone;
}

void clear_quantities(std::vector<OrderLine>& lines) {
  for (auto& line : lines) line.quantity = 0;
}

// What a refund without products says that it gives back; 0 when it says nothing.
Money refunded_amount(const OrderRow& told) {
  if (told.status != OrderStatus::refunded || !told.lines.empty()) return {};
  for (const Money amount : {told.total, told.revenue, told.subtotal}) {
    if (amount.micros == 0 || amount.micros == INT64_MIN) continue;
    return {std::abs(amount.micros)};  // Some clients write it as what they pay out.
  }
  return {};
}

// Whether it gives back a part of what is left of the order. In another currency nobody can tell: then it is taken for the whole, as
// without an amount.
bool is_part_of(const OrderRow& told, const OrderRow& order) {
  const bool comparable = told.currency == event::Currency{} || told.currency == order.currency;
  const Money amount = refunded_amount(told);
  return comparable && amount.micros > 0 && amount.micros < order.order_gross.micros;
}

void take_given(const event::Money& told, event::Money& known) {
  if (told.micros != 0) known = told;
}

}  // namespace

Orders::Orders(const process::StateStore& store, const std::string& prefix, OrderSettings settings)
    : settings_(settings),
      orders_(store, prefix + "o/", settings.cached_entries),
      accepted_(store, prefix + "q/"),
      parts_({&orders_, &accepted_}) {}

void Orders::advance(base::WallTime now) {
  if (now <= now_) return;
  now_ = now;
  while (const auto id = accepted_.pop(now)) {
    const Order* order = orders_.find(*id);
    if (order == nullptr) continue;
    if (order->accepted_at.ms != 0) {
      orders_.erase(*id);
    } else {
      keep(*id);  // It came before any time was known: its time begins now.
    }
  }
}

void Orders::keep(std::string_view order_id) {
  orders_.edit(order_id).accepted_at = now_;
  accepted_.push(order_id, now_ + settings_.retention_ms);
}

OrderOutcome Orders::apply(std::uint64_t offset, OrderRow told) {
  OrderOutcome out;
  told.offset = offset;
  const Order* known = orders_.find(told.order_id);
  if (known == nullptr) {
    if (gives_back(told.status)) {
      accept_unknown(std::move(told), out);
    } else {
      accept(std::move(told), out);
    }
    return out;
  }
  Order& order = orders_.edit(told.order_id);
  const int against = precedence(order.row.source);
  if (order.unknown && !gives_back(told.status)) {
    join_unknown(order, std::move(told), out);
  } else if (told.status == OrderStatus::completed && !order.unknown && precedence(told.source) > against) {
    supersede(order, std::move(told), out);
  } else if (told.status == OrderStatus::completed || order.unknown || is_repeat(order, told)) {
    repeat(order, told, out);
  } else if (told.status == OrderStatus::updated && precedence(told.source) < against) {
    repeat(order, told, out);
  } else if (told.status == OrderStatus::updated) {
    update(order, told, out);
  } else {
    give_back(order, told, out);
  }
  return out;
}

void Orders::accept(OrderRow told, OrderOutcome& out) {
  keep(told.order_id);
  told.version = 1;
  derive_amounts(told);
  out.sales = sales_between(told, told.ordered_at, {}, told.lines);
  out.rows.push_back(told);
  Order& order = orders_.edit(told.order_id);
  order.ordered = told.lines;
  order.change_hash = content_hash(told);
  order.changed_at = told.ordered_at;
  order.row = std::move(told);
}

void Orders::accept_unknown(OrderRow told, OrderOutcome& out) {
  keep(told.order_id);
  Order& order = orders_.edit(told.order_id);
  order.unknown = true;
  order.change_hash = content_hash(told);
  order.changed_at = told.ordered_at;
  order.ordered = told.lines;
  order.returned = refunded_amount(told);
  told.version = 1;
  told.reconciles = false;  // There is nothing to reconcile with.
  told.items_net = told.order_net = told.order_gross = event::Money{};
  clear_quantities(told.lines);
  out.rows.push_back(told);
  order.row = std::move(told);
}

void Orders::join_unknown(Order& order, OrderRow told, OrderOutcome& out) {
  const std::vector<OrderLine> returned = std::move(order.ordered);
  derive_amounts(told);
  const bool part = is_part_of(order.row, told);
  if (!part) order.returned = {};
  const bool whole = !part && (order.row.status == OrderStatus::cancelled || returned.empty());
  told.version = order.row.version + 1;
  told.status = order.row.status;
  order.ordered = told.lines;
  out.sales = sales_between(told, told.ordered_at, {}, told.lines);
  if (whole) {
    clear_quantities(told.lines);
  } else {
    subtract(returned, told.lines);
  }
  derive_remaining(told, order.ordered, order.returned);
  auto corrections = sales_between(told, order.changed_at, order.ordered, told.lines);
  out.sales.insert(out.sales.end(), corrections.begin(), corrections.end());
  out.rows.push_back(told);
  order.unknown = false;
  order.row = std::move(told);
}

int Orders::precedence(std::uint32_t source) const {
  return settings_.ranks == nullptr ? 0 : settings_.ranks->of(source);
}

void Orders::supersede(Order& order, OrderRow told, OrderOutcome& out) {
  out.duplicate = true;
  ++order.duplicates;
  OrderRow& row = order.row;
  link(order, {row.source, row.visitor_id});
  const std::vector<OrderLine> before = row.lines;
  const std::vector<OrderLine> returned = difference(order.ordered, before);
  told.version = row.version + 1;
  told.status = row.status;
  told.ordered_at = row.ordered_at;
  told.visitor_id = row.visitor_id;
  told.session_id = row.session_id;
  told.channel = row.channel;
  told.device = row.device;
  if (told.user_id.empty()) told.user_id = row.user_id;
  if (told.country.empty()) told.country = row.country;
  if (told.coupon.empty()) told.coupon = row.coupon;
  if (told.lines.empty()) told.lines = order.ordered;
  order.ordered = told.lines;
  if (row.status == OrderStatus::cancelled) {
    clear_quantities(told.lines);
  } else {
    subtract(returned, told.lines);
  }
  derive_remaining(told, order.ordered, order.returned);
  out.sales = sales_between(told, told.ordered_at, before, told.lines);
  out.rows.push_back(told);
  row = std::move(told);
}

void Orders::update(Order& order, const OrderRow& told, OrderOutcome& out) {
  if (order.row.status == OrderStatus::cancelled) return repeat(order, told, out);
  const std::vector<OrderLine> before = order.row.lines;
  OrderRow& row = order.row;
  if (!told.lines.empty()) row.lines = order.ordered = told.lines;
  take_given(told.revenue, row.revenue);
  take_given(told.total, row.total);
  take_given(told.subtotal, row.subtotal);
  take_given(told.tax, row.tax);
  take_given(told.shipping, row.shipping);
  take_given(told.discount, row.discount);
  if (!told.coupon.empty()) row.coupon = told.coupon;
  if (row.status == OrderStatus::completed || !told.lines.empty()) row.status = OrderStatus::updated;
  ++row.version;
  row.offset = told.offset;
  order.change_hash = content_hash(told);
  order.changed_at = told.ordered_at;
  derive_remaining(row, order.ordered, order.returned);
  out.sales = sales_between(row, told.ordered_at, before, row.lines);
  out.rows.push_back(row);
}

void Orders::give_money_back(Order& order, const OrderRow& told, OrderOutcome& out) {
  OrderRow& row = order.row;
  order.returned.micros += refunded_amount(told).micros;
  order.returned_by = told.source;
  row.status = told.status;
  ++row.version;
  row.offset = told.offset;
  order.change_hash = content_hash(told);
  order.changed_at = told.ordered_at;
  derive_remaining(row, order.ordered, order.returned);
  out.rows.push_back(row);
}

// Returns that a source tells of are replaced by those of a higher one, and stand against those of a lower one: they are
// the same returns.
void Orders::give_back(Order& order, const OrderRow& told, OrderOutcome& out) {
  OrderRow& row = order.row;
  const bool told_before = order.returned_by != Order::kNobody && gives_back(row.status);
  if (told_before && precedence(told.source) < precedence(order.returned_by)) return repeat(order, told, out);
  const bool replaces = told_before && precedence(told.source) > precedence(order.returned_by);
  if (is_part_of(told, order.row)) {
    if (replaces) order.returned = {};
    return give_money_back(order, told, out);
  }
  std::vector<OrderLine> left = replaces ? order.ordered : row.lines;
  const bool whole = told.status == OrderStatus::cancelled || told.lines.empty();
  if (whole) {
    clear_quantities(left);
  } else {
    subtract(told.lines, left);
  }
  out.sales = sales_between(row, told.ordered_at, row.lines, left);
  if (out.sales.empty() && gives_back(row.status)) {
    if (replaces) order.returned_by = told.source;
    return repeat(order, told, out);
  }
  order.returned_by = told.source;
  row.lines = std::move(left);
  row.status = told.status;
  ++row.version;
  row.offset = told.offset;
  order.change_hash = content_hash(told);
  order.changed_at = told.ordered_at;
  derive_remaining(row, order.ordered, order.returned);
  out.rows.push_back(row);
}

bool Orders::is_repeat(const Order& order, const OrderRow& told) const {
  const std::int64_t apart = told.ordered_at - order.changed_at;
  return apart <= settings_.repeat_ms && apart >= -settings_.repeat_ms &&
         content_hash(told) == order.change_hash;
}

void Orders::repeat(Order& order, const OrderRow& told, OrderOutcome& out) {
  out.duplicate = true;
  ++order.duplicates;
  link(order, {told.source, told.visitor_id});
}

void Orders::link(Order& order, OrderSighting sighting) const {
  const bool linked =
      std::find(order.sightings.begin(), order.sightings.end(), sighting) != order.sightings.end();
  if (!linked && order.sightings.size() < Order::kSightings) order.sightings.push_back(std::move(sighting));
}

void Order::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  event::write_order(row, writer);
  writer.u8(unknown ? 1 : 0);
  writer.varint(ordered.size());
  for (const auto& line : ordered) {
    for (const auto* text : {&line.product_id, &line.name, &line.category}) writer.text(*text);
    writer.zigzag(line.quantity);
    writer.zigzag(line.price.micros);
  }
  writer.zigzag(accepted_at.ms);
  writer.u64(change_hash);
  writer.zigzag(changed_at.ms);
  writer.varint(duplicates);
  writer.varint(sightings.size());
  for (const auto& sighting : sightings) {
    writer.varint(sighting.source);
    writer.text(sighting.visitor_id);
  }
  writer.varint(returned_by);
  writer.zigzag(returned.micros);
}

bool Order::decode(std::string_view bytes, Order& into) {
  base::ByteReader reader(bytes);
  const std::uint8_t version = reader.u8();
  if (version == 0 || version > kVersion || !event::read_order(reader, into.row)) return false;
  into.unknown = reader.u8() != 0;
  const std::uint64_t lines = reader.varint();
  if (lines > reader.remaining()) return false;
  into.ordered.resize(lines);
  for (auto& line : into.ordered) {
    for (auto* text : {&line.product_id, &line.name, &line.category}) *text = reader.text();
    line.quantity = reader.zigzag();
    line.price.micros = reader.zigzag();
  }
  into.accepted_at.ms = reader.zigzag();
  into.change_hash = reader.u64();
  into.changed_at.ms = reader.zigzag();
  into.duplicates = static_cast<std::uint32_t>(reader.varint());
  const std::uint64_t count = reader.varint();
  if (count > kSightings) return false;
  into.sightings.resize(count);
  for (auto& sighting : into.sightings) {
    sighting.source = static_cast<std::uint16_t>(reader.varint());
    sighting.visitor_id = reader.text();
  }
  into.returned_by = version < 2 ? kNobody : static_cast<std::uint32_t>(reader.varint());
  into.returned.micros = version < 2 ? 0 : reader.zigzag();
  return reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
