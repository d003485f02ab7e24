#include "commerce/trend.h"

#include <algorithm>
#include <cmath>

#include "commerce/decay.h"

namespace millrace::commerce {

namespace {

constexpr double kLn2 = 0.69314718055994531;
constexpr std::int64_t kWeekMs = 7 * base::kDayMs;
// Day 0 was a Thursday; weeks begin on Monday.
constexpr std::int64_t kMondayShiftMs = 3 * base::kDayMs;

double hours(std::int64_t ms) { return static_cast<double>(ms) / static_cast<double>(base::kHourMs); }

// A product with less than one event left of the last hours has gone quiet.
constexpr double kQuiet = 1.0;

void see(std::uint64_t visitor_hash, TrendItem& item) {
  const auto visitor = static_cast<std::uint32_t>(visitor_hash);
  const auto end = item.visitors.begin() + item.visitor_count;
  if (std::find(item.visitors.begin(), end, visitor) != end) return;
  item.visitors[item.visitor_next] = visitor;
  item.visitor_next = static_cast<std::uint8_t>((item.visitor_next + 1) % TrendItem::kVisitors);
  if (item.visitor_count < TrendItem::kVisitors) ++item.visitor_count;
}

}  // namespace

double popularity_weight(event::ProductAction action) {
  switch (action) {
    case event::ProductAction::view: return 1;
    case event::ProductAction::add_to_cart: return 4;
    case event::ProductAction::purchase: return 10;
    case event::ProductAction::remove_from_cart:
    case event::ProductAction::correction: return 0;
  }
  return 0;
}

void TrendItem::add(const event::ProductActivity& fact, const TrendSettings& settings) {
  const double weight = popularity_weight(fact.action);
  if (weight == 0) return;
  if (fact.at > at) {
    const double slow_left = decay_factor(fact.at - at, settings.slow_half_life_ms);
    fast *= decay_factor(fact.at - at, settings.fast_half_life_ms);
    slow *= slow_left;
    popularity *= slow_left;
    at = fact.at;
    if (fast < kQuiet) visitor_count = visitor_next = 0;
  }
  const double slow_share = decay_factor(at - fact.at, settings.slow_half_life_ms);
  fast += decay_factor(at - fact.at, settings.fast_half_life_ms);
  slow += slow_share;
  fresh_slow += slow_share;
  popularity += weight * slow_share;
  see(fact.visitor_hash, *this);
}

void TrendItem::start_from(double category_mean_slow) {
  sold = true;
  if (slow >= category_mean_slow) return;
  fresh_slow += category_mean_slow - slow;
  slow = category_mean_slow;
}

double TrendItem::fast_at(base::WallTime now, const TrendSettings& settings) const {
  return fast * decay_factor(now - at, settings.fast_half_life_ms);
}
double TrendItem::slow_at(base::WallTime now, const TrendSettings& settings) const {
  return slow * decay_factor(now - at, settings.slow_half_life_ms);
}
double TrendItem::popularity_at(base::WallTime now, const TrendSettings& settings) const {
  return popularity * decay_factor(now - at, settings.slow_half_life_ms);
}

void TrendItem::encode(base::ByteWriter& writer) const {
  for (const double count : {fast, slow, popularity, fresh_slow}) writer.f64(count);
  writer.zigzag(at.ms);
  writer.u8(visitor_count);
  writer.u8(visitor_next);
  for (std::uint8_t i = 0; i < visitor_count; ++i) writer.u32(visitors[i]);
  writer.u8(static_cast<std::uint8_t>((sold ? 1 : 0) | (ranked ? 2 : 0)));
  writer.varint(round);
  writer.text(ranked_category);
}

bool TrendItem::decode(base::ByteReader& reader) {
  for (auto* count : {&fast, &slow, &popularity, &fresh_slow}) *count = reader.f64();
  at.ms = reader.zigzag();
  visitor_count = reader.u8();
  visitor_next = reader.u8();
  if (visitor_count > kVisitors || visitor_next >= kVisitors) return false;
  for (std::uint8_t i = 0; i < visitor_count; ++i) visitors[i] = reader.u32();
  const std::uint8_t bits = reader.u8();
  sold = (bits & 1) != 0;
  ranked = (bits & 2) != 0;
  round = reader.varint();
  ranked_category = reader.text();
  return reader.ok();
}

TrendScore trend_score(const TrendItem& item, base::WallTime now, double season,
                       const TrendSettings& settings) {
  const double fast_hours = hours(settings.fast_half_life_ms);
  const double variance_hours = 2.0 * fast_hours / kLn2;
  TrendScore score;
  score.fast = item.fast_at(now, settings);
  score.fast_rate = score.fast * kLn2 / fast_hours;
  const double slow_rate = item.slow_at(now, settings) * kLn2 / hours(settings.slow_half_life_ms) * season;
  score.z = (score.fast_rate - slow_rate) / std::sqrt((slow_rate + settings.prior_per_hour) / variance_hours);
  return score;
}

bool trend_eligible(const TrendItem& item, const TrendScore& score, const TrendSettings& settings) {
  return score.fast >= settings.events_min && item.visitor_count >= settings.visitors_min && score.z > 0;
}

void WeekProfile::add(base::WallTime at) {
  const std::int64_t shifted = at.ms + kMondayShiftMs;
  if (shifted < 0) return;
  const std::int64_t week = shifted / kWeekMs;
  if (week < week_) return;
  if (week > week_) {
    if (whole_ && week == week_ + 1) {
      for (std::size_t i = 0; i < kHours; ++i) {
        const auto seen = static_cast<double>(running_[i]);
        mean_[i] = weeks_ == 0 ? seen : (mean_[i] + seen) / 2;
      }
      ++weeks_;
    }
    whole_ = week_ != 0 && week == week_ + 1;
    week_ = week;
    running_.fill(0);
  }
  ++running_[static_cast<std::size_t>(shifted % kWeekMs / base::kHourMs)];
}

double WeekProfile::factor(base::WallTime now) const {
  const std::int64_t shifted = now.ms + kMondayShiftMs;
  if (weeks_ < 2 || shifted < 0) return 1.0;
  double total = 0;
  for (const double count : mean_) total += count;
  const double mean = total / kHours;
  constexpr double kShrink = 10;  // Events an hour below which the profile is mostly chance.
  const double seen = mean_[static_cast<std::size_t>(shifted % kWeekMs / base::kHourMs)];
  return std::clamp((seen + kShrink) / (mean + kShrink), 0.2, 5.0);
}

void WeekProfile::encode(base::ByteWriter& writer) const {
  writer.zigzag(week_);
  writer.varint(weeks_);
  writer.u8(whole_ ? 1 : 0);
  for (const std::uint64_t count : running_) writer.varint(count);
  if (weeks_ == 0) return;
  for (const double count : mean_) writer.f64(count);
}

bool WeekProfile::decode(base::ByteReader& reader) {
  week_ = reader.zigzag();
  weeks_ = static_cast<std::uint32_t>(reader.varint());
  whole_ = reader.u8() != 0;
  for (auto& count : running_) count = reader.varint();
  if (weeks_ == 0) return reader.ok();
  for (auto& count : mean_) count = reader.f64();
  return reader.ok();
}

}  // namespace millrace::commerce
