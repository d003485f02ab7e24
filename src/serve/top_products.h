#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "event/view.h"

namespace millrace::serve {

enum class ProductOrder : std::uint8_t { revenue, views, purchases };
constexpr std::size_t kProductOrderCount = 3;

std::int64_t rank_value(const event::ProductView& product, ProductOrder order);

// The `kept_max` products with the highest value of one order. Exact as long as values only grow; a product
// that fell (refunds) may displace one that was dropped before it fell, hence kept_max well above what is
// asked for.
class TopProducts {
 public:
  static constexpr std::size_t kKeptMax = 1000;

  explicit TopProducts(ProductOrder order) : order_(order) {}

  // `previous` is what the product was until now, or null. Cheap for one that does not belong to the top: one
  // comparison, no lock.
  void update(const std::shared_ptr<const event::ProductView>& product, const event::ProductView* previous);
  // Best first; equal values by smaller id.
  std::vector<std::shared_ptr<const event::ProductView>> best(std::size_t n) const;

 private:
  struct Entry {
    std::uint64_t id_hash = 0;
    std::shared_ptr<const event::ProductView> product;
  };
  bool better(const Entry& a, const Entry& b) const;
  void shrink();

  const ProductOrder order_;
  std::atomic<std::int64_t> threshold_{0};  // Values at or below it are not among the kept.
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::uint32_t> index_;
};

}  // namespace millrace::serve
