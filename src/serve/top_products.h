#pragma once

#include <array>
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

// The `kKeptMax` products with the highest values of each order. Exact as long as values only grow; a product
// that fell (refunds) may displace one that was dropped before it fell, hence kKeptMax well above what is
// asked for. Safe from any thread.
class TopProducts {
 public:
  static constexpr std::size_t kKeptMax = 1000;

  // `previous` is what the product was until now, or null. Cheap for one that does not belong to any top: a
  // comparison an order, no lock.
  void update(const std::shared_ptr<const event::ProductView>& product, const event::ProductView* previous);
  // Best first; equal values by smaller id.
  std::vector<std::shared_ptr<const event::ProductView>> best(ProductOrder order, std::size_t n) const;

 private:
  struct Entry {
    std::uint64_t id_hash = 0;
    std::shared_ptr<const event::ProductView> product;
    bool kept = false;  // While shrinking.
  };
  bool belongs(const event::ProductView& product) const;
  void shrink();

  // By order: values below it are not among the kept.
  std::array<std::atomic<std::int64_t>, kProductOrderCount> thresholds_{};
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // Of all orders.
  std::unordered_map<std::uint64_t, std::uint32_t> index_;
};

}  // namespace millrace::serve
