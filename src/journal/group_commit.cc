#include "journal/group_commit.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::journal {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Status;

GroupCommit::GroupCommit(Journal& journal, const base::Clock& clock, GroupCommitSettings settings)
    : journal_(journal), clock_(clock), settings_(settings) {
  marks_.push_back({journal_.durable_end(), clock_.now()});
}

GroupCommit::~GroupCommit() {
  std::vector<Submission> rest;
  {
    const std::lock_guard lock(mutex_);
    rest.swap(pending_);
    stopped_.store(true, std::memory_order_relaxed);
  }
  for (Submission& submission : rest)
    fail(submission, Error(ErrorCode::unavailable, "the journal is closing"));
}

Status GroupCommit::submit(RecordBuffer&& records, Durability durability, Done done) {
  const std::size_t bytes = records.bytes().size();
  if (bytes > kAppendBytesMax) {
    return Error(ErrorCode::invalid_argument, "submission of " + std::to_string(bytes) + " bytes; at most " +
                                                  std::to_string(kAppendBytesMax) + " at once");
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopped()) {
      metrics_.submissions_refused.fetch_add(1, std::memory_order_relaxed);
      return Error(ErrorCode::unavailable, "the journal has stopped");
    }
    if (pending_bytes() + bytes > settings_.pending_bytes_max) {
      metrics_.submissions_refused.fetch_add(1, std::memory_order_relaxed);
      return Error(ErrorCode::exhausted, "more than " + std::to_string(settings_.pending_bytes_max) +
                                             " bytes wait for the journal");
    }
    pending_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    pending_.push_back({std::move(records), durability, std::move(done), {}, true});
  }
  arrived_.notify_one();
  return Ok{};
}

bool GroupCommit::run_once() {
  group_.clear();
  {
    const std::lock_guard lock(mutex_);
    group_.swap(pending_);
  }
  if (group_.empty()) return false;
  std::size_t bytes = 0;
  std::uint64_t records = 0;
  for (const Submission& submission : group_) {
    bytes += submission.records.bytes().size();
    records += submission.records.count();
  }
  metrics_.group_records.record(records);
  metrics_.group_bytes.record(bytes);
  append_all(group_);
  sync_for(group_);
  pending_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  group_.clear();
  return true;
}

void GroupCommit::append_all(std::span<Submission> group) {
  std::size_t start = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::size_t size = group[i].records.bytes().size();
    if (bytes + size > kAppendBytesMax) {
      append_chunk(group.subspan(start, i - start));
      start = i;
      bytes = 0;
    }
    bytes += size;
  }
  append_chunk(group.subspan(start));
  notify();
  for (Submission& submission : group) {
    if (!submission.open || submission.durability != Durability::appended) continue;
    submission.open = false;
    submission.done(submission.first);
  }
}

void GroupCommit::append_chunk(std::span<Submission> chunk) {
  chunk_buffers_.clear();
  std::size_t bytes = 0;
  for (const Submission& submission : chunk) {
    chunk_buffers_.push_back(&submission.records);
    bytes += submission.records.bytes().size();
  }
  const base::Instant start = clock_.now();
  auto first = journal_.append(chunk_buffers_);
  metrics_.append_ns.record(static_cast<std::uint64_t>(clock_.now() - start));
  if (!first.ok()) {
    if (first.error().code() == ErrorCode::exhausted) {
      disk_full_.store(true, std::memory_order_relaxed);
      full_at_bytes_ = bytes;
    }
    for (Submission& submission : chunk) fail(submission, first.error());
    return;
  }
  if (disk_full() && bytes >= full_at_bytes_) room_again();
  Offset next = *first;
  for (Submission& submission : chunk) {
    submission.first = next;
    next = next + submission.records.count();
  }
  metrics_.records.fetch_add(next.value - first->value, std::memory_order_relaxed);
  metrics_.bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void GroupCommit::sync_for(std::span<Submission> group) {
  bool wanted = false;
  for (const Submission& submission : group) wanted = wanted || submission.open;
  if (!wanted) return;
  const base::Instant start = clock_.now();
  const Status synced = journal_.sync();
  const base::Instant end = clock_.now();
  metrics_.sync_ns.record(static_cast<std::uint64_t>(end - start));
  if (synced.ok()) {
    note_sync(end);
    notify();
  }
  for (Submission& submission : group) {
    if (!submission.open) continue;
    if (!synced.ok()) {
      fail(submission, synced.error());
      continue;
    }
    submission.open = false;
    submission.done(submission.first);
  }
}

void GroupCommit::note_sync(base::Instant at) {
  const Offset end = journal_.durable_end();
  const std::lock_guard lock(marks_mutex_);
  if (end == marks_.back().end) return;
  if (marks_.size() >= kSyncMarks) marks_.pop_front();
  marks_.push_back({end, at});
}

std::optional<base::Instant> GroupCommit::durable_since(Offset offset) const {
  const std::lock_guard lock(marks_mutex_);
  const auto mark = std::upper_bound(marks_.begin(), marks_.end(), offset,
                                     [](Offset wanted, const SyncMark& known) { return wanted < known.end; });
  if (mark == marks_.begin() || mark == marks_.end()) return std::nullopt;
  return mark->at;
}

void GroupCommit::fail(Submission& submission, const Error& error) {
  // A journal that refused or lost a write refuses everything until it is opened anew; a full disk or a
  // limit does not last.
  const ErrorCode code = error.code();
  if (code == ErrorCode::io || code == ErrorCode::unavailable)
    stopped_.store(true, std::memory_order_relaxed);
  metrics_.submissions_failed.fetch_add(1, std::memory_order_relaxed);
  submission.open = false;
  submission.done(error);
}

void GroupCommit::wait(std::int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return woken_ || !pending_.empty(); });
  woken_ = false;
}

void GroupCommit::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  arrived_.notify_one();
}

void GroupCommit::on_progress(std::function<void()> observer) { observers_.push_back(std::move(observer)); }

void GroupCommit::notify() const {
  for (const auto& observer : observers_) observer();
}

}  // namespace millrace::journal
