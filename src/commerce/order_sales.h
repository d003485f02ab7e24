#pragma once

#include <vector>

#include "event/fact.h"
#include "event/row.h"

namespace millrace::commerce {

// What a change of an order's lines means for its products: `purchase` once for a product that the order did
// not hold before, `correction` for every other difference in units or price. Sorted by product and price.
std::vector<event::ProductActivity> sales_between(const event::OrderRow& order, base::WallTime at,
                                                  const std::vector<event::OrderLine>& before,
                                                  const std::vector<event::OrderLine>& after);

}  // namespace millrace::commerce
