#include "event/order_amounts.h"

#include <algorithm>
#include <optional>

namespace millrace::event {

namespace {

// Sums that stay right or say that they do not.
class Sum {
 public:
  explicit Sum(Money start) : value_(start) {}
  Sum& plus(Money money) { return add(money); }
  Sum& minus(Money money) { return add({-money.micros}); }
  Sum& plus(Money unit, std::int64_t quantity) {
    const auto product = multiply(unit, quantity);
    if (!product) fits_ = false;
    return product ? add(*product) : *this;
  }
  Money value() const { return fits_ ? value_ : Money{}; }
  bool fits() const { return fits_; }

 private:
  Sum& add(Money money) {
    const auto sum = event::add(value_, money);
    if (sum) value_ = *sum;
    if (!sum) fits_ = false;
    return *this;
  }
  Money value_;
  bool fits_ = true;
};

// ISO 4217: the currencies whose smallest amount is not a hundredth.
std::int64_t smallest_micros(Currency currency) {
  constexpr std::string_view kWhole[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
                                         "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};
  constexpr std::string_view kThousandths[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
  const std::string_view code = currency.text();
  const auto is_one_of = [code](const auto& codes) {
    return std::find(std::begin(codes), std::end(codes), code) != std::end(codes);
  };
  if (is_one_of(kWhole)) return kMoneyScale;
  return is_one_of(kThousandths) ? kMoneyScale / 1000 : kMoneyScale / 100;
}

__int128 distance(Money a, Money b) {
  const __int128 difference = static_cast<__int128>(a.micros) - b.micros;
  return difference < 0 ? -difference : difference;
}

// A shop rounds each line: the smallest amount of the currency for each of them and one for the order is not a difference.
class Rounding {
 public:
  explicit Rounding(const OrderRow& order)
      : slack_(static_cast<std::int64_t>(order.lines.size() + 1) * smallest_micros(order.currency)) {}
  bool close(Money a, Money b) const { return distance(a, b) <= slack_; }

 private:
  const std::int64_t slack_;
};

bool given(Money money) { return money.micros != 0; }

// What the goods cost after discounts when the client priced no line.
Money net_without_lines(const OrderRow& order) {
  if (given(order.subtotal)) return order.subtotal;
  if (given(order.revenue)) return order.revenue;
  if (!given(order.total)) return {};
  return Sum(order.total).minus(order.tax).minus(order.shipping).value();
}

bool amounts_agree(const OrderRow& order) {
  const Rounding rounding(order);
  const auto is_goods = [&](Money money) {
    return rounding.close(money, order.items_net) || rounding.close(money, order.order_net);
  };
  if (given(order.subtotal) && !is_goods(order.subtotal)) return false;
  const bool revenue_agrees = is_goods(order.revenue) || rounding.close(order.revenue, order.order_gross);
  if (given(order.revenue) && !revenue_agrees) return false;
  // Updates and cancellations carry the total before discounts (Segment's specification).
  const bool changed = order.status != OrderStatus::completed;
  const bool total_agrees = rounding.close(order.total, order.order_gross) ||
                            (changed && rounding.close(order.total, order.items_net));
  return !given(order.total) || total_agrees;
}

// What is left of an order, as part / whole.
struct Share {
  std::int64_t part = 1;
  std::int64_t whole = 1;
};

Money scaled(Money money, Share share) {
  const __int128 exact = static_cast<__int128>(money.micros) * share.part;
  return {static_cast<std::int64_t>(exact / share.whole)};
}

std::int64_t units_of(const std::vector<OrderLine>& lines) {
  std::int64_t units = 0;
  for (const auto& line : lines) {
    if (line.quantity > 0 && line.quantity < kMoneyScale * kMoneyScale) units += line.quantity;
  }
  return units;
}

}  // namespace

void derive_remaining(OrderRow& order, const std::vector<OrderLine>& ordered, Money returned) {
  OrderRow whole = order;
  whole.lines = ordered;
  derive_amounts(whole);
  const std::int64_t units = units_of(order.lines);
  order.reconciles = whole.reconciles;
  if (units == 0 && order.status != OrderStatus::updated && order.status != OrderStatus::completed) {
    order.items_net = order.order_net = order.order_gross = Money{};
    return;
  }
  Sum left(Money{});
  for (const auto& line : order.lines) left.plus(line.price, line.quantity);
  Share share;
  if (left.fits() && given(left.value()) && whole.items_net.micros > 0) {
    share = {left.value().micros, whole.items_net.micros};
  } else if (const std::int64_t all = units_of(ordered); all > 0) {
    share = {units, all};
  }
  order.items_net = scaled(whole.items_net, share);
  order.order_net = scaled(whole.order_net, share);
  const Money goods_gross = Sum(whole.order_gross).minus(order.shipping).value();
  order.order_gross = Sum(scaled(goods_gross, share)).plus(order.shipping).value();
  if (returned.micros <= 0 || order.order_gross.micros <= 0) return;
  const Money kept = {std::max<std::int64_t>(0, order.order_gross.micros - returned.micros)};
  const Share left_of_it{kept.micros, order.order_gross.micros};
  order.items_net = scaled(order.items_net, left_of_it);
  order.order_net = scaled(order.order_net, left_of_it);
  order.order_gross = kept;
}

Money in_gross(Money amount, Money counted, const OrderRow& whole) {
  const Rounding rounding(whole);
  if (!given(counted) || rounding.close(counted, whole.order_gross)) return amount;
  for (const Money basis : {whole.order_net, whole.items_net}) {
    if (basis.micros <= 0 || !rounding.close(counted, basis)) continue;
    if (rounding.close(amount, basis)) return whole.order_gross;
    const __int128 gross = static_cast<__int128>(amount.micros) * whole.order_gross.micros / basis.micros;
    return gross > INT64_MAX ? amount : Money{static_cast<std::int64_t>(gross)};
  }
  return amount;
}

void derive_amounts(OrderRow& order) {
  Sum items(Money{});
  for (const auto& line : order.lines) items.plus(line.price, line.quantity);
  const bool priced = items.fits() && given(items.value());
  order.items_net = priced ? items.value() : net_without_lines(order);

  Sum net(order.items_net);
  if (priced) net.minus(order.discount);
  Sum gross(net.value());
  gross.plus(order.shipping);
  // Where prices hold the tax already, the total says so; of a tax as small as what is rounded away, by what it is nearer to.
  const Money with_tax = Sum(gross.value()).plus(order.tax).value();
  const bool tax_inside = given(order.tax) && given(order.total) &&
                          Rounding(order).close(order.total, gross.value()) &&
                          distance(order.total, gross.value()) <= distance(order.total, with_tax);
  if (tax_inside) net.minus(order.tax);
  if (!tax_inside) gross.plus(order.tax);
  order.order_net = net.value();
  order.order_gross = gross.value();
  const bool fits = items.fits() && net.fits() && gross.fits();
  order.reconciles = fits && order.order_net.micros >= 0 && amounts_agree(order);
}

bool totals_differ(const Event& event) {
  if (event.type != EventType::order_completed && event.type != EventType::order_updated) return false;
  OrderRow order;
  order.status = event.type == EventType::order_completed ? OrderStatus::completed : OrderStatus::updated;
  order.currency = event.currency;
  const auto amount = [&event](Amount field) { return event.has(field) ? event[field] : Money{}; };
  order.revenue = amount(Amount::revenue);
  order.total = amount(Amount::total);
  order.subtotal = amount(Amount::subtotal);
  order.tax = amount(Amount::tax);
  order.shipping = amount(Amount::shipping);
  order.discount = amount(Amount::discount);
  order.lines.reserve(event.products.size());
  for (const auto& line : event.products) {
    OrderLine& copy = order.lines.emplace_back();
    copy.quantity = line.quantity;
    copy.price = line.price;
  }
  derive_amounts(order);
  return !order.reconciles;
}

}  // namespace millrace::event
