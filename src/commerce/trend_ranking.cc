#include "commerce/trend_ranking.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "commerce/decay.h"

namespace millrace::commerce {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNewcomer = static_cast<std::size_t>(-1);

// More than are shown, for those that are sold out.
std::size_t popular_max(const TrendSettings& settings) { return settings.items_max + settings.items_max / 4; }

}  // namespace

bool ranks_before(const ScoredProduct& a, const ScoredProduct& b) {
  if (a.score.z != b.score.z) return a.score.z > b.score.z;
  if (a.score.fast != b.score.fast) return a.score.fast > b.score.fast;
  return a.id < b.id;
}

std::vector<ScoredProduct> rerank(const std::vector<std::string>& before, std::vector<ScoredProduct> eligible,
                                  const TrendSettings& settings) {
  std::unordered_map<std::string_view, std::size_t> place;
  for (std::size_t i = 0; i < before.size(); ++i) place.emplace(before[i], i);
  const auto place_of = [&](const ScoredProduct& product) {
    const auto found = place.find(product.id);
    return found == place.end() ? kNewcomer : found->second;
  };
  // Those of the last round as they stood, then the best of the others.
  std::vector<std::pair<std::size_t, ScoredProduct>> list;
  std::sort(eligible.begin(), eligible.end(), ranks_before);
  std::size_t newcomers = 0;
  for (auto& product : eligible) {
    const std::size_t at = place_of(product);
    if (at == kNewcomer && ++newcomers > settings.items_max) continue;
    list.emplace_back(at, std::move(product));
  }
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto passes = [&](const auto& a, const auto& b) {
    if (a.first == kNewcomer && b.first == kNewcomer) return ranks_before(a.second, b.second);
    return a.second.score.z > b.second.score.z * (1.0 + settings.hysteresis);
  };
  for (std::size_t i = 1; i < list.size(); ++i) {
    for (std::size_t j = i; j > 0 && passes(list[j], list[j - 1]); --j) std::swap(list[j], list[j - 1]);
  }
  std::vector<ScoredProduct> result;
  for (auto& [unused, product] : list) {
    if (result.size() == settings.items_max) break;
    result.push_back(std::move(product));
  }
  return result;
}

double TrendCategory::mean_slow(base::WallTime now, const TrendSettings& settings) const {
  if (products == 0) return 0;
  return slow * decay_factor(now - at, settings.slow_half_life_ms) / static_cast<double>(products);
}

void TrendCategory::add_slow(double count, base::WallTime now, const TrendSettings& settings) {
  if (now > at) {
    slow *= decay_factor(now - at, settings.slow_half_life_ms);
    at = now;
  }
  // Taking a product out can leave a rounding error below nothing.
  slow = std::max(0.0, slow + count);
}

double TrendCategory::popular_floor(base::WallTime now, const TrendSettings& settings) const {
  if (popular.size() < popular_max(settings)) return 0;
  return popular.back().popularity * decay_factor(now - popular.back().at, settings.slow_half_life_ms);
}

void TrendCategory::merge_popular(std::vector<PopularProduct> touched, base::WallTime now,
                                  const TrendSettings& settings) {
  std::unordered_set<std::string_view> replaced;
  for (const auto& product : touched) replaced.insert(product.id);
  std::vector<std::pair<double, PopularProduct>> all;
  const auto add = [&](PopularProduct product) {
    const double left = product.popularity * decay_factor(now - product.at, settings.slow_half_life_ms);
    all.emplace_back(left, std::move(product));
  };
  for (auto& product : popular) {
    if (!replaced.contains(product.id)) add(std::move(product));
  }
  // The ids in `replaced` are views into these.
  for (const auto& product : touched) add(product);
  const std::size_t kept = std::min(all.size(), popular_max(settings));
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                    [](const auto& a, const auto& b) {
                      return a.first != b.first ? a.first > b.first : a.second.id < b.second.id;
                    });
  popular.clear();
  for (std::size_t i = 0; i < kept; ++i) popular.push_back(std::move(all[i].second));
}

void TrendCategory::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.varint(trending.size());
  for (const auto& id : trending) writer.text(id);
  writer.varint(popular.size());
  for (const auto& product : popular) {
    writer.text(product.id);
    writer.f64(product.popularity);
    writer.zigzag(product.at.ms);
  }
  writer.f64(slow);
  writer.zigzag(at.ms);
  writer.varint(products);
}

bool TrendCategory::decode(std::string_view bytes, TrendCategory& into) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return false;
  const std::uint64_t trending_count = reader.varint();
  if (trending_count > reader.remaining()) return false;
  into.trending.resize(trending_count);
  for (auto& id : into.trending) id = reader.text();
  const std::uint64_t popular_count = reader.varint();
  if (popular_count > reader.remaining()) return false;
  into.popular.resize(popular_count);
  for (auto& product : into.popular) {
    product.id = reader.text();
    product.popularity = reader.f64();
    product.at.ms = reader.zigzag();
  }
  into.slow = reader.f64();
  into.at.ms = reader.zigzag();
  into.products = reader.varint();
  return reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
