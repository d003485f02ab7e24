#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "event/view.h"

namespace millrace::commerce {

constexpr std::size_t kPurchasesMax = 32;
// So long nobody is shown again what they just bought.
constexpr std::int64_t kBoughtMs = 30 * base::kDayMs;

// What a visitor bought last, one entry for each product with the time it was bought last, the newest at the end.
class Purchases {
 public:
  struct Entry {
    std::string product_id;
    std::int64_t at_ms = 0;
  };
  // True when the product was bought before, at another time.
  bool add(std::string_view product_id, std::int64_t at_ms);
  const std::vector<Entry>& entries() const { return entries_; }

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);

 private:
  std::vector<Entry> entries_;
};

// How often a product is bought again by who bought it before: what is used up may be recommended to its buyers.
struct Repurchases {
  static constexpr std::uint64_t kKnownFrom = 20;  // Purchases, below which the rate says nothing.
  std::uint64_t purchases = 0;
  std::uint64_t again = 0;
  std::int64_t last_ms = 0;

  bool replenished() const { return purchases >= kKnownFrom && again * 10 > purchases; }
  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, Repurchases& into);
};

// Names in `view`, whose last_seen is filled, what was bought within kBoughtMs before that and is not `replenished(product_id)`.
template <class Replenished>
void fill_bought(const Purchases& purchases, event::VisitorView& view, Replenished&& replenished) {
  view.bought.clear();
  for (const auto& entry : purchases.entries()) {
    if (entry.at_ms > view.last_seen.ms - kBoughtMs && !replenished(entry.product_id))
      view.bought.push_back(entry.product_id);
  }
}

}  // namespace millrace::commerce
