#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "commerce/recommender.h"
#include "commerce/session_table.h"
#include "event/fact.h"
#include "event/view.h"

namespace millrace::commerce {

struct RecommendationSettings {
  std::size_t items_max = 2'000'000;  // Products beyond this are not learned.
  float purchase_weight = 4;
};

// Product ids to the numbers that recommenders use, and back.
class ItemNames {
 public:
  static constexpr ItemNumber kUnknown = UINT32_MAX;
  ItemNumber find(std::string_view id) const;
  // Gives a new id the next number; kUnknown once `limit` are taken.
  ItemNumber intern(std::string_view id, std::size_t limit);
  std::string_view name(ItemNumber item) const { return *names_[item]; }
  std::size_t size() const { return names_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };
  std::unordered_map<std::string, ItemNumber, Hash, std::equal_to<>> numbers_;
  std::vector<const std::string*> names_;  // Keys of numbers_, whose nodes never move.
};

struct RecommendationQuery {
  std::vector<std::string> items;  // Of the running session, oldest first.
  std::uint64_t session = 0;       // Itself, left out of the evidence; 0 when unknown.
  std::size_t count = 20;
  enum class LastItem : std::uint8_t { left_out, allowed } last_item = LastItem::left_out;
};

struct RecommendedProduct {
  std::string product_id;
  float score = 0;
};

// A recommender behind a lock: clicks and closed sessions come in as views, answers go out by product id. Safe from any
// thread; queries run side by side, updates one at a time.
class RecommendationIndex {
 public:
  RecommendationIndex(RecommendationSettings settings, std::unique_ptr<Recommender> recommender);

  void apply(std::span<const event::ClickView> clicks);
  // A whole session at once, as the `sessions` topic holds it. One whose clicks came already is only closed.
  void apply(const event::SessionClosed& session);
  std::vector<RecommendedProduct> recommend(const RecommendationQuery& query) const;
  std::size_t memory_bytes() const;

 private:
  RecommendationSettings settings_;
  mutable std::shared_mutex mutex_;
  ItemNames names_;
  std::unique_ptr<Recommender> recommender_;
  SessionTable<std::uint32_t> open_;  // The number of a session's clicks that were learned.
};

}  // namespace millrace::commerce
