#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "commerce/trend.h"

namespace millrace::commerce {

struct ScoredProduct {
  std::string id;
  TrendScore score;
};
// By (z, fast count, smaller id).
bool ranks_before(const ScoredProduct& a, const ScoredProduct& b);

// The new ranking from the one before and the products that are eligible now (in any order): a product passes
// one that it was behind only when its score is higher by more than the hysteresis, so that neighbours do not
// change places all the time.
std::vector<ScoredProduct> rerank(const std::vector<std::string>& before, std::vector<ScoredProduct> eligible,
                                  const TrendSettings& settings);

struct PopularProduct {
  std::string id;
  double popularity = 0;  // As of `at`.
  base::WallTime at;
};

// What the rankings know of one category, and of the shop under "".
struct TrendCategory {
  std::vector<std::string> trending;  // The order of the last round, best first.
  std::vector<PopularProduct>
      popular;      // Best first. Between events, products decay alike and keep their order.
  double slow = 0;  // Sum of the products' slow counts, as of `at`.
  base::WallTime at;
  std::uint64_t products = 0;  // Ever seen in it.

  double mean_slow(base::WallTime now, const TrendSettings& settings) const;
  void add_slow(double count, base::WallTime now, const TrendSettings& settings);
  // What the last of a full list has left; 0 while there is room.
  double popular_floor(base::WallTime now, const TrendSettings& settings) const;
  // `touched` replaces what is known of the same products.
  void merge_popular(std::vector<PopularProduct> touched, base::WallTime now, const TrendSettings& settings);

  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, TrendCategory& into);
};

}  // namespace millrace::commerce
