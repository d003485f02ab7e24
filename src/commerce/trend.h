#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "event/fact.h"

namespace millrace::commerce {

struct TrendSettings {
  std::int64_t fast_half_life_ms = base::kHourMs;
  std::int64_t slow_half_life_ms = 7 * base::kDayMs;
  double prior_per_hour = 1.0;
  double events_min = 5.0;         // Of the fast count, decayed.
  std::uint32_t visitors_min = 3;  // Distinct, at most 16: one bot must not make a trend.
  double hysteresis = 0.05;        // By how much a product must beat another to pass it.
  std::size_t items_max = 100;     // In a ranking.
  std::int64_t round_ms = 1000;    // Rankings are made again no more often.
};

// Views 1, carts 4, purchases 10; 0 for what says nothing of interest.
double popularity_weight(event::ProductAction action);

// The running counts of one product: events decayed with a half-life of an hour (fast) and of seven days
// (slow), and the weighted events decayed like the slow ones (popularity). A late event adds what would be
// left of it.
struct TrendItem {
  static constexpr std::size_t kVisitors = 16;

  double fast = 0, slow = 0, popularity = 0;  // As of `at`.
  base::WallTime at;
  // The newest distinct visitors, as the low half of their hashes; forgotten when the product has gone quiet.
  std::array<std::uint32_t, kVisitors> visitors{};
  std::uint8_t visitor_count = 0;
  std::uint8_t visitor_next = 0;
  bool sold = false;
  // Bookkeeping of the rankings: the round that this product was last touched in, what it has added to `slow`
  // since that round began, and the category in which the rounds before have counted it.
  std::uint64_t round = 0;
  double fresh_slow = 0;
  bool ranked = false;
  std::string ranked_category;

  void add(const event::ProductActivity& fact, const TrendSettings& settings);
  // The first sale ever: the slow count is at least that of the category's mean product.
  void start_from(double category_mean_slow);

  double fast_at(base::WallTime now, const TrendSettings& settings) const;
  double slow_at(base::WallTime now, const TrendSettings& settings) const;
  double popularity_at(base::WallTime now, const TrendSettings& settings) const;

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);
};

struct TrendScore {
  double z = 0;
  double fast = 0;  // The count; rates are per hour.
  double fast_rate = 0;
};
// How far the rate of the last hour lies above that of the last days, in standard deviations of a decayed
// Poisson rate: (r_f - r_s) / sqrt((r_s + prior) / W), W = 2 H_f / ln 2. `season` is how busy the shop
// usually is at this hour of the week.
TrendScore trend_score(const TrendItem& item, base::WallTime now, double season,
                       const TrendSettings& settings);
bool trend_eligible(const TrendItem& item, const TrendScore& score, const TrendSettings& settings);

// How busy the shop is in each hour of the week (UTC), from whole weeks only; each week halves the weight of
// those before.
class WeekProfile {
 public:
  static constexpr std::size_t kHours = 168;

  void add(base::WallTime at);
  // 1 is the mean of the week, and the answer until two whole weeks were seen; within [0.2, 5].
  double factor(base::WallTime now) const;

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);

 private:
  std::int64_t week_ = 0;
  std::uint32_t weeks_ = 0;  // Folded into mean_.
  bool whole_ = false;       // The running week was watched from its start.
  std::array<std::uint64_t, kHours> running_{};
  std::array<double, kHours> mean_{};
};

}  // namespace millrace::commerce
