#include "commerce/order.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/hash.h"
#include "commerce/order_returns.h"
#include "commerce/order_sales.h"
#include "event/order_amounts.h"
#include "event/row_codec.h"

namespace millrace::commerce {

namespace {

using event::Money;
using event::OrderLine;
using event::OrderRow;
using event::OrderStatus;

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

void take_given(const event::Money& told, event::Money& known) {
  if (told.micros != 0) known = told;
}

void take_given_amounts(const OrderRow& told, OrderRow& known) {
  take_given(told.revenue, known.revenue);
  take_given(told.total, known.total);
  take_given(told.subtotal, known.subtotal);
  take_given(told.tax, known.tax);
  take_given(told.shipping, known.shipping);
  take_given(told.discount, known.discount);
  if (!told.coupon.empty()) known.coupon = told.coupon;
}

// A telling under the user id alone is a server's: its session is no visit.
bool has_visit(const OrderRow& row) { return row.session_id != 0 && row.visitor_id != row.user_id; }

void take_visit(const OrderRow& from, OrderRow& into) {
  into.visitor_id = from.visitor_id;
  into.session_id = from.session_id;
  into.channel = from.channel;
  into.device = from.device;
  if (!from.user_id.empty()) into.user_id = from.user_id;
  if (!from.country.empty()) into.country = from.country;
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
  } else if (told.status == OrderStatus::completed && order.incomplete) {
    complete(order, std::move(told), out);
  } else if (told.status == OrderStatus::completed && !order.unknown && precedence(told.source) > against) {
    supersede(order, std::move(told), out);
  } else if (told.status == OrderStatus::completed || is_repeat(order, told)) {
    repeat(order, told, out);
  } else if (order.unknown) {
    wait(order, std::move(told), out);
  } else if (told.status == OrderStatus::updated && precedence(told.source) < against) {
    repeat(order, told, out);
  } else if (told.status == OrderStatus::updated) {
    update(order, told, out);
  } else {
    if (order.incomplete && order.ordered.empty() && order.earlier_returns.size() < Order::kReturns) {
      order.earlier_returns.push_back(told);
    }
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
  order.incomplete = told.status == OrderStatus::updated;
  remember(order, told);
  order.row = std::move(told);
}

void Orders::accept_unknown(OrderRow told, OrderOutcome& out) {
  keep(told.order_id);
  told.version = 1;
  Order& order = orders_.edit(told.order_id);
  wait(order, std::move(told), out);
}

void Orders::wait(Order& order, OrderRow told, OrderOutcome& out) {
  if (std::exchange(order.unknown, true)) {
    if (order.earlier_returns.size() >= Order::kReturns) return repeat(order, told, out);
    told.version = order.row.version + 1;
    order.row.lines = std::move(order.ordered);
    order.earlier_returns.push_back(std::move(order.row));
  }
  remember(order, told);
  order.ordered = told.lines;
  told.reconciles = false;  // There is nothing to reconcile with.
  told.items_net = told.order_net = told.order_gross = event::Money{};
  clear_quantities(told.lines);
  out.rows.push_back(told);
  order.row = std::move(told);
}

void Orders::join_unknown(Order& order, OrderRow told, OrderOutcome& out) {
  std::vector<OrderRow> returns = std::move(order.earlier_returns);
  order.earlier_returns.clear();
  order.row.lines = std::move(order.ordered);
  returns.push_back(std::move(order.row));
  const auto version = returns.back().version + 1;
  const auto offset = told.offset;
  derive_amounts(told);
  out.sales = sales_between(told, told.ordered_at, {}, told.lines);
  order.unknown = false;
  order.incomplete = told.status == OrderStatus::updated;
  if (order.incomplete && told.lines.empty()) order.earlier_returns = returns;
  order.tellings.clear();
  order.ordered = told.lines;
  order.row = std::move(told);
  give_back_all(order, returns, out);
  order.row.version = version;
  order.row.offset = offset;
  out.rows.push_back(order.row);
}

void Orders::give_back_all(Order& order, const std::vector<OrderRow>& returns, OrderOutcome& out) {
  for (const OrderRow& returned : returns) {
    OrderOutcome step;
    give_back(order, returned, step);
    out.sales.insert(out.sales.end(), step.sales.begin(), step.sales.end());
  }
}

// The completion of an order that updates have told of: what they said of it is newer and stands, unless a higher source completes it.
void Orders::complete(Order& order, OrderRow told, OrderOutcome& out) {
  OrderRow& row = order.row;
  const std::vector<OrderLine> before = row.lines;
  std::vector<OrderLine> returned = difference(order.ordered, before);
  const std::vector<OrderRow> returns = std::exchange(order.earlier_returns, {});
  const std::uint32_t version = row.version + 1;
  const std::uint64_t offset = told.offset;
  const bool cancelled = row.status == OrderStatus::cancelled && returns.empty();
  link(order, {row.source, row.visitor_id});
  if (has_visit(row) && !has_visit(told)) take_visit(row, told);
  if (precedence(told.source) <= precedence(row.source)) {
    take_given_amounts(row, told);
    if (!order.ordered.empty()) told.lines = order.ordered;
    if (precedence(told.source) < precedence(row.source)) told.source = row.source;
  }
  order.incomplete = false;
  order.ordered = told.lines;
  if (returns.empty()) {
    told.status = row.status;
  } else {  // They found no lines before: they are given back again, from the order as it is known now.
    told.status = OrderStatus::updated;
    order.returned = {};
    order.returned_by = kNoSource;
    order.tellings.clear();
  }
  cancelled ? clear_quantities(told.lines) : subtract(returned, told.lines);
  derive_remaining(told, order.ordered, order.returned);
  out.sales = sales_between(told, told.ordered_at, before, told.lines);
  row = std::move(told);
  give_back_all(order, returns, out);
  row.version = version;
  row.offset = offset;
  out.rows.push_back(row);
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
  const std::string user_id = told.user_id.empty() ? row.user_id : told.user_id;
  const std::string country = told.country.empty() ? row.country : told.country;
  if (has_visit(row) || !has_visit(told)) take_visit(row, told);
  told.user_id = user_id;
  told.country = country;
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
  take_given_amounts(told, row);
  if (row.status == OrderStatus::completed || !told.lines.empty()) row.status = OrderStatus::updated;
  ++row.version;
  row.offset = told.offset;
  remember(order, told);
  derive_remaining(row, order.ordered, order.returned);
  out.sales = sales_between(row, told.ordered_at, before, row.lines);
  out.rows.push_back(row);
}

void Orders::give_money_back(Order& order, const OrderRow& told, OrderOutcome& out) {
  OrderRow& row = order.row;
  order.returned = event::add(order.returned, refunded_amount(told, order)).value_or(order.returned);
  order.returned_by = told.source;
  row.status = told.status;
  ++row.version;
  row.offset = told.offset;
  remember(order, told);
  derive_remaining(row, order.ordered, order.returned);
  out.rows.push_back(row);
}

// Returns that a source tells of are replaced by those of a higher one, and stand against those of a lower one: they are
// the same returns.
void Orders::give_back(Order& order, const OrderRow& told, OrderOutcome& out) {
  OrderRow& row = order.row;
  const bool told_before = order.returned_by != kNoSource && gives_back(row.status);
  if (told_before && precedence(told.source) < precedence(order.returned_by)) return repeat(order, told, out);
  const bool replaces = told_before && precedence(told.source) > precedence(order.returned_by);
  if (is_part_of(told, order)) {
    if (replaces) order.returned = {};
    return give_money_back(order, told, out);
  }
  std::vector<OrderLine> left = replaces ? order.ordered : row.lines;
  const bool whole = told.status == OrderStatus::cancelled || told.lines.empty();
  if (whole) {
    clear_quantities(left);
  } else {
    subtract(units_returned(told), left);
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
  remember(order, told);
  derive_remaining(row, order.ordered, order.returned);
  out.rows.push_back(row);
}

bool Orders::told_together(base::WallTime one, base::WallTime other) const {
  return std::abs(one - other) <= settings_.repeat_ms;
}

// Returns add up, and two of them may each be told by two clients, in any order; who tells of the same again after another one
// means one more. Of updates the last alone stands.
bool Orders::is_repeat(const Order& order, const OrderRow& told) const {
  const std::uint64_t content = content_hash(told);
  for (const OrderTelling& known : order.tellings) {
    const bool is_last = &known == &order.tellings.back();
    const bool by_another = known.returned_by != kNoSource && known.returned_by != told.source;
    if ((is_last || by_another) && known.content == content && told_together(told.ordered_at, known.at))
      return true;
  }
  return false;
}

void Orders::remember(Order& order, const OrderRow& told) const {
  auto& tellings = order.tellings;
  std::erase_if(tellings,
                [&](const OrderTelling& known) { return !told_together(told.ordered_at, known.at); });
  if (tellings.size() >= Order::kTellings) tellings.erase(tellings.begin());
  tellings.push_back(
      {content_hash(told), told.ordered_at, gives_back(told.status) ? told.source : kNoSource});
}

void Orders::repeat(Order& order, const OrderRow& told, OrderOutcome& out) {
  out.duplicate = true;
  ++order.duplicates;
  link(order, {told.source, told.visitor_id});
  if (told.status != OrderStatus::completed || order.unknown || has_visit(order.row) || !has_visit(told))
    return;
  take_visit(told, order.row);
  ++order.row.version;
  order.row.offset = told.offset;
  out.rows.push_back(order.row);
}

void Orders::link(Order& order, OrderSighting sighting) const {
  const bool linked =
      std::find(order.sightings.begin(), order.sightings.end(), sighting) != order.sightings.end();
  if (!linked && order.sightings.size() < Order::kSightings) order.sightings.push_back(std::move(sighting));
}

}  // namespace millrace::commerce
