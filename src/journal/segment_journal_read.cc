#include <algorithm>
#include <string>

#include "journal/segment_journal.h"

namespace millrace::journal {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

namespace {

Error trimmed(Offset from, Offset begin) {
  return {ErrorCode::not_found, "offset " + std::to_string(from.value) +
                                    " was trimmed away; the journal begins at " +
                                    std::to_string(begin.value)};
}

}  // namespace

Result<RecordBatch> SegmentJournal::read(Offset from, std::size_t max_bytes) const {
  RecordBatch batch;
  batch.first = from;
  std::shared_ptr<SegmentFile> segment;
  Offset stop;
  {
    const std::lock_guard lock(segments_mutex_);
    if (from < segments_.front()->first()) return trimmed(from, begin());
    stop = end();
    if (from >= stop) return batch;
    auto next =
        std::upper_bound(segments_.begin(), segments_.end(), from,
                         [](Offset offset, const auto& candidate) { return offset < candidate->first(); });
    if (next != segments_.end()) stop = (*next)->first();
    segment = *(next - 1);
  }
  Status read = segment->read({from, stop, max_bytes}, read_memory_, batch);
  if (read.ok()) return batch;
  // Its file may have been trimmed away since the lock was given up.
  if (read.error().code() == ErrorCode::not_found && from < begin()) return trimmed(from, begin());
  return std::move(read).error();
}

// Oldest first, each name gone for good before the next: a crash may bring back the newest of the removed
// segments but never leaves a gap.
Status SegmentJournal::trim(Offset before) {
  while (true) {
    std::string path;
    Offset next;
    {
      const std::lock_guard lock(segments_mutex_);
      if (segments_.size() < 2 || segments_[1]->first() > before) return Ok{};
      path = segments_.front()->path();
      next = segments_[1]->first();
    }
    begin_.store(next.value, std::memory_order_release);
    TRY(disk_.remove(path));
    TRY(disk_.sync_directory(settings_.directory));
    const std::lock_guard lock(segments_mutex_);
    segments_.pop_front();
  }
}

Result<std::uint64_t> SegmentJournal::prepare_next() {
  std::uint64_t size = 0;
  std::uint64_t used = 0;
  {
    const std::lock_guard lock(segments_mutex_);
    size = segments_.back()->bytes();
    used = segments_.back()->end_position();
  }
  SpareSegment::Goal goal;
  goal.bytes = std::min(std::max(2 * size, kFirstFilledBytes), settings_.segment_bytes);
  const double share = std::min(1.0, 2.0 * static_cast<double>(used) / static_cast<double>(size));
  goal.due_bytes = static_cast<std::uint64_t>(share * static_cast<double>(goal.bytes));
  return spare_.prepare(goal);
}

Offset SegmentJournal::retained_from(const Retention& retention) const {
  const base::WallTime now = clock_.wall();
  const std::lock_guard lock(segments_mutex_);
  std::uint64_t total = 0;
  for (const auto& segment : segments_) total += segment->bytes();
  std::size_t kept_from = 0;
  for (; kept_from + 1 < segments_.size(); ++kept_from) {
    // A segment's youngest record is no younger than the birth of its successor.
    const bool expired =
        retention.age_ms > 0 && now - segments_[kept_from + 1]->header().created >= retention.age_ms;
    const bool too_much = retention.bytes > 0 && total > retention.bytes;
    if (!expired && !too_much) break;
    total -= segments_[kept_from]->bytes();
  }
  return segments_[kept_from]->first();
}

Offset SegmentJournal::offset_at(base::WallTime time) const {
  const std::lock_guard lock(segments_mutex_);
  Offset found = segments_.front()->first();
  for (const auto& segment : segments_) {
    if (segment->header().created > time) break;
    found = segment->first();
  }
  return found;
}

std::uint64_t SegmentJournal::segments() const {
  const std::lock_guard lock(segments_mutex_);
  return segments_.size();
}

std::uint64_t SegmentJournal::bytes() const {
  const std::lock_guard lock(segments_mutex_);
  std::uint64_t total = 0;
  for (const auto& segment : segments_) total += segment->bytes();
  return total;
}

}  // namespace millrace::journal
