#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "commerce/checkpointed_value.h"
#include "commerce/product_state.h"
#include "commerce/trend.h"
#include "commerce/trend_ranking.h"
#include "event/view.h"
#include "process/checkpointed.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

// What is trending, in each category and in the shop, made again at most once a second of the records' time,
// and what is merely popular where too little is trending to fill a ranking.
//
// Rounds are set off by records, never by batches, so that every run over the same records ranks at the same
// places.
class TrendBoard final : public process::Checkpointed {
 public:
  using Views = std::vector<event::ViewUpdate>;

  TrendBoard(const process::StateStore& store, const std::string& prefix, TrendSettings settings,
             Products& products);

  // restore_state(), then restore_product() for every stored product, then publish_all().
  base::Status restore_state(base::WallTime now);
  void restore_product(std::string_view id, const Product& product);
  base::Status publish_all(Views& out);

  // Counts the fact for its product, whose description must be known already.
  void count(std::string_view id, const event::ProductActivity& fact, Product& product);
  // After a change of its stock: a product that is sold out leaves all rankings at once.
  void on_stock(std::string_view id, Product& product, Views& out);
  void advance(base::WallTime now, Views& out);
  // The time that advance() was told was ahead: rounds go on from `now`.
  void set_back(base::WallTime now);

  void freeze() override { parts_.freeze(); }
  bool drain(process::StateBatch& batch, std::size_t entries) override {
    return parts_.drain(batch, entries);
  }
  void committed() override { parts_.committed(); }

 private:
  // What one round has gathered for one ranking. Sums are of integers, so that the order does not matter.
  struct Gathered {
    std::vector<ScoredProduct> eligible;
    std::vector<PopularProduct> popular;
    std::int64_t slow_parts = 0;
    std::int64_t products = 0;
    double popular_floor = 0;  // Less than this has no place in the list.
    bool floor_known = false;
  };
  struct Round {  // The one that runs; `at` is when it began.
    std::uint64_t number = 1;
    base::WallTime at;
    WeekProfile week;
    void encode(std::string& out) const;
    static bool decode(std::string_view bytes, Round& into);
  };

  void touch(std::string_view id, Product& product);
  void make_round(Views& out);
  void gather_touched(const std::string& id);
  bool gather_score(const std::string& id, const Product& product);
  void gather_popular(const std::string& category, const std::string& id, const TrendItem& item);
  void rank(const std::string& category, Gathered& gathered, Views& out);
  std::shared_ptr<const event::TrendingView> view_of(const std::string& category, const TrendCategory& state,
                                                     const std::vector<ScoredProduct>& ranked);
  void publish(std::shared_ptr<const event::TrendingView> view, Views& out);
  void drop(std::string_view id, const std::string& category, Views& out);

  const process::StateStore& store_;
  std::string category_prefix_;
  TrendSettings settings_;
  Products& products_;
  base::WallTime now_;
  double season_ = 1;  // Of this round.
  process::KeyedState<TrendCategory> categories_;
  CheckpointedValue<Round> round_;
  process::CheckpointedParts parts_;

  // Made again from the products by restore().
  std::vector<std::string> touched_;     // In this round.
  std::vector<std::string> candidates_;  // Not touched in it, but still busy enough.
  std::set<std::string> trending_categories_;
  std::map<std::string, Gathered> gathered_;
  std::unordered_map<std::string, std::shared_ptr<const event::TrendingView>> published_;
};

}  // namespace millrace::commerce
