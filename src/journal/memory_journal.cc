#include "journal/memory_journal.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace millrace::journal {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

Result<Offset> MemoryJournal::append(std::span<const RecordBuffer* const> buffers) {
  Appended next;
  for (const RecordBuffer* buffer : buffers) {
    next.bytes.append(buffer->bytes());
    next.count += buffer->count();
  }
  if (next.bytes.size() > kAppendBytesMax)
    return Error(ErrorCode::invalid_argument, "append past kAppendBytesMax");
  const std::lock_guard lock(mutex_);
  next.first = end_;
  if (next.count == 0) return end_;
  end_ = end_ + next.count;
  appended_.push_back(std::move(next));
  return appended_.back().first;
}

Status MemoryJournal::sync() {
  const std::lock_guard lock(mutex_);
  durable_end_ = end_;
  return Ok{};
}

Result<RecordBatch> MemoryJournal::read(Offset from, std::size_t max_bytes) const {
  const std::lock_guard lock(mutex_);
  if (from < begin_) {
    return Error(ErrorCode::not_found, "offset " + std::to_string(from.value) +
                                           " was trimmed away; the journal begins at " +
                                           std::to_string(begin_.value));
  }
  RecordBatch batch;
  batch.first = from;
  if (from >= end_) return batch;
  auto next = std::upper_bound(appended_.begin(), appended_.end(), from,
                               [](Offset offset, const Appended& entry) { return offset < entry.first; });
  std::size_t taken = 0;
  for (--next; next != appended_.end(); ++next) {
    if (taken > 0 && taken + next->bytes.size() > max_bytes) break;
    taken += next->bytes.size();
    const auto copy = std::make_shared<const std::string>(next->bytes);
    batch.owners.push_back(copy);
    base::ByteReader reader(*copy);
    for (Offset offset = next->first; !reader.at_end(); offset = offset + 1) {
      const std::string_view payload = reader.raw(reader.u32());
      if (offset >= from) batch.payloads.push_back(payload);
    }
  }
  return batch;
}

Offset MemoryJournal::begin() const {
  const std::lock_guard lock(mutex_);
  return begin_;
}

Offset MemoryJournal::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

Offset MemoryJournal::durable_end() const {
  const std::lock_guard lock(mutex_);
  return durable_end_;
}

Status MemoryJournal::trim(Offset before) {
  const std::lock_guard lock(mutex_);
  while (!appended_.empty() && appended_.front().first + appended_.front().count <= before) {
    begin_ = appended_.front().first + appended_.front().count;
    appended_.pop_front();
  }
  return Ok{};
}

}  // namespace millrace::journal
