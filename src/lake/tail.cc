#include "lake/tail.h"

#include <algorithm>
#include <utility>

namespace millrace::lake {

std::shared_ptr<const std::vector<std::string>> Tail::source_names() const {
  const std::lock_guard lock(mutex_);
  return source_names_;
}

void Tail::set_source_names(std::vector<std::string> names) {
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(names));
  const std::lock_guard lock(mutex_);
  source_names_ = std::move(shared);
}

Tail::Tail(std::vector<std::string> source_names)
    : source_names_(std::make_shared<const std::vector<std::string>>(std::move(source_names))) {
  generations_.push_back({1, {}});
}

RowRef row_ref(Table table, const Segment& segment, std::uint32_t row) {
  const RowGroup& group = *segment.group;
  RowRef ref;
  ref.segment = &segment;
  ref.row = row;
  ref.partition = group.partition;
  std::uint64_t index = row & ~kOfRecords;
  if (table == Table::quarantine && (row & kOfRecords) == 0) {
    index = group.poison[row].first - group.records->first.value;
  } else if (table != Table::events && table != Table::raw_events && table != Table::quarantine) {
    return ref;
  } else if ((row & kOfRecords) == 0) {
    const event::EventRow& event = group.events[row];
    index = event.index;
    ref.verdict = event.verdict;
    ref.session_id = event.session_id;
  }
  ref.offset = group.records->first.value + index;
  ref.payload = group.records->payloads[index];
  return ref;
}

void Tail::append(std::shared_ptr<const Segment> segment) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kTableCount; ++i)
    counts_[i] += static_cast<std::int64_t>(segment->rows[i].size());
  bytes_ += segment->bytes;
  generations_.back().segments.push_back(std::move(segment));
  cached_.reset();
}

std::uint64_t Tail::rotate() {
  const std::lock_guard lock(mutex_);
  const auto id = generations_.back().id;
  generations_.push_back({id + 1, {}});
  cached_.reset();
  return id;
}

void Tail::drop(std::uint64_t id) {
  std::vector<Generation> dropped;  // Destroyed after the lock is gone.
  const std::lock_guard lock(mutex_);
  const auto kept =
      std::find_if(generations_.begin(), generations_.end(), [id](const auto& g) { return g.id > id; });
  for (auto generation = generations_.begin(); generation != kept; ++generation) {
    for (const auto& segment : generation->segments) {
      bytes_ -= segment->bytes;
      for (std::size_t i = 0; i < kTableCount; ++i)
        counts_[i] -= static_cast<std::int64_t>(segment->rows[i].size());
    }
    dropped.push_back(std::move(*generation));
  }
  generations_.erase(generations_.begin(), kept);
  cached_.reset();
}

std::shared_ptr<const TailSnapshot> Tail::snapshot() const {
  const std::lock_guard lock(mutex_);
  if (cached_ == nullptr) cached_ = std::make_shared<const TailSnapshot>(generations_);
  return cached_;
}

void Tail::pin(std::uint64_t connection_id) {
  auto current = snapshot();
  const std::lock_guard lock(mutex_);
  inputs_[connection_id].snapshot = std::move(current);
}

void Tail::unpin(std::uint64_t connection_id) {
  Input released;
  const std::lock_guard lock(mutex_);
  const auto found = inputs_.find(connection_id);
  if (found == inputs_.end()) return;
  released = std::move(found->second);
  inputs_.erase(found);
}

void Tail::hand_over(std::uint64_t connection_id, std::shared_ptr<const SortedRows> rows) {
  const std::lock_guard lock(mutex_);
  std::swap(inputs_[connection_id].sorted, rows);
}

std::uint64_t Tail::open_generation() const {
  const std::lock_guard lock(mutex_);
  return generations_.back().id;
}

std::array<std::int64_t, kTableCount> Tail::row_counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::int64_t Tail::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

Tail::Input Tail::input_of(std::uint64_t connection_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = inputs_.find(connection_id);
  return found == inputs_.end() ? Input{} : found->second;
}

}  // namespace millrace::lake
