#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "journal/journal.h"

namespace millrace::journal {

enum class Durability : std::uint8_t {
  synced,    // `done` runs after the fsync that covers the records.
  appended,  // `done` runs once they have offsets; readers may see them, a power cut may lose them.
};

// `first` is the offset of the submission's first record.
using Done = std::function<void(base::Result<Offset> first)>;

// Many producers, one writer, one fdatasync for all that wait. submit() is safe from any thread and never blocks: past
// `pending_bytes_max` it refuses with `exhausted`, and the caller answers 429 or 503. The thread that
// calls run_once() is the journal's only writer; `done` runs on it and must be short.
//
// API; the owner of src/journal completes and implements it.
class GroupCommit {
 public:
  virtual ~GroupCommit() = default;
  virtual base::Status submit(RecordBuffer&& records, Durability durability, Done done) = 0;
  // Appends what is pending, syncs when somebody waits for it, completes them; true when there was work.
  virtual bool run_once() = 0;
  // Blocks until there is work or `wake()` or the deadline; app's driver thread calls it between run_once() calls.
  virtual void wait(std::int64_t timeout_ms) = 0;
  virtual void wake() = 0;
  // Called on the writer thread after every append and after every sync: how consumers learn of new records.
  virtual void on_progress(std::function<void()> observer) = 0;
};

}  // namespace millrace::journal
