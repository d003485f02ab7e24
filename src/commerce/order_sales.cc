#include "commerce/order_sales.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/hash.h"

namespace millrace::commerce {

namespace {

struct Difference {
  std::int64_t quantity = 0;
  const event::OrderLine* line = nullptr;
};
using Differences = std::map<std::pair<std::string_view, std::int64_t>, Difference>;

// Lines that sell nothing (no product, no or a negative quantity) are left out.
void add(const std::vector<event::OrderLine>& lines, std::int64_t sign, Differences& differences) {
  for (const auto& line : lines) {
    if (line.product_id.empty() || line.quantity <= 0) continue;
    Difference& difference = differences[{line.product_id, line.price.micros}];
    difference.quantity += sign * line.quantity;
    difference.line = &line;
  }
}

}  // namespace

std::vector<event::ProductActivity> sales_between(const event::OrderRow& order, base::WallTime at,
                                                  const std::vector<event::OrderLine>& before,
                                                  const std::vector<event::OrderLine>& after) {
  Differences differences;
  add(before, -1, differences);
  add(after, 1, differences);
  const auto held_before = [&](std::string_view product) {
    return std::any_of(before.begin(), before.end(),
                       [&](const auto& line) { return line.product_id == product; });
  };
  std::vector<event::ProductActivity> sales;
  for (const auto& [key, difference] : differences) {
    if (difference.quantity == 0) continue;
    const bool known = held_before(key.first) || (!sales.empty() && sales.back().product_id == key.first);
    event::ProductActivity sale;
    sale.action = known ? event::ProductAction::correction : event::ProductAction::purchase;
    sale.product_id = key.first;
    sale.name = difference.line->name;
    sale.category = difference.line->category;
    sale.visitor_hash = base::hash64(order.visitor_id.empty() ? order.user_id : order.visitor_id);
    sale.at = at;
    sale.quantity = difference.quantity;
    sale.price = difference.line->price;
    sale.currency = order.currency;
    sales.push_back(std::move(sale));
  }
  return sales;
}

}  // namespace millrace::commerce
