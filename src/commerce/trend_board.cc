#include "commerce/trend_board.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace millrace::commerce {

namespace {

constexpr std::uint8_t kVersion = 1;
const std::string kShop;
// How much a shown number must move to be worth telling.
constexpr double kVisibleChange = 0.05;
constexpr double kSlowParts = 1 << 20;

std::int64_t parts_of(double slow) { return static_cast<std::int64_t>(std::llround(slow * kSlowParts)); }

bool visibly_differs(double a, double b) {
  return std::abs(a - b) > 0.01 + kVisibleChange * std::max(std::abs(a), std::abs(b));
}

bool visibly_differs(const event::TrendingView& a, const event::TrendingView& b) {
  return !std::equal(
      a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), [](const auto& x, const auto& y) {
        return x.product_id == y.product_id && x.category == y.category &&
               !visibly_differs(x.score, y.score) && !visibly_differs(x.fast_rate, y.fast_rate);
      });
}

}  // namespace

TrendBoard::TrendBoard(const process::StateStore& store, const std::string& prefix, TrendSettings settings,
                       Products& products)
    : store_(store),
      category_prefix_(prefix + "c/"),
      settings_(settings),
      products_(products),
      categories_(store, category_prefix_, 20'000),
      round_(store, prefix + "r"),
      parts_({&categories_, &round_}) {}

base::Status TrendBoard::restore_state(base::WallTime now) {
  now_ = now;
  return round_.restore();
}

void TrendBoard::restore_product(std::string_view id, const Product& product) {
  if (product.trend.round == round_.get().number) {
    touched_.emplace_back(id);
  } else if (product.trend.fast_at(now_, settings_) >= settings_.events_min) {
    candidates_.emplace_back(id);
  }
}

base::Status TrendBoard::publish_all(Views& out) {
  bool readable = true;
  season_ = round_.get().week.factor(now_);
  TRY(store_.scan(category_prefix_, [&](std::string_view key, std::string_view value) {
    TrendCategory state;
    readable = TrendCategory::decode(value, state);
    if (!readable) return false;
    const std::string category(key.substr(category_prefix_.size()));
    std::vector<ScoredProduct> ranked;
    for (const auto& id : state.trending) {
      if (const Product* product = products_.find(id)) {
        ranked.push_back({id, trend_score(product->trend, now_, season_, settings_)});
      }
    }
    if (!ranked.empty()) trending_categories_.insert(category);
    publish(view_of(category, state, ranked), out);
    return true;
  }));
  if (!readable) return base::Error(base::ErrorCode::corrupt, "a ranking cannot be decoded");
  return base::Ok{};
}

void TrendBoard::touch(std::string_view id, Product& product) {
  const std::uint64_t number = round_.get().number;
  if (product.trend.round == number) return;
  product.trend.round = number;
  product.trend.fresh_slow = 0;
  touched_.emplace_back(id);
}

void TrendBoard::count(std::string_view id, const event::ProductActivity& fact, Product& product) {
  if (popularity_weight(fact.action) == 0) return;
  touch(id, product);
  round_.edit().week.add(fact.at);
  product.trend.add(fact, settings_);
  if (fact.action != event::ProductAction::purchase || product.trend.sold) return;
  const TrendCategory* category = categories_.find(product.counters.category);
  product.trend.start_from(category == nullptr ? 0 : category->mean_slow(fact.at, settings_));
}

void TrendBoard::on_stock(std::string_view id, Product& product, Views& out) {
  if (!product.trend.ranked) return;
  touch(id, product);
  if (!product.stock.sold_out()) return;
  drop(id, kShop, out);
  if (!product.trend.ranked_category.empty()) drop(id, product.trend.ranked_category, out);
}

void TrendBoard::drop(std::string_view id, const std::string& category, Views& out) {
  const TrendCategory* state = categories_.find(category);
  if (state != nullptr &&
      std::find(state->trending.begin(), state->trending.end(), id) != state->trending.end()) {
    std::erase(categories_.edit(category).trending, id);
  }
  const auto shown = published_.find(category);
  if (shown == published_.end()) return;
  event::TrendingView view = *shown->second;
  if (std::erase_if(view.items, [&](const auto& item) { return item.product_id == id; }) == 0) return;
  publish(std::make_shared<const event::TrendingView>(std::move(view)), out);
}

void TrendBoard::advance(base::WallTime now, Views& out) {
  now_ = std::max(now_, now);
  if (now_ - round_.get().at >= settings_.round_ms) make_round(out);
}

void TrendBoard::set_back(base::WallTime now) {
  now_ = now;
  if (round_.get().at > now) round_.edit().at = now;
}

void TrendBoard::make_round(Views& out) {
  season_ = round_.get().week.factor(now_);
  for (const auto& category : trending_categories_) gathered_.try_emplace(category);
  if (!touched_.empty()) gathered_.try_emplace(kShop);
  for (const auto& id : touched_) gather_touched(id);

  std::vector<std::string> still_busy;
  const auto gather_candidate = [&](std::string& id) {
    const Product* product = products_.find(id);
    if (product != nullptr && gather_score(id, *product)) still_busy.push_back(std::move(id));
  };
  const std::uint64_t number = round_.get().number;
  for (auto& id : candidates_) {
    const Product* product = products_.find(id);
    if (product != nullptr && product->trend.round != number) gather_candidate(id);
  }
  for (auto& id : touched_) gather_candidate(id);
  candidates_ = std::move(still_busy);
  touched_.clear();

  for (auto& [category, gathered] : gathered_) rank(category, gathered, out);
  gathered_.clear();
  ++round_.edit().number;
  round_.edit().at = now_;
}

void TrendBoard::gather_touched(const std::string& id) {
  const Product* found = products_.find(id);
  if (found == nullptr) return;
  const TrendItem& item = found->trend;
  const std::string& category = found->counters.category;
  Gathered& shop = gathered_[kShop];
  const std::int64_t fresh = parts_of(item.fresh_slow);
  if (item.ranked) {
    shop.slow_parts += fresh;
  } else {
    shop.slow_parts += parts_of(item.slow_at(now_, settings_));
    ++shop.products;
  }
  if (item.ranked && item.ranked_category == category) {
    if (!category.empty()) gathered_[category].slow_parts += fresh;
  } else {
    const std::int64_t whole = parts_of(item.slow_at(now_, settings_));
    if (item.ranked && !item.ranked_category.empty()) {
      Gathered& left = gathered_[item.ranked_category];
      left.slow_parts -= whole - fresh;
      --left.products;
    }
    if (!category.empty()) {
      gathered_[category].slow_parts += whole;
      ++gathered_[category].products;
    }
    Product& product = products_.edit(id);
    product.trend.ranked = true;
    product.trend.ranked_category = product.counters.category;
  }
  gather_popular(kShop, id, item);
  if (!category.empty()) gather_popular(category, id, item);
}

bool TrendBoard::gather_score(const std::string& id, const Product& product) {
  const TrendScore score = trend_score(product.trend, now_, season_, settings_);
  if (score.fast < settings_.events_min) return false;
  if (!trend_eligible(product.trend, score, settings_) || product.stock.sold_out()) return true;
  gathered_[kShop].eligible.push_back({id, score});
  const std::string& category = product.counters.category;
  if (!category.empty()) gathered_[category].eligible.push_back({id, score});
  return true;
}

void TrendBoard::gather_popular(const std::string& category, const std::string& id, const TrendItem& item) {
  Gathered& gathered = gathered_[category];
  if (!gathered.floor_known) {
    const TrendCategory* state = categories_.find(category);
    if (state != nullptr) gathered.popular_floor = state->popular_floor(now_, settings_);
    gathered.floor_known = true;
  }
  const double popularity = item.popularity_at(now_, settings_);
  if (popularity > 0 && popularity >= gathered.popular_floor)
    gathered.popular.push_back({id, item.popularity, item.at});
}

void TrendBoard::rank(const std::string& category, Gathered& gathered, Views& out) {
  TrendCategory& state = categories_.edit(category);
  state.products = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, static_cast<std::int64_t>(state.products) + gathered.products));
  state.add_slow(static_cast<double>(gathered.slow_parts) / kSlowParts, now_, settings_);
  if (!gathered.popular.empty()) state.merge_popular(std::move(gathered.popular), now_, settings_);
  if (!category.empty()) {
    std::erase_if(state.popular, [&](const PopularProduct& product) {
      const Product* known = products_.find(product.id);
      return known == nullptr || known->trend.ranked_category != category;
    });
  }
  const auto ranked = rerank(state.trending, std::move(gathered.eligible), settings_);
  state.trending.clear();
  for (const auto& product : ranked) state.trending.push_back(product.id);
  if (ranked.empty()) {
    trending_categories_.erase(category);
  } else {
    trending_categories_.insert(category);
  }
  publish(view_of(category, state, ranked), out);
}

