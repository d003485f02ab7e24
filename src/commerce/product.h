#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "event/fact.h"
#include "event/view.h"

namespace millrace::commerce {

// What is known of a product from its facts: all time, absolute.
//
// The description (name, category, price) is the newest by event time, field by field. Revenue is kept in one
// currency, the first one known; a sale in another counts its units but no revenue, as no exchange rate is at
// hand.
struct ProductCounters {
  std::string name;
  std::string category;
  event::Money price;
  event::Currency currency;
  std::uint64_t views = 0;
  std::uint64_t carts = 0;
  std::uint64_t cart_removals = 0;
  std::uint64_t purchases = 0;  // Orders that hold the product, each counted once.
  std::int64_t units_sold = 0;  // Less what was cancelled or refunded.
  event::Money revenue;         // Price by quantity of the lines sold, less what was cancelled or refunded.
  base::WallTime described_at;  // Of the newest fact that described it.
  base::WallTime last_seen;

  // Facts about other things than this product are the caller's fault.
  void count(const event::ProductActivity& fact);

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);
};

// What is in stock of it; unknown until the first StockLevel.
struct ProductStock {
  bool known = false;
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;
  std::int64_t available = 0;

  bool sold_out() const { return known && available <= 0; }
  void set(const event::StockLevel& level);

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);
};

event::ProductView product_view(std::string_view product_id, const ProductCounters& counters,
                                const ProductStock& stock);

}  // namespace millrace::commerce
