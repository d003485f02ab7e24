#include "serve/top_products.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace millrace::serve {

std::int64_t rank_value(const event::ProductView& product, ProductOrder order) {
  switch (order) {
    case ProductOrder::revenue: return product.revenue.micros;
    case ProductOrder::views: return static_cast<std::int64_t>(product.views);
    case ProductOrder::purchases: return static_cast<std::int64_t>(product.purchases);
  }
  return 0;
}

namespace {

bool ranks_before(const event::ProductView& a, const event::ProductView& b, ProductOrder order) {
  const std::int64_t a_value = rank_value(a, order);
  const std::int64_t b_value = rank_value(b, order);
  if (a_value != b_value) return a_value > b_value;
  return a.product_id < b.product_id;
}

}  // namespace

bool TopProducts::belongs(const event::ProductView& product) const {
  for (std::size_t i = 0; i < kProductOrderCount; ++i) {
    const std::int64_t value = rank_value(product, static_cast<ProductOrder>(i));
    if (value > 0 && value >= thresholds_[i].load(std::memory_order_relaxed)) return true;
  }
  return false;
}

void TopProducts::update(const std::shared_ptr<const event::ProductView>& product,
                         const event::ProductView* previous) {
  if (!belongs(*product) && (previous == nullptr || !belongs(*previous))) return;
  const std::uint64_t id_hash = base::hash64(product->product_id);
  std::lock_guard lock(mutex_);
  const auto [found, inserted] = index_.try_emplace(id_hash, static_cast<std::uint32_t>(entries_.size()));
  if (!inserted) {
    entries_[found->second].product = product;
    return;
  }
  entries_.push_back({id_hash, product, false});
  if (entries_.size() >= 2 * kProductOrderCount * kKeptMax) shrink();
}

void TopProducts::shrink() {
  for (std::size_t i = 0; i < kProductOrderCount; ++i) {
    const auto order = static_cast<ProductOrder>(i);
    const auto last = entries_.begin() + static_cast<std::ptrdiff_t>(kKeptMax - 1);
    std::nth_element(entries_.begin(), last, entries_.end(), [order](const Entry& a, const Entry& b) {
      return ranks_before(*a.product, *b.product, order);
    });
    thresholds_[i].store(rank_value(*last->product, order), std::memory_order_relaxed);
    std::for_each(entries_.begin(), last + 1, [](Entry& entry) { entry.kept = true; });
  }
  std::erase_if(entries_, [](Entry& entry) { return !std::exchange(entry.kept, false); });
  index_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i)
    index_.emplace(entries_[i].id_hash, static_cast<std::uint32_t>(i));
}

std::vector<std::shared_ptr<const event::ProductView>> TopProducts::best(ProductOrder order,
                                                                         std::size_t n) const {
  std::vector<Entry> entries;
  {
    std::lock_guard lock(mutex_);
    entries = entries_;
  }
  n = std::min(n, entries.size());
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(entries.begin(), end, entries.end(), [order](const Entry& a, const Entry& b) {
    return ranks_before(*a.product, *b.product, order);
  });
  std::vector<std::shared_ptr<const event::ProductView>> products;
  products.reserve(n);
  for (auto entry = entries.begin(); entry != end; ++entry) {
    if (rank_value(*entry->product, order) > 0) products.push_back(std::move(entry->product));
  }
  return products;
}

}  // namespace millrace::serve
