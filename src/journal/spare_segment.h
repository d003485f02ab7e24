#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "disk/disk.h"

namespace millrace::journal {

// The file that becomes the next segment, filled with zeros ahead of its use. Any thread.
class SpareSegment {
 public:
  struct File {
    std::unique_ptr<disk::WriteFile> file;
    std::uint64_t bytes = 0;
  };

  struct Goal {
    std::uint64_t bytes = 0;      // When it is ready.
    std::uint64_t due_bytes = 0;  // By now.
  };

  SpareSegment(disk::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  // Fills and syncs one step more unless what is due is there; returns the bytes still due. After an error the file is
  // removed, so that a full disk gets its space back and zeros whose sync failed are not used.
  base::Result<std::uint64_t> prepare(Goal goal);
  bool ready() const { return ready_.load(std::memory_order_relaxed); }
  // Writes and syncs the header into the file as far as it is filled, or into a new one, and renames it to
  // `path`. The caller makes the name durable. After an error there is no spare, and `path` exists only if
  // the code is io.
  base::Result<File> promote(std::string_view header, std::string_view path);
  base::Status discard();

 private:
  base::Status create_if_absent();
  base::Status fill_step(std::uint64_t bytes);
  base::Status write_header(std::string_view header);

  disk::Disk& disk_;
  const std::string path_;
  std::atomic<bool> ready_{false};
  std::mutex mutex_;
  File spare_;  // Guarded by mutex_.
};

}  // namespace millrace::journal
