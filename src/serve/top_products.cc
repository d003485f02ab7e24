#include "serve/top_products.h"

#include <algorithm>

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

void TopProducts::update(const std::shared_ptr<const event::ProductView>& product,
                         const event::ProductView* previous) {
  std::int64_t value = rank_value(*product, order_);
  if (previous != nullptr) value = std::max(value, rank_value(*previous, order_));
  if (value <= 0 || value < threshold_.load(std::memory_order_relaxed)) return;
  const std::uint64_t id_hash = base::hash64(product->product_id);
  std::lock_guard lock(mutex_);
  const auto [found, inserted] = index_.try_emplace(id_hash, static_cast<std::uint32_t>(entries_.size()));
  if (!inserted) {
    entries_[found->second].product = product;
    return;
  }
  entries_.push_back({id_hash, product});
  if (entries_.size() >= 2 * kKeptMax) shrink();
}

bool TopProducts::better(const Entry& a, const Entry& b) const {
  const std::int64_t a_value = rank_value(*a.product, order_);
  const std::int64_t b_value = rank_value(*b.product, order_);
  if (a_value != b_value) return a_value > b_value;
  return a.product->product_id < b.product->product_id;
}

void TopProducts::shrink() {
  const auto last = entries_.begin() + static_cast<std::ptrdiff_t>(kKeptMax - 1);
  std::nth_element(entries_.begin(), last, entries_.end(),
                   [this](const Entry& a, const Entry& b) { return better(a, b); });
  threshold_.store(rank_value(*last->product, order_), std::memory_order_relaxed);
  entries_.resize(kKeptMax);
  index_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i)
    index_.emplace(entries_[i].id_hash, static_cast<std::uint32_t>(i));
}

std::vector<std::shared_ptr<const event::ProductView>> TopProducts::best(std::size_t n) const {
  std::vector<Entry> entries;
  {
    std::lock_guard lock(mutex_);
    entries = entries_;
  }
  n = std::min(n, entries.size());
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(entries.begin(), end, entries.end(),
                    [this](const Entry& a, const Entry& b) { return better(a, b); });
  std::vector<std::shared_ptr<const event::ProductView>> products;
  products.reserve(n);
  for (auto entry = entries.begin(); entry != end; ++entry) products.push_back(std::move(entry->product));
  return products;
}

}  // namespace millrace::serve
