#include "serve/recent_sessions.h"

#include <algorithm>

namespace millrace::serve {

void RecentSessions::changed(const SessionSummary& session) {
  std::lock_guard lock(mutex_);
  const auto found = index_.find(session.session_id);
  if (found != index_.end()) {
    slots_[found->second] = {++sequence_, session};
    return;
  }
  if (slots_.size() < sessions_max_) {
    index_.emplace(session.session_id, static_cast<std::uint32_t>(slots_.size()));
    slots_.push_back({++sequence_, session});
    return;
  }
  next_ = (next_ + 1) % sessions_max_;
  index_.erase(slots_[next_].session.session_id);
  index_.emplace(session.session_id, static_cast<std::uint32_t>(next_));
  slots_[next_] = {++sequence_, session};
}

void RecentSessions::retracted(std::uint64_t session_id) {
  std::lock_guard lock(mutex_);
  const auto found = index_.find(session_id);
  if (found == index_.end()) return;
  slots_[found->second] = {};  // Sequence 0: never shown, and overwritten in its turn.
  index_.erase(found);
}

std::vector<RecentSessions::Change> RecentSessions::changed_after(std::uint64_t sequence,
                                                                  std::size_t n) const {
  std::vector<Change> changes;
  std::lock_guard lock(mutex_);
  if (sequence >= sequence_) return changes;
  std::vector<const Change*> newest;
  newest.reserve(slots_.size());
  for (const Change& change : slots_) {
    if (change.sequence > sequence) newest.push_back(&change);
  }
  n = std::min(n, newest.size());
  std::partial_sort(newest.begin(), newest.begin() + static_cast<std::ptrdiff_t>(n), newest.end(),
                    [](const Change* a, const Change* b) { return a->sequence > b->sequence; });
  changes.reserve(n);
  for (std::size_t i = 0; i < n; ++i) changes.push_back(*newest[i]);
  return changes;
}

void OpenSessions::opened(std::uint64_t session_id) {
  Shard& shard = shards_[session_id % kShards];
  std::lock_guard lock(shard.mutex);
  if (shard.ids.size() < shard_sessions_max_) shard.ids.insert(session_id);
}

void OpenSessions::closed(std::uint64_t session_id) {
  Shard& shard = shards_[session_id % kShards];
  std::lock_guard lock(shard.mutex);
  shard.ids.erase(session_id);
}

std::size_t OpenSessions::size() const {
  std::size_t size = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    size += shard.ids.size();
  }
  return size;
}

}  // namespace millrace::serve
