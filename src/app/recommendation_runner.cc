#include "app/recommendation_runner.h"

#include <spdlog/spdlog.h>

#include "event/fact.h"
#include "event/record.h"

namespace millrace::app {

namespace {
constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::int64_t kIdleMs = 200;
// Learned under one hold of the index's lock: about a millisecond.
constexpr std::size_t kClicksPerTurn = 500;
// A million clicks waiting to be learned; past it the oldest sessions' evidence is worth less than the memory.
constexpr std::size_t kTurnsWaitingMax = 2000;
}  // namespace

RecommendationRunner::RecommendationRunner(const journal::Journal& sessions,
                                           commerce::RecommendationIndex& index)
    : sessions_(sessions),
      index_(index),
      next_(sessions.begin()),
      worker_("recommend", Priority::bulk, [this] { return turn(); }) {}

base::Status RecommendationRunner::load() {
  while (true) {
    TRY_ASSIGN(const bool more, read_sessions());
    if (!more) return base::Ok{};
  }
}

base::Result<bool> RecommendationRunner::read_sessions() {
  if (next_ >= sessions_.end()) return false;
  TRY_ASSIGN(const journal::RecordBatch batch, sessions_.read(next_, kReadBytes));
  for (const auto payload : batch.payloads) {
    const auto fact = event::decode_fact(payload);
    if (!fact.ok()) {
      spdlog::warn("sessions/0: {}", fact.error().message());
      continue;
    }
    auto& seen = seen_[{fact->position.topic, fact->position.partition}];
    if (seen && fact->position <= *seen) continue;  // Emitted again after a restart.
    seen = fact->position;
    if (const auto* closed = std::get_if<event::SessionClosed>(&fact->fact)) index_.apply(*closed);
  }
  next_ = batch.end();
  return !batch.empty();
}

void RecommendationRunner::take(const event::ViewGroup& group) {
  bool any = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& update : group.updates) {
      const auto* click = std::get_if<event::ClickView>(&update);
      if (!click || clicks_.size() >= kTurnsWaitingMax) continue;
      if (clicks_.empty() || clicks_.back().size() == kClicksPerTurn) clicks_.emplace_back();
      clicks_.back().push_back(*click);
      any = true;
    }
  }
  if (any) worker_.wake();
}

std::int64_t RecommendationRunner::turn() {
  std::vector<Clicks> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(clicks_);
  }
  for (const Clicks& clicks : waiting) index_.apply(clicks);
  if (broken_) return kIdleMs;
  const auto more = read_sessions();
  if (!more.ok()) {
    broken_ = true;
    spdlog::error("sessions/0: {}; closed sessions no longer reach the recommendations",
                  more.error().message());
    return kIdleMs;
  }
  return *more || !waiting.empty() ? 0 : kIdleMs;
}

void RecommendationRunner::recommend(std::span<const std::string_view> items, std::size_t n,
                                     std::uint64_t exclude_session,
                                     std::vector<serve::ScoredProduct>& out) const {
  commerce::RecommendationQuery query;
  query.items.assign(items.begin(), items.end());
  query.session = exclude_session;
  query.count = n;
  query.last_item = commerce::RecommendationQuery::LastItem::allowed;  // The API decides.
  for (auto& product : index_.recommend(query)) out.push_back({std::move(product.product_id), product.score});
}

}  // namespace millrace::app
