#include "journal/segment_journal.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "journal/segment_recovery.h"

namespace millrace::journal {
namespace {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

constexpr std::string_view kSpareName = "/next.spare";
constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::uint64_t kCopyBytes = 1 << 20;

std::optional<Offset> segment_offset(std::string_view name) {
  if (name.size() != 20 + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix)) return std::nullopt;
  Offset first;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, first.value);
  if (error != std::errc() || end != name.data() + 20) return std::nullopt;
  return first;
}

}  // namespace

SegmentJournal::SegmentJournal(Opening, SegmentJournalSettings settings, disk::Disk& disk,
                               const base::Clock& clock, base::Random& random)
    : settings_(std::move(settings)),
      disk_(disk),
      clock_(clock),
      salts_(random.next()),
      spare_(disk, settings_.directory + std::string(kSpareName)),
      encoder_(settings_.compression, settings_.zstd_level) {}

Result<std::unique_ptr<SegmentJournal>> SegmentJournal::open(SegmentJournalSettings settings,
                                                             disk::Disk& disk, const base::Clock& clock,
                                                             base::Random& random) {
  auto journal = std::make_unique<SegmentJournal>(Opening(), std::move(settings), disk, clock, random);
  Status loaded = journal->load();
  if (!loaded.ok()) return std::move(loaded).error().with_context("open journal");
  return journal;
}

Status SegmentJournal::load() {
  TRY(disk::make_directory_durably(disk_, settings_.directory));
  // A spare of an earlier process may hold zeros that never reached the disk.
  TRY(spare_.discard());
  TRY_ASSIGN(const auto names, disk_.list(settings_.directory));
  // Names seen now may be in the kernel's memory only.
  TRY(disk_.sync_directory(settings_.directory));
  for (const std::string& name : names) {
    if (const auto first = segment_offset(name)) {
      TRY_ASSIGN(auto segment, SegmentFile::open(disk_, settings_.directory, *first));
      epoch_ = std::max(epoch_, segment->header().epoch);
      segments_.push_back(std::move(segment));
    }
  }
  if (segments_.empty()) {
    epoch_ = 1;
    TRY(roll());
  } else {
    begin_.store(segments_.front()->first().value, std::memory_order_release);
    TRY(recover_newest());
    epoch_ += 1;
  }
  // A journal on a full disk can still be read, and written to once there is room: the marker is then left
  // out, and the epoch begins with the first batch.
  const Status marked = write_marker();
  if (!marked.ok() && marked.error().code() != ErrorCode::exhausted) return marked;
  return Ok{};
}

Status SegmentJournal::recover_newest() {
  active_ = segments_.back();
  TRY_ASSIGN(const SegmentTail tail, recover_tail(*active_));
  const std::string path = active_->path();
  TRY_ASSIGN(file_, disk_.open_for_write(path));
  filled_end_ = active_->bytes();
  TRY(rewrite_unsynced(tail.known_position, tail.position));
  TRY(fill_with_zeros(tail.position, tail.remains_end));
  TRY(file_->sync());
  TRY_ASSIGN(active_, SegmentFile::adopt(disk_, settings_.directory, active_->header(), tail.position));
  active_->set_bytes(filled_end_);
  segments_.back() = active_;
  position_ = tail.position;
  epoch_ = std::max(epoch_, tail.epoch);
  end_.store(tail.end.value, std::memory_order_release);
  durable_end_.store(tail.end.value, std::memory_order_release);
  return Ok{};
}

// A sync that failed before the restart may have left pages that read well, count as clean and are not on
// the disk. Written again, they are dirty and the next sync means something.
Status SegmentJournal::rewrite_unsynced(std::uint64_t from, std::uint64_t to) {
  TRY_ASSIGN(const auto source, active_->file());
  std::string bytes;
  for (; from < to; from += bytes.size()) {
    bytes.resize(std::min(kCopyBytes, to - from));
    TRY_ASSIGN(const std::size_t count, source->read_at(from, std::as_writable_bytes(std::span(bytes))));
    if (count != bytes.size()) return active_->corrupt(from, "the file became shorter while it was read");
    TRY(file_->write_at(from, base::as_bytes(bytes)));
  }
  return Ok{};
}

