#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/disk.h"
#include "journal/batch_format.h"
#include "journal/journal.h"
#include "journal/read_memory.h"

namespace millrace::journal {

// Where a batch begins.
struct BatchPosition {
  Offset first;
  std::uint64_t position = 0;
};

// A view that moves forward over a file, a large read at a time.
class FileWindow {
 public:
  // Nothing at or past `limit` is read, and no more than about `chunk_bytes` ahead. `excerpt`, which must outlive the
  // window, holds what was read; what it holds of the file already is not read again.
  FileWindow(const disk::ReadFile& file, std::uint64_t limit, std::size_t chunk_bytes, FileExcerpt& excerpt)
      : file_(file), limit_(limit), chunk_bytes_(chunk_bytes), excerpt_(excerpt) {}
  // The bytes from `position` on: `size` of them, or fewer at the limit. Valid until the next call.
  base::Result<std::span<const std::byte>> at(std::uint64_t position, std::size_t size);

 private:
  const disk::ReadFile& file_;
  std::uint64_t limit_;
  std::size_t chunk_bytes_;
  FileExcerpt& excerpt_;
};

// The reading side of one segment and its sparse index, for any thread. Only the segment being written stays
// open: a journal of thousands of segments must not use up the process's file descriptors.
class SegmentFile {
  struct Opening {
    explicit Opening() = default;
  };

 public:
  // Fails as decode_segment_header() does, and with corrupt when the header names another offset than
  // `first`.
  static base::Result<std::shared_ptr<SegmentFile>> open(const disk::Disk& disk, std::string directory,
                                                         Offset first);
  // The segment being written, whose batches end at `end_position` so far: kept open and indexed closely.
  static base::Result<std::shared_ptr<SegmentFile>> adopt(const disk::Disk& disk, std::string directory,
                                                          const SegmentHeader& header,
                                                          std::uint64_t end_position);

  static std::string path_of(std::string_view directory, Offset first);

  const SegmentHeader& header() const { return header_; }
  Offset first() const { return header_.first; }
  std::string path() const { return path_of(directory_, header_.first); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  void set_bytes(std::uint64_t bytes) { bytes_.store(bytes, std::memory_order_relaxed); }

  // Adds to `out` the records of [from, stop), batch by batch until max_bytes. `stop` is the end of a batch
  // that was written before the call; whatever is unreadable before it is corrupt.
  struct Range {
    Offset from;
    Offset stop;
    std::size_t max_bytes = 0;
  };
  base::Status read(Range range, ReadMemory& memory, RecordBatch& out) const;

  // The writer's: where a batch begins and where the last one ends, told before their offsets are published.
  void remember(BatchPosition batch) const;
  void set_end_position(std::uint64_t position) { end_position_.store(position, std::memory_order_release); }
  // Where the last batch ends; 0 when no more follow.
  std::uint64_t end_position() const { return end_position_.load(std::memory_order_relaxed); }
  // No more batches follow: closes the file and thins the index.
  void seal();

  base::Result<std::shared_ptr<const disk::ReadFile>> file() const;
  base::Error corrupt(std::uint64_t position, std::string_view why) const;

  // For open() and adopt() alone.
  SegmentFile(Opening, const disk::Disk& disk, std::string directory, const SegmentHeader& header)
      : disk_(disk),
        directory_(std::move(directory)),
        header_(header),
        index_{{header.first, kSegmentHeaderBytes}} {}

 private:
  BatchPosition nearest(Offset from) const;
  base::Status read_batches(FileWindow& window, Range range, ReadMemory& memory, RecordBatch& out) const;

  const disk::Disk& disk_;
  const std::string directory_;
  const SegmentHeader header_;
  std::atomic<std::uint64_t> bytes_{0};
  mutable std::atomic<std::uint64_t> end_position_{
      0};  // 0 when not being written: then the file's size limits reads.
  mutable std::mutex mutex_;
  std::shared_ptr<const disk::ReadFile> file_;  // Guarded by mutex_; null unless being written.
  std::uint64_t index_step_ = 0;                // Guarded by mutex_.
  mutable std::vector<BatchPosition> index_;    // Guarded by mutex_; by position, never empty.
};

}  // namespace millrace::journal
