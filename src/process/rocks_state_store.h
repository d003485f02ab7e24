#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "process/state_store.h"

namespace millrace::process {

struct RocksSettings {
  std::size_t block_cache_bytes = 128u << 20;  // Blocks, indexes and filters, of all stores that share it.
  std::size_t write_buffer_bytes = 64u << 20;  // All memtables of all stores that share it.
  int background_threads = 2;                  // Flushes and compactions, of the whole process.
  int open_files_max = 512;                    // Of each store.
};

// What all partitions' stores share: the block cache, the bound on memtables, the background threads.
class RocksShared {
 public:
  static std::shared_ptr<RocksShared> create(const RocksSettings& settings);
  virtual ~RocksShared() = default;
};

// The state of one partition in a RocksDB of its own. commit() returns ok after the write-ahead log, or for a large batch the
// table file, is synced.
class RocksStateStore final : public StateStore {
 public:
  // `path` is a directory of the real file system, made when absent. conflict when another process has it
  // open.
  static base::Result<std::unique_ptr<RocksStateStore>> open(const std::string& path,
                                                             std::shared_ptr<RocksShared> shared);
  ~RocksStateStore() override;

  base::Result<std::optional<std::string>> get(std::string_view key) const override;
  base::Status scan_from(std::string_view prefix, std::string_view from, const Visit& visit) const override;
  base::Status commit(const StateBatch& batch) override;

  struct Figures {
    std::uint64_t live_bytes = 0;  // Files on disk.
    std::uint64_t memtable_bytes = 0;
    std::uint64_t pending_compaction_bytes = 0;
  };
  Figures figures() const;

 private:
  struct Database;

 public:
  explicit RocksStateStore(std::unique_ptr<Database> database);  // For open().

 private:
  base::Status may_write(const StateBatch& batch) const;
  // Has what was written so far flushed by RocksDB's threads once it is much.
  void flush_behind(std::size_t written_bytes);

  std::unique_ptr<Database> database_;
  std::size_t unflushed_bytes_ = 0;
  std::optional<base::Error> write_fault_;  // Set by the first commit that failed half-way.
};

}  // namespace millrace::process