Status SegmentJournal::fill_with_zeros(std::uint64_t from, std::uint64_t to) {
  std::string zeros;
  for (; from < to; from += zeros.size()) {
    zeros.resize(std::min(kCopyBytes, to - from));
    TRY(file_->write_at(from, base::as_bytes(zeros)));
  }
  return Ok{};
}

Status SegmentJournal::write_marker() {
  encoded_.clear();
  encoded_batches_.clear();
  Offset next = end();
  TRY(encode_batch({}, 0, next));
  TRY(write_encoded());
  publish(end());
  return sync();
}

Result<Offset> SegmentJournal::append(std::span<const RecordBuffer* const> buffers) {
  if (stopped_) return Error(ErrorCode::unavailable, "journal stopped: " + stopped_->message());
  std::size_t raw_bytes = 0;
  std::uint64_t count = 0;
  for (const RecordBuffer* buffer : buffers) {
    raw_bytes += buffer->bytes().size();
    count += buffer->count();
  }
  const Offset first = end();
  if (count == 0) return first;
  if (raw_bytes > kAppendBytesMax) {
    return Error(ErrorCode::invalid_argument, "append of " + std::to_string(raw_bytes) + " bytes; at most " +
                                                  std::to_string(kAppendBytesMax) + " at once");
  }
  TRY(encode(buffers));
  if (must_roll(encoded_.size())) {
    TRY(roll());
    TRY(encode(buffers));
  } else if (unsynced_bytes_ + encoded_.size() > kUnsyncedBytesMax && unsynced_bytes_ > 0) {
    TRY(sync());
  }
  TRY(write_encoded());
  publish(first + count);
  return first;
}

Status SegmentJournal::encode(std::span<const RecordBuffer* const> buffers) {
  encoded_.clear();
  encoded_batches_.clear();
  gathered_.clear();
  std::uint32_t gathered_count = 0;
  Offset next = end();
  const auto flush = [&]() -> Status {
    if (gathered_count > 0) TRY(encode_batch(gathered_, gathered_count, next));
    gathered_.clear();
    gathered_count = 0;
    return Ok{};
  };
  for (const RecordBuffer* buffer : buffers) {
    const std::string_view bytes = buffer->bytes();
    if (gathered_.size() + bytes.size() > settings_.batch_bytes) TRY(flush());
    if (bytes.size() > settings_.batch_bytes) {
      TRY(encode_oversized(*buffer, next));
    } else {
      gathered_.append(bytes);
      gathered_count += buffer->count();
    }
  }
  TRY(flush());
  if (encoded_.size() <= kUnsyncedBytesMax) return Ok{};
  return Error(ErrorCode::invalid_argument, "append would take more than kUnsyncedBytesMax on disk");
}

// Cuts the buffer between records into batches as near to batch_bytes as they fit.
Status SegmentJournal::encode_oversized(const RecordBuffer& buffer, Offset& next) {
  const std::string_view bytes = buffer.bytes();
  base::ByteReader reader(bytes);
  std::size_t start = 0;
  std::uint32_t count = 0;
  while (!reader.at_end()) {
    const std::size_t at = bytes.size() - reader.remaining();
    reader.raw(reader.u32());
    INVARIANT(reader.ok());
    const std::size_t after = bytes.size() - reader.remaining();
    if (count > 0 && after - start > settings_.batch_bytes) {
      TRY(encode_batch(bytes.substr(start, at - start), count, next));
      start = at;
      count = 0;
    }
    ++count;
  }
  return encode_batch(bytes.substr(start), count, next);
}

Status SegmentJournal::encode_batch(std::string_view records, std::uint32_t count, Offset& next) {
  BatchHeader header;
  header.epoch = epoch_;
  header.first = next;
  header.durable_end = durable_end();
  header.appended = clock_.wall();
  header.count = count;
  encoded_batches_.push_back({next, encoded_.size()});
  next = next + count;
  return encoder_.add(header, active_->header().salt, records, encoded_);
}

