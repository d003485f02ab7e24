#include "commerce/product.h"

#include <algorithm>

namespace millrace::commerce {

namespace {

void describe(const event::ProductActivity& fact, ProductCounters& product) {
  const bool newest = fact.at >= product.described_at;
  if (newest) product.described_at = fact.at;
  if (!fact.name.empty() && (newest || product.name.empty())) product.name = fact.name;
  if (!fact.category.empty() && (newest || product.category.empty())) product.category = fact.category;
  if (!product.currency.known()) product.currency = fact.currency;
  // What a buyer paid may hold a discount of the order: a price shown is the better one.
  const bool shown =
      fact.action == event::ProductAction::view || fact.action == event::ProductAction::add_to_cart;
  const bool same_currency = !fact.currency.known() || fact.currency == product.currency;
  if (fact.price.micros > 0 && same_currency && ((newest && shown) || product.price.micros == 0)) {
    product.price = fact.price;
  }
}

void count_sale(const event::ProductActivity& fact, ProductCounters& product) {
  product.units_sold += fact.quantity;
  if (fact.currency.known() && !(fact.currency == product.currency)) return;
  const auto amount = event::multiply(fact.price, fact.quantity);
  const auto sum = amount ? event::add(product.revenue, *amount) : std::nullopt;
  if (sum) product.revenue = *sum;
}

}  // namespace

void ProductCounters::count(const event::ProductActivity& fact) {
  if (fact.action != event::ProductAction::correction) {
    describe(fact, *this);
    last_seen = std::max(last_seen, fact.at);
  }
  switch (fact.action) {
    case event::ProductAction::view: ++views; break;
    case event::ProductAction::add_to_cart: ++carts; break;
    case event::ProductAction::remove_from_cart: ++cart_removals; break;
    case event::ProductAction::purchase:
      ++purchases;
      count_sale(fact, *this);
      break;
    case event::ProductAction::correction: count_sale(fact, *this); break;
  }
}

void ProductCounters::encode(base::ByteWriter& writer) const {
  writer.text(name);
  writer.text(category);
  writer.zigzag(price.micros);
  writer.raw({currency.code.data(), currency.code.size()});
  for (const std::uint64_t count : {views, carts, cart_removals, purchases}) writer.varint(count);
  writer.zigzag(units_sold);
  writer.zigzag(revenue.micros);
  writer.zigzag(described_at.ms);
  writer.zigzag(last_seen.ms);
}

bool ProductCounters::decode(base::ByteReader& reader) {
  name = reader.text();
  category = reader.text();
  price.micros = reader.zigzag();
  const std::string_view code = reader.raw(currency.code.size());
  if (code.size() == currency.code.size()) std::copy(code.begin(), code.end(), currency.code.begin());
  for (auto* count : {&views, &carts, &cart_removals, &purchases}) *count = reader.varint();
  units_sold = reader.zigzag();
  revenue.micros = reader.zigzag();
  described_at.ms = reader.zigzag();
  last_seen.ms = reader.zigzag();
  return reader.ok();
}

void ProductStock::set(const event::StockLevel& level) {
  known = true;
  on_hand = level.on_hand;
  reserved = level.reserved;
  available = level.available;
}

void ProductStock::encode(base::ByteWriter& writer) const {
  writer.u8(known ? 1 : 0);
  if (!known) return;
  for (const std::int64_t count : {on_hand, reserved, available}) writer.zigzag(count);
}

bool ProductStock::decode(base::ByteReader& reader) {
  known = reader.u8() != 0;
  if (!known) return reader.ok();
  for (auto* count : {&on_hand, &reserved, &available}) *count = reader.zigzag();
  return reader.ok();
}

event::ProductView product_view(std::string_view product_id, const ProductCounters& counters,
                                const ProductStock& stock) {
  event::ProductView view;
  view.product_id = product_id;
  view.name = counters.name;
  view.category = counters.category;
  view.price = counters.price;
  view.currency = counters.currency;
  view.views = counters.views;
  view.carts = counters.carts;
  view.purchases = counters.purchases;
  view.units_sold = static_cast<std::uint64_t>(std::max<std::int64_t>(0, counters.units_sold));
  view.revenue = counters.revenue;
  view.stock_known = stock.known;
  view.on_hand = stock.on_hand;
  view.reserved = stock.reserved;
  view.available = stock.available;
  return view;
}

}  // namespace millrace::commerce
