#include "journal/segment_file.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace millrace::journal {
namespace {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

// Distance in bytes between index entries. While a segment is written its readers follow closely and want to
// start at the very batch; later an entry per 64 KiB keeps 100 GB of journal at 25 MB of index.
constexpr std::uint64_t kWritingIndexStep = 4 << 10;
constexpr std::uint64_t kSealedIndexStep = 64 << 10;

constexpr std::size_t kReadChunkBytes = 256 << 10;

}  // namespace

Result<std::span<const std::byte>> FileWindow::at(std::uint64_t position, std::size_t size) {
  if (position >= limit_) return std::span<const std::byte>();
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, limit_ - position));
  FileExcerpt& e = excerpt_;
  if (position < e.start || position + size > e.start + e.held) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, chunk_bytes_), limit_ - position));
    if (wanted > e.capacity) {
      e.bytes = std::make_unique_for_overwrite<std::byte[]>(wanted);
      e.capacity = wanted;
    }
    e.held = 0;
    TRY_ASSIGN(e.held, file_.read_at(position, {e.bytes.get(), wanted}));
    e.start = position;
  }
  const auto skipped = static_cast<std::size_t>(position - e.start);
  return std::span<const std::byte>(e.bytes.get() + skipped, std::min(size, e.held - skipped));
}

std::string SegmentFile::path_of(std::string_view directory, Offset first) {
  std::string digits = std::to_string(first.value);
  std::string path(directory);
  return path.append("/").append(20 - digits.size(), '0').append(digits).append(".seg");
}

Result<std::shared_ptr<SegmentFile>> SegmentFile::open(const disk::Disk& disk, std::string directory,
                                                       Offset first) {
  const std::string path = path_of(directory, first);
  TRY_ASSIGN(const auto file, disk.open(path));
  std::string bytes(kBatchHeaderBytes, '\0');
  TRY_ASSIGN(const std::size_t count, file->read_at(0, std::as_writable_bytes(std::span(bytes))));
  bytes.resize(count);
  auto header = decode_segment_header(bytes);
  if (!header.ok()) return std::move(header).error().with_context("segment '" + path + "', position 0");
  if (header->first != first) {
    return Error(ErrorCode::corrupt, "segment '" + path + "', position 0: belongs to offset " +
                                         std::to_string(header->first.value));
  }
  auto segment = std::make_shared<SegmentFile>(Opening(), disk, std::move(directory), *header);
  TRY_ASSIGN(const std::uint64_t size, file->size());
  segment->set_bytes(size);
  segment->index_step_ = kSealedIndexStep;
  return segment;
}

Result<std::shared_ptr<SegmentFile>> SegmentFile::adopt(const disk::Disk& disk, std::string directory,
                                                        const SegmentHeader& header,
                                                        std::uint64_t end_position) {
  auto segment = std::make_shared<SegmentFile>(Opening(), disk, std::move(directory), header);
  TRY_ASSIGN(auto file, disk.open(segment->path()));
  segment->file_ = std::move(file);
  segment->index_step_ = kWritingIndexStep;
  segment->set_end_position(end_position);
  return segment;
}

Status SegmentFile::read(Range range, ReadMemory& memory, RecordBatch& out) const {
  TRY_ASSIGN(const auto opened, file());
  const std::uint64_t written = end_position_.load(std::memory_order_acquire);
  const std::uint64_t limit = written != 0 ? written : bytes();
  FileExcerpt excerpt = memory.lend(header_.salt);
  FileWindow window(*opened, limit, std::clamp<std::size_t>(range.max_bytes, 4096, kReadChunkBytes), excerpt);
  Status read = read_batches(window, range, memory, out);
  if (!read.ok()) excerpt.held = 0;  // What was damaged may be repaired.
  memory.give_back(std::move(excerpt));
  return read;
}

Status SegmentFile::read_batches(FileWindow& window, Range range, ReadMemory& memory,
                                 RecordBatch& out) const {
  const auto [from, stop, max_bytes] = range;
  BatchPosition batch = nearest(from);
  std::size_t taken = 0;
  while (batch.first < stop) {
    TRY_ASSIGN(const auto head, window.at(batch.position, kBatchHeaderBytes));
    const auto header = decode_batch_header(head, header_.salt);
    if (!header) return corrupt(batch.position, "no batch header where one was written");
    if (header->version != kFormatVersion)
      return Error(ErrorCode::invalid_argument, "batch of a newer format version");
    if (header->first != batch.first) return corrupt(batch.position, "batch out of order");
    if (header->end() > from && header->count > 0) {
      if (taken > 0 && taken + header->raw_bytes > max_bytes) break;
      const auto size = static_cast<std::size_t>(header->total_bytes());
      TRY_ASSIGN(const auto whole, window.at(batch.position, size));
      if (whole.size() < size || !payload_intact(*header, whole.subspan(kBatchHeaderBytes))) {
        return corrupt(batch.position, "batch fails its checksum");
      }
      const Status decoded = decode_records(*header, whole.subspan(kBatchHeaderBytes), from, memory, out);
      if (!decoded.ok()) return corrupt(batch.position, decoded.error().message());
      taken += header->raw_bytes;
    }
    batch = {header->end(), batch.position + header->total_bytes()};
    if (batch.first < stop) remember(batch);
  }
  return Ok{};
}

void SegmentFile::seal() {
  const std::lock_guard lock(mutex_);
  file_.reset();
  index_step_ = kSealedIndexStep;
  std::vector<BatchPosition> thinned;
  for (const BatchPosition& entry : index_) {
    if (thinned.empty() || entry.position - thinned.back().position >= index_step_) thinned.push_back(entry);
  }
  index_ = std::move(thinned);
}

Result<std::shared_ptr<const disk::ReadFile>> SegmentFile::file() const {
  {
    const std::lock_guard lock(mutex_);
    if (file_) return file_;
  }
  TRY_ASSIGN(auto opened, disk_.open(path()));
  return std::shared_ptr<const disk::ReadFile>(std::move(opened));
}

Error SegmentFile::corrupt(std::uint64_t position, std::string_view why) const {
  std::string message = "partition '" + directory_ + "', segment '" + path().substr(directory_.size() + 1) +
                        "', position " + std::to_string(position) + ": ";
  return {ErrorCode::corrupt, message.append(why)};
}

BatchPosition SegmentFile::nearest(Offset from) const {
  const std::lock_guard lock(mutex_);
  const auto after =
      std::upper_bound(index_.begin(), index_.end(), from,
                       [](Offset offset, const BatchPosition& entry) { return offset < entry.first; });
  return after == index_.begin() ? index_.front() : *(after - 1);
}

void SegmentFile::remember(BatchPosition batch) const {
  const std::lock_guard lock(mutex_);
  if (batch.position >= index_.back().position + index_step_) index_.push_back(batch);
}

}  // namespace millrace::journal
