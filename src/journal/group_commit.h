#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/result.h"
#include "journal/journal.h"

namespace millrace::journal {

enum class Durability : std::uint8_t {
  synced,    // `done` runs after the fsync that covers the records.
  appended,  // `done` runs once they have offsets; readers may see them, a power cut may lose them.
};

// `first` is the offset of the submission's first record. Errors: exhausted, nothing was appended, the disk
// is full; unavailable, nothing was appended, the journal has stopped; io, it may or may not have been.
using Done = std::function<void(base::Result<Offset> first)>;

struct GroupCommitSettings {
  std::size_t pending_bytes_max = 64 << 20;  // Submitted and not yet done.
};

// Any thread may read them at any time.
struct GroupCommitMetrics {
  base::Histogram sync_ns;
  base::Histogram append_ns;
  base::Histogram group_records;  // Per sync or, when none waits for one, per run.
  base::Histogram group_bytes;
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> submissions_refused{0};  // By submit().
  std::atomic<std::uint64_t> submissions_failed{0};   // Accepted by submit(), but not appended or not synced.
};

// Many producers, one writer, one fdatasync for all that wait. While it runs the next group gathers, so a
// group is as large as the load makes it and nobody waits for a timer.
//
// The thread that calls run_once() is the journal's only writer. The journal and the clock must outlive
// this.
class GroupCommit {
 public:
  GroupCommit(Journal& journal, const base::Clock& clock, GroupCommitSettings settings);
  // Completes what is still pending with unavailable.
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  // Safe from any thread, never blocks. Refused submissions never run `done`: exhausted past
  // pending_bytes_max (answer 429 or 503), unavailable once the journal has stopped, invalid_argument past
  // kAppendBytesMax. Records of one thread keep their order. Without records it is a barrier: done when
  // everything submitted before is.
  base::Status submit(RecordBuffer&& records, Durability durability, Done done);

  // Appends what is pending, syncs when somebody waits for it, completes them; true when there was work.
  // `done` runs here and must be short; it may submit.
  bool run_once();
  // Returns when something is pending, after wake(), or at the timeout.
  void wait(std::int64_t timeout_ms);
  void wake();  // Any thread.
  // Runs on the writer thread after every append and after every sync: how consumers learn of new records.
  // Observers are added before the first run_once().
  void on_progress(std::function<void()> observer);

  // A failed sync or write stopped the journal; it must be opened anew. Any thread.
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  // An append found the disk full, and none as large has succeeded since: small ones may fit where large ones do not. Who knows
  // that there is room again says so. Any thread.
  bool disk_full() const { return disk_full_.load(std::memory_order_relaxed); }
  void room_again() { disk_full_.store(false, std::memory_order_relaxed); }
  std::size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }
  const GroupCommitMetrics& metrics() const { return metrics_; }
  // When the sync ended that made the record at `offset` durable; nothing when that has yet to come or was too many syncs ago. Any
  // thread.
  std::optional<base::Instant> durable_since(Offset offset) const;

 private:
  struct Submission {
    RecordBuffer records;
    Durability durability = Durability::synced;
    Done done;
    Offset first;
    bool open = true;  // `done` has not run.
  };

  void append_all(std::span<Submission> group);
  void append_chunk(std::span<Submission> chunk);
  void sync_for(std::span<Submission> group);
  void fail(Submission& submission, const base::Error& error);
  void notify() const;
  void note_sync(base::Instant at);

  Journal& journal_;
  const base::Clock& clock_;
  const GroupCommitSettings settings_;
  std::vector<std::function<void()>> observers_;
  std::vector<Submission> group_;                   // The writer's.
  std::vector<const RecordBuffer*> chunk_buffers_;  // The writer's.
  std::size_t full_at_bytes_ = 0;                   // The writer's: of the append that found the disk full.
  GroupCommitMetrics metrics_;
  std::atomic<std::size_t> pending_bytes_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> disk_full_{false};

  struct SyncMark {
    Offset end;
    base::Instant at;
  };
  static constexpr std::size_t kSyncMarks = 1024;
  mutable std::mutex marks_mutex_;
  std::deque<SyncMark>
      marks_;  // The newest syncs that brought anything; the first is only where the second begins.

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Submission> pending_;  // Guarded by mutex_.
  bool woken_ = false;               // Guarded by mutex_.
};

}  // namespace millrace::journal