// Also when the active segment is used up as far as it was filled and a filled one waits, even if it may
// still grow.
bool SegmentJournal::must_roll(std::uint64_t bytes) const {
  if (end() == active_->first()) return false;
  const std::uint64_t after = position_ + bytes;
  return after > std::max(settings_.segment_bytes, filled_end_) || (after > filled_end_ && spare_.ready());
}

// The old segment is synced before the new one has a name, and the name is durable before the first append:
// so only the newest segment can have a torn tail, and no synced record is in a file that a crash can lose.
Status SegmentJournal::roll() {
  if (active_) TRY(sync());
  const SegmentHeader header{end(), epoch_, salts_.next(), clock_.wall()};
  const std::string path = SegmentFile::path_of(settings_.directory, header.first);
  auto promoted = spare_.promote(journal::encode(header), path);
  if (!promoted.ok() && promoted.error().code() == ErrorCode::exhausted) return std::move(promoted).error();
  if (!promoted.ok()) return stop(std::move(promoted).error());
  Status named = disk_.sync_directory(settings_.directory);
  if (!named.ok()) return stop(std::move(named).error());
  auto adopted = SegmentFile::adopt(disk_, settings_.directory, header, kSegmentHeaderBytes);
  if (!adopted.ok()) return stop(std::move(adopted).error());

  if (active_) active_->seal();
  active_ = *std::move(adopted);
  file_ = std::move(promoted->file);
  filled_end_ = promoted->bytes;
  position_ = kSegmentHeaderBytes;
  active_->set_bytes(filled_end_);
  const std::lock_guard lock(segments_mutex_);
  segments_.push_back(active_);
  return Ok{};
}

Status SegmentJournal::write_encoded() {
  Status written = file_->write_at(position_, base::as_bytes(encoded_));
  if (written.ok()) return written;
  if (written.error().code() != ErrorCode::exhausted) return stop(std::move(written).error());
  return undo_write(std::move(written).error());
}

// Part of the batches may be in the file, whole and readable. They must not come back after a restart, so
// they are gone from the disk before the caller hears that nothing was appended.
Status SegmentJournal::undo_write(Error cause) {
  TRY_ASSIGN(const auto source, active_->file());
  auto size = source->size();
  if (!size.ok()) return stop(std::move(size).error());
  Status undone = fill_with_zeros(position_, std::min(position_ + encoded_.size(), *size));
  if (undone.ok()) undone = sync();
  if (!undone.ok()) return stop(std::move(undone).error());
  filled_end_ = std::max(filled_end_, *size);
  active_->set_bytes(filled_end_);
  return cause;
}

void SegmentJournal::publish(Offset end) {
  for (const BatchPosition& batch : encoded_batches_) {
    active_->remember({batch.first, position_ + batch.position});
  }
  position_ += encoded_.size();
  unsynced_bytes_ += encoded_.size();
  filled_end_ = std::max(filled_end_, position_);
  active_->set_bytes(filled_end_);
  active_->set_end_position(position_);
  end_.store(end.value, std::memory_order_release);
}

Status SegmentJournal::sync() {
  if (stopped_) return Error(ErrorCode::unavailable, "journal stopped: " + stopped_->message());
  Status synced = file_->sync();
  if (!synced.ok()) return stop(std::move(synced).error());
  unsynced_bytes_ = 0;
  durable_end_.store(end_.load(std::memory_order_relaxed), std::memory_order_release);
  return Ok{};
}

// Always io, whatever stopped it: a full disk met while undoing a write must not be taken for "nothing was appended".
Error SegmentJournal::stop(Error cause) {
  if (!stopped_)
    stopped_ = Error(ErrorCode::io, "partition '" + settings_.directory + "': " + cause.message());
  return *stopped_;
}

Status SegmentJournal::close() {
  TRY(sync());
  TRY(write_marker());
  stopped_ = Error(ErrorCode::unavailable, "closed");
  return spare_.discard();
}

}  // namespace millrace::journal
