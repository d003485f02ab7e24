#include "serve/trending_rankings.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace millrace::serve {

void TrendingRankings::apply(std::uint32_t partition, const std::shared_ptr<const event::TrendingView>& view,
                             base::WallTime as_of) {
  std::unique_lock lock(mutex_);
  auto found = categories_.find(view->category);
  if (found == categories_.end()) {
    if (view->items.empty() || categories_.size() >= categories_max_) return;
    found = categories_.try_emplace(view->category).first;
  }
  Category& category = found->second;
  if (view->items.empty()) {
    category.parts.erase(partition);
  } else {
    category.parts[partition] = view;
  }
  if (category.parts.empty()) {
    categories_.erase(found);
    return;
  }
  category.merged.view = merge(category, view->category);
  category.merged.as_of = std::max(category.merged.as_of, as_of);
}

std::shared_ptr<const event::TrendingView> TrendingRankings::merge(const Category& category,
                                                                   std::string_view name) {
  if (category.parts.size() == 1) return category.parts.begin()->second;
  std::vector<const event::TrendingItem*> items;
  for (const auto& [partition, view] : category.parts) {
    const std::size_t n = std::min(view->items.size(), kMergedItemsMax);
    for (std::size_t i = 0; i < n; ++i) items.push_back(&view->items[i]);
  }
  std::sort(items.begin(), items.end(), [](const event::TrendingItem* a, const event::TrendingItem* b) {
    if (a->score != b->score) return a->score > b->score;
    if (a->popularity != b->popularity) return a->popularity > b->popularity;
    return a->product_id < b->product_id;
  });
  if (items.size() > kMergedItemsMax) items.resize(kMergedItemsMax);
  auto merged = std::make_shared<event::TrendingView>();
  merged->category = name;
  merged->items.reserve(items.size());
  for (const event::TrendingItem* item : items) merged->items.push_back(*item);
  return merged;
}

TrendingAnswer TrendingRankings::ranking(std::string_view category) const {
  std::shared_lock lock(mutex_);
  const auto found = categories_.find(std::string(category));
  return found == categories_.end() ? TrendingAnswer{} : found->second.merged;
}

std::size_t TrendingRankings::size() const {
  std::shared_lock lock(mutex_);
  return categories_.size();
}

}  // namespace millrace::serve
