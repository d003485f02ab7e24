#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "event/view.h"

namespace millrace::serve {

struct TrendingAnswer {
  std::shared_ptr<const event::TrendingView> view;  // Null when the category has no ranking.
  base::WallTime as_of;
};

// One ranking per category. Products are spread over partitions, each of which ranks its own: what is
// answered is their merge. Safe from any thread.
class TrendingRankings {
 public:
  static constexpr std::size_t kMergedItemsMax = 100;

  explicit TrendingRankings(std::size_t categories_max) : categories_max_(categories_max) {}

  // An empty ranking takes the partition's part away.
  void apply(std::uint32_t partition, const std::shared_ptr<const event::TrendingView>& view,
             base::WallTime as_of);
  TrendingAnswer ranking(std::string_view category) const;
  std::size_t size() const;

 private:
  struct Category {
    std::map<std::uint32_t, std::shared_ptr<const event::TrendingView>> parts;
    TrendingAnswer merged;
  };
  static std::shared_ptr<const event::TrendingView> merge(const Category& category, std::string_view name);

  const std::size_t categories_max_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Category> categories_;
};

}  // namespace millrace::serve