std::shared_ptr<const event::TrendingView> TrendBoard::view_of(const std::string& category,
                                                               const TrendCategory& state,
                                                               const std::vector<ScoredProduct>& ranked) {
  auto view = std::make_shared<event::TrendingView>();
  view->category = category;
  const auto add = [&](const std::string& id, const Product& product, const TrendScore& score, double z) {
    view->items.push_back(
        {id, product.counters.category, z, score.fast_rate, product.trend.popularity_at(now_, settings_)});
  };
  std::unordered_set<std::string_view> shown;
  for (const auto& entry : ranked) {
    const Product* product = products_.find(entry.id);
    if (product == nullptr) continue;
    shown.insert(entry.id);
    add(entry.id, *product, entry.score, entry.score.z);
  }
  for (const auto& entry : state.popular) {
    if (view->items.size() >= settings_.items_max) break;
    if (shown.contains(entry.id)) continue;
    const Product* product = products_.find(entry.id);
    if (product == nullptr || product->stock.sold_out()) continue;
    add(entry.id, *product, trend_score(product->trend, now_, season_, settings_), 0);
  }
  return view;
}

void TrendBoard::publish(std::shared_ptr<const event::TrendingView> view, Views& out) {
  auto& shown = published_[view->category];
  if (shown != nullptr && !visibly_differs(*shown, *view)) return;
  shown = view;
  out.emplace_back(std::move(view));
}

void TrendBoard::Round::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.varint(number);
  writer.zigzag(at.ms);
  week.encode(writer);
}

bool TrendBoard::Round::decode(std::string_view bytes, Round& into) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return false;
  into.number = reader.varint();
  into.at.ms = reader.zigzag();
  return into.week.decode(reader) && reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
