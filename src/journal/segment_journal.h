#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "disk/disk.h"
#include "journal/batch_format.h"
#include "journal/journal.h"
#include "journal/segment_file.h"
#include "journal/spare_segment.h"

namespace millrace::journal {

struct SegmentJournalSettings {
  std::string directory;  // One per partition; also its name in errors.
  std::uint64_t segment_bytes = 64 << 20;
  Compression compression = Compression::lz4;
  int zstd_level = 1;
  // Raw bytes of one batch, the unit of checksum, compression and reading; one record may exceed it.
  std::uint32_t batch_bytes = 256 << 10;
};

inline constexpr std::uint64_t kFirstFilledBytes = 4 << 20;

// How much to keep; 0 means without limit.
struct Retention {
  std::uint64_t bytes = 0;
  std::int64_t age_ms = 0;
};

// A Journal in files of segment_bytes each (docs/formats/journal.md). Every open() begins a new epoch.
//
// Segments are filled with zeros before use where prepare_next() is called in time: a sync that need not
// change the size of a file is a third faster. The first so filled has kFirstFilledBytes, each after it twice the one before,
// up to segment_bytes: a journal of little use takes little disk. Without it the journal works the same and grows its files
// as it writes.
class SegmentJournal final : public Journal {
  struct Opening {
    explicit Opening() = default;
  };

 public:
  // Recovers what a crash left: cuts a torn tail, makes what remains durable, or fails with corrupt, naming
  // partition, segment and position, when a record that had been synced is unreadable. The disk and the
  // clock must outlive the journal; `random` is used during the call only. No two journals may be open on
  // one directory.
  static base::Result<std::unique_ptr<SegmentJournal>> open(SegmentJournalSettings settings, disk::Disk& disk,
                                                            const base::Clock& clock, base::Random& random);

  using Journal::append;
  base::Result<Offset> append(std::span<const RecordBuffer* const> buffers) override;
  base::Status sync() override;
  base::Result<RecordBatch> read(Offset from, std::size_t max_bytes) const override;
  Offset begin() const override { return {begin_.load(std::memory_order_acquire)}; }
  Offset end() const override { return {end_.load(std::memory_order_acquire)}; }
  Offset durable_end() const override { return {durable_end_.load(std::memory_order_acquire)}; }
  base::Status trim(Offset before) override;

  // Prepares a piece of the next segment, twice as fast as the one in use fills up, and returns how many bytes more are due
  // by now. Safe beside the writer, from one other thread. exhausted gives back what was prepared; the journal goes on
  // without.
  base::Result<std::uint64_t> prepare_next();
  // Before an orderly end: syncs, and marks the end so that the next open() can tell damage to the last
  // records from a tail that was never synced. Nothing can be appended afterwards.
  base::Status close();

  // The offset to trim before, so that what remains is within the limits or down to one segment. Age counts
  // from the time the youngest record of a segment was appended.
  Offset retained_from(const Retention& retention) const;
  // First offset of the newest segment that begins at or before `time`: where to read from for everything
  // since then.
  Offset offset_at(base::WallTime time) const;

  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t segments() const;
  std::uint64_t bytes() const;  // Of all segment files. Any thread.
  // Memory that records were read into stays for the next; this gives back what none has needed since the last call.
  void release_idle_memory() { read_memory_.release_idle(); }
  std::size_t idle_memory_bytes() const { return read_memory_.idle_bytes(); }

  // For open() alone.
  SegmentJournal(Opening, SegmentJournalSettings settings, disk::Disk& disk, const base::Clock& clock,
                 base::Random& random);

 private:
  base::Status load();
  base::Status recover_newest();
  base::Status rewrite_unsynced(std::uint64_t from, std::uint64_t to);
  base::Status fill_with_zeros(std::uint64_t from, std::uint64_t to);
  base::Status write_marker();

  // Encodes into encoded_ what `buffers` hold, as batches from end() on.
  base::Status encode(std::span<const RecordBuffer* const> buffers);
  base::Status encode_oversized(const RecordBuffer& buffer, Offset& next);
  base::Status encode_batch(std::string_view records, std::uint32_t count, Offset& next);
  bool must_roll(std::uint64_t bytes) const;
  base::Status roll();
  base::Status write_encoded();
  base::Status undo_write(base::Error cause);
  void publish(Offset end);
  // Stops the journal: what the disk holds is unknown until it is opened and recovered again.
  base::Error stop(base::Error cause);

  const SegmentJournalSettings settings_;
  disk::Disk& disk_;
  const base::Clock& clock_;
  base::SeededRandom salts_;
  SpareSegment spare_;
  BatchEncoder encoder_;

  // The writer's own.
  std::unique_ptr<disk::WriteFile> file_;
  std::shared_ptr<SegmentFile> active_;
  std::uint64_t position_ = 0;
  std::uint64_t filled_end_ = 0;  // Size of the active file; up to here appends change no metadata.
  std::uint64_t unsynced_bytes_ = 0;
  std::uint64_t epoch_ = 0;
  std::optional<base::Error> stopped_;
  std::string encoded_;
  std::string gathered_;
  std::vector<BatchPosition> encoded_batches_;  // Positions relative to encoded_.

  mutable ReadMemory read_memory_;
  mutable std::mutex segments_mutex_;
  std::deque<std::shared_ptr<SegmentFile>>
      segments_;  // By offset, the active one last. Guarded by segments_mutex_.
  std::atomic<std::uint64_t> begin_{0};
  std::atomic<std::uint64_t> end_{0};
  std::atomic<std::uint64_t> durable_end_{0};
};

}  // namespace millrace::journal
