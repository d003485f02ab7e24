#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "app/worker.h"
#include "commerce/recommendation_index.h"
#include "event/fact.h"
#include "event/view.h"
#include "journal/journal.h"
#include "serve/recommendation_source.h"

namespace millrace::app {

// Keeps the recommendation index: reads the `sessions` topic from its beginning, then follows it, and takes the clicks of sessions that
// are still open straight from the stages.
class RecommendationRunner final : public serve::RecommendationSource {
 public:
  RecommendationRunner(const journal::Journal& sessions, commerce::RecommendationIndex& index);
  ~RecommendationRunner() override { worker_.stop(); }

  // Reads what the topic holds now; serving should not begin before.
  base::Status load();
  void start() { worker_.start(); }
  void stop() { worker_.stop(); }
  void wake() { worker_.wake(); }
  void take(const event::ViewGroup& group);  // Any thread.

  void recommend(std::span<const std::string_view> items, std::size_t n, std::uint64_t exclude_session,
                 std::vector<serve::ScoredProduct>& out) const override;

 private:
  using Clicks = std::vector<event::ClickView>;

  std::int64_t turn();
  base::Result<bool> read_sessions();

  const journal::Journal& sessions_;
  commerce::RecommendationIndex& index_;
  journal::Offset next_;
  std::map<std::pair<event::Topic, std::uint32_t>, std::optional<event::SourcePosition>> seen_;
  bool broken_ = false;
  std::mutex mutex_;
  std::vector<Clicks> clicks_;  // For turns to come, all full but the last; guarded by mutex_.
  Worker worker_;
};

}  // namespace millrace::app
