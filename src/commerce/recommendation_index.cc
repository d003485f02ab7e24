#include "commerce/recommendation_index.h"

#include <algorithm>
#include <mutex>

#include "base/hash.h"

namespace millrace::commerce {

std::size_t ItemNames::Hash::operator()(std::string_view text) const { return base::hash64(text); }

ItemNumber ItemNames::find(std::string_view id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? kUnknown : found->second;
}

ItemNumber ItemNames::intern(std::string_view id, std::size_t limit) {
  if (const ItemNumber known = find(id); known != kUnknown) return known;
  if (names_.size() >= limit) return kUnknown;
  const auto [entry, is_new] = numbers_.emplace(std::string(id), static_cast<ItemNumber>(names_.size()));
  names_.push_back(&entry->first);
  return entry->second;
}

RecommendationIndex::RecommendationIndex(RecommendationSettings settings,
                                         std::unique_ptr<Recommender> recommender)
    : settings_(settings), recommender_(std::move(recommender)) {}

void RecommendationIndex::apply(std::span<const event::ClickView> clicks) {
  const std::unique_lock lock(mutex_);
  constexpr std::size_t kAhead = 6;
  for (std::size_t i = 0; i < clicks.size(); ++i) {
    const event::ClickView& click = clicks[i];
    if (i + kAhead < clicks.size()) {
      open_.prefetch(clicks[i + kAhead].session_id);
      recommender_->prefetch(clicks[i + kAhead].session_id);
    }
    const ItemNumber item = names_.intern(click.product_id, settings_.items_max);
    if (item == ItemNames::kUnknown) continue;
    ++*open_.insert(click.session_id).first;
    recommender_->click(click.session_id, item, click.at.ms,
                        click.purchase ? settings_.purchase_weight : 1.0f);
  }
}

void RecommendationIndex::apply(const event::SessionClosed& session) {
  const std::unique_lock lock(mutex_);
  const std::uint32_t* const open = open_.find(session.row.session_id);
  std::size_t learned = open == nullptr ? 0 : *open;
  open_.erase(session.row.session_id);
  // A late event has opened it again: what it held before was learned at its first closing, the event as a click.
  if (session.row.version > 1) learned = session.items.size();
  for (std::size_t i = learned; i < session.items.size(); ++i) {
    const ItemNumber item = names_.intern(session.items[i], settings_.items_max);
    if (item == ItemNames::kUnknown) continue;
    recommender_->click(session.row.session_id, item, session.row.ended_at.ms, 1.0f);
  }
  recommender_->close(session.row.session_id);
}

std::vector<RecommendedProduct> RecommendationIndex::recommend(const RecommendationQuery& query) const {
  thread_local ScoreBoard board;
  thread_local std::vector<ScoredItem> best;
  std::vector<RecommendedProduct> result;
  const std::shared_lock lock(mutex_);
  std::vector<ItemNumber> items;
  for (const auto& id : query.items) {
    if (const ItemNumber item = names_.find(id); item != ItemNames::kUnknown) items.push_back(item);
  }
  if (items.empty()) return result;
  board.reset(names_.size());
  recommender_->score({items, query.session}, board);
  const bool leave_out = query.last_item == RecommendationQuery::LastItem::left_out && !query.items.empty();
  board.best(query.count + (leave_out ? 1 : 0), best);
  const ItemNumber last = leave_out ? names_.find(query.items.back()) : ItemNames::kUnknown;
  for (const auto& scored : best) {
    if (scored.item == last || result.size() == query.count) continue;
    result.push_back({std::string(names_.name(scored.item)), scored.score});
  }
  return result;
}

std::size_t RecommendationIndex::memory_bytes() const {
  const std::shared_lock lock(mutex_);
  return recommender_->memory_bytes() + names_.size() * 96 + open_.memory_bytes();
}

}  // namespace millrace::commerce
