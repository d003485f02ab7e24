#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "event/view.h"
#include "event/visitor_codec.h"
#include "serve/bounded_cache.h"
#include "serve/funnel_cells.h"
#include "serve/ledger_cells.h"
#include "serve/recent_sessions.h"
#include "serve/top_products.h"
#include "serve/trending_rankings.h"

namespace millrace::serve {

using VisitorPointer = std::shared_ptr<const event::VisitorView>;
using ProductPointer = std::shared_ptr<const event::ProductView>;

inline std::string_view visitor_key(const std::string& encoded) {
  return event::visitor_head(encoded).visitor_id;
}
inline std::string_view product_key(const ProductPointer& view) { return view->product_id; }

struct ViewLimits {
  std::size_t visitors_max = 250'000;    // In memory; others are loaded.
  std::size_t products_max = 1'000'000;  // In memory; others are loaded.
  std::size_t trending_categories_max = 10'000;
  std::size_t recent_sessions_max = 500;
  std::size_t open_sessions_max = 4'000'000;
  FunnelLimits funnel;
  std::size_t ledger_cells_max = 500'000;
};

// Reads a view from the durable state of its partition; null when there is none. Called on a reader's thread.
struct ViewLoaders {
  std::function<VisitorPointer(std::string_view visitor_id)> visitor;
  std::function<ProductPointer(std::string_view product_id)> product;
};

enum class Applied : std::uint8_t {
  yes,
  repeated,     // Already reflected; nothing changed.
  stale_epoch,  // From an owner that was replaced; refused.
};

// Answers kept ready in memory, fed by the partition owners. All of it is safe from any thread.
//
// Applying a group again changes nothing, and one of an older epoch is refused: a partition that was replaced
// cannot overwrite its successor. A group without updates moves nothing.
class Views {
 public:
  Views(ViewLimits limits, ViewLoaders loaders, const base::Clock& clock);

  // `durable_at`: when the newest record of the group became durable, if that is known; it is timed then.
  Applied apply(const event::ViewGroup& group, std::optional<base::Instant> durable_at = std::nullopt);

  VisitorPointer visitor(std::string_view visitor_id);
  ProductPointer product(std::string_view product_id);
  TrendingAnswer trending(std::string_view category) const { return trending_.ranking(category); }
  std::vector<ProductPointer> top_products(ProductOrder order, std::size_t n) const;

  const FunnelCells& funnel() const { return funnel_; }
  const LedgerCells& ledger() const { return ledger_; }
  const RecentSessions& recent_sessions() const { return recent_sessions_; }
  std::size_t open_sessions() const { return open_sessions_.size(); }

  struct Sizes {
    std::size_t visitors, products, trending_categories, funnel_cells, open_sessions;
    std::uint64_t visitors_evicted, products_evicted;
  };
  Sizes sizes() const;

  struct Counters {
    std::atomic<std::uint64_t> groups{0}, updates{0}, repeated{0}, stale{0};
    std::atomic<std::uint64_t> visitor_loads{0}, product_loads{0};
  };
  const Counters& counters() const { return counters_; }
  // From when the newest record of a group was durable, which is when its client is answered, until its views were applied.
  const base::Histogram& visible_us() const { return visible_us_; }

 private:
  struct PartitionMark {
    std::mutex mutex;  // Held while a group is applied: groups of one partition never mix.
    bool any = false;
    std::uint64_t epoch = 0;
    std::uint64_t offset = 0;
    std::uint32_t part = 0;
  };
  PartitionMark& mark_of(std::uint8_t topic, std::uint32_t partition);
  void apply_visitor(std::string_view encoded);
  void apply_product(const ProductPointer& view);
  void apply_closed(const event::SessionClosedView& closed);
  void apply_cells(const event::ViewGroup& group);

  const ViewLimits limits_;
  const ViewLoaders loaders_;
  const base::Clock& clock_;

  std::mutex marks_mutex_;
  std::map<std::pair<std::uint8_t, std::uint32_t>, std::unique_ptr<PartitionMark>> marks_;

  BoundedCache<std::string, visitor_key> visitors_;  // Encoded: most are replaced before anybody asks.
  BoundedCache<ProductPointer, product_key> products_;
  TopProducts top_;
  TrendingRankings trending_;
  FunnelCells funnel_;
  LedgerCells ledger_;
  RecentSessions recent_sessions_;
  OpenSessions open_sessions_;
  Counters counters_;
  base::Histogram visible_us_;
};

}  // namespace millrace::serve
