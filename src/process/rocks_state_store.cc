#include "process/rocks_state_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace millrace::process {

namespace {

// Room left for what RocksDB writes by itself: its log's blocks, a small flush, a manifest.
constexpr std::uint64_t kHeadroomBytes = 8u << 20;
// Changes that are in the write-ahead log alone are put into the memtable again when the store is opened: about 80 MB a
// second, which whoever restarts waits for. So a commit of this size goes to a table file at once, and smaller ones when they
// come to as much; a flush of fewer would make many small files to merge.
constexpr std::size_t kUnflushedBytes = 8u << 20;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view text(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

base::Error error_of(const rocksdb::Status& status, std::string_view what) {
  base::ErrorCode code = base::ErrorCode::io;
  if (status.IsCorruption()) code = base::ErrorCode::corrupt;
  if (status.IsNoSpace()) code = base::ErrorCode::exhausted;
  if (status.IsInvalidArgument()) code = base::ErrorCode::invalid_argument;
  return base::Error(code, std::string(what) + ": " + status.ToString());
}

// The first key after every key that begins with `prefix`.
std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

class SharedParts final : public RocksShared {
 public:
  explicit SharedParts(const RocksSettings& wanted)
      : settings(wanted),
        cache(rocksdb::NewLRUCache(wanted.block_cache_bytes, 4)),
        write_buffers(std::make_shared<rocksdb::WriteBufferManager>(wanted.write_buffer_bytes)) {}

  RocksSettings settings;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
};

rocksdb::Options options_of(const SharedParts& shared) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_manager = shared.write_buffers;
  // A store alone may fill half of what all share before it is flushed.
  options.write_buffer_size = std::max<std::size_t>(shared.settings.write_buffer_bytes / 2, 1u << 20);
  options.max_write_buffer_number = 3;
  options.max_background_jobs = shared.settings.background_threads;
  options.max_open_files = shared.settings.open_files_max;
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.bytes_per_sync = 1 << 20;
  options.keep_log_file_num = 2;
  options.avoid_flush_during_recovery = true;  // flush_behind() does, while others go on.
  options.max_manifest_file_size = 16u << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared.cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.block_size = 8 << 10;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

enum class Flush : std::uint8_t { begin, wait };

// By RocksDB's own threads; with `wait` they are done, and the files synced, when it returns.
rocksdb::Status flush(rocksdb::DB& db, Flush how) {
  rocksdb::FlushOptions options;
  options.wait = how == Flush::wait;
  options.allow_write_stall = true;  // Or it waits first for flushes that are under way.
  return db.Flush(options);
}

using StateChange = std::pair<std::string_view, std::optional<std::string_view>>;

// Sorted by key, changes of one key in the order they were made. What moves while it is sorted is small: most keys differ
// in their first sixteen bytes.
std::vector<StateChange> by_key(const StateBatch& batch) {
  struct Rank {
    std::uint64_t first = 0, second = 0;
    std::uint32_t change = 0;
  };
  std::vector<StateChange> changes;
  changes.reserve(batch.size());
  batch.for_each(
      [&](std::string_view key, std::optional<std::string_view> value) { changes.emplace_back(key, value); });
  std::vector<Rank> ranks;
  ranks.reserve(changes.size());
  for (const auto& [key, value] : changes) {
    std::uint64_t front[2] = {};
    std::memcpy(front, key.data(), std::min(key.size(), sizeof front));
    ranks.push_back(
        {__builtin_bswap64(front[0]), __builtin_bswap64(front[1]), static_cast<std::uint32_t>(ranks.size())});
  }
  std::sort(ranks.begin(), ranks.end(), [&changes](const Rank& a, const Rank& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.second != b.second) return a.second < b.second;
    const int order = changes[a.change].first.compare(changes[b.change].first);
    return order != 0 ? order < 0 : a.change < b.change;
  });
  std::vector<StateChange> sorted;
  sorted.reserve(changes.size());
  for (const Rank& rank : ranks) sorted.push_back(changes[rank.change]);
  return sorted;
}

}  // namespace

std::shared_ptr<RocksShared> RocksShared::create(const RocksSettings& settings) {
  return std::make_shared<SharedParts>(settings);
}

struct RocksStateStore::Database {
  std::shared_ptr<RocksShared> shared;
  std::unique_ptr<rocksdb::DB> db;
};

RocksStateStore::RocksStateStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
RocksStateStore::~RocksStateStore() = default;

base::Result<std::unique_ptr<RocksStateStore>> RocksStateStore::open(const std::string& path,
                                                                     std::shared_ptr<RocksShared> shared) {
  const rocksdb::Options options = options_of(static_cast<const SharedParts&>(*shared));
  rocksdb::Status status = options.env->CreateDirIfMissing(path);
  rocksdb::DB* db = nullptr;
  if (status.ok()) status = rocksdb::DB::Open(options, path, &db);
  if (!status.ok()) {
    if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
      return base::Error(base::ErrorCode::conflict, "open state " + path + ": " + status.ToString());
    }
    return error_of(status, "open state " + path);
  }
  auto database = std::make_unique<Database>();
  database->shared = std::move(shared);
  database->db.reset(db);
  auto store = std::make_unique<RocksStateStore>(std::move(database));
  store->flush_behind(store->figures().memtable_bytes);
  return store;
}

void RocksStateStore::flush_behind(std::size_t written_bytes) {
  unflushed_bytes_ += written_bytes;
  // When it cannot be begun, the log still has it all.
  if (unflushed_bytes_ >= kUnflushedBytes && flush(*database_->db, Flush::begin).ok()) unflushed_bytes_ = 0;
}

base::Result<std::optional<std::string>> RocksStateStore::get(std::string_view key) const {
  std::string value;
  const rocksdb::Status status = database_->db->Get(rocksdb::ReadOptions(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return error_of(status, "read state");
  return std::optional<std::string>(std::move(value));
}

base::Status RocksStateStore::scan_from(std::string_view prefix, std::string_view from,
                                        const Visit& visit) const {
  const std::string end = prefix_end(prefix);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  if (!end.empty()) options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> entry(database_->db->NewIterator(options));
  for (entry->Seek(slice(std::max(prefix, from))); entry->Valid(); entry->Next()) {
    if (!visit(text(entry->key()), text(entry->value()))) return base::Ok{};
  }
  if (!entry->status().ok()) return error_of(entry->status(), "scan state");
  return base::Ok{};
}

// A write that fails half-way leaves RocksDB's log unusable, and Debian's build of it then aborts the process at the next one:
// so a disk without room is told before, and after any other failure nothing is written any more.
base::Status RocksStateStore::may_write(const StateBatch& batch) const {
  if (write_fault_) return *write_fault_;
  std::uint64_t free_bytes = 0;
  const rocksdb::Status known = database_->db->GetEnv()->GetFreeSpace(database_->db->GetName(), &free_bytes);
  if (known.ok() && free_bytes < 2 * batch.bytes() + kHeadroomBytes) {
    return base::Error(base::ErrorCode::exhausted, "commit state: the disk has no room for a checkpoint");
  }
  return base::Ok{};
}

base::Status RocksStateStore::commit(const StateBatch& batch) {
  TRY(may_write(batch));
  rocksdb::WriteBatch writes(batch.bytes() + 16 * batch.size());
  rocksdb::Status status;
  for (const std::string& prefix : batch.erased_prefixes()) {
    const std::string end = prefix_end(prefix);
    INVARIANT(!end.empty());
    status = writes.DeleteRange(prefix, end);
    if (!status.ok()) return error_of(status, "erase state");
  }
  // In order of key, each insertion into the memtable takes the way of the one before it, which is in the processor's cache; in
  // order of change the commit would take three times as long.
  for (const auto& [key, value] : by_key(batch)) {
    if (status.ok()) status = value ? writes.Put(slice(key), slice(*value)) : writes.Delete(slice(key));
  }
  if (!status.ok()) return error_of(status, "gather state");
  // What is not in the log is in one memtable, and so in one table file, whole or not at all, with all that was before it.
  const bool to_table = batch.bytes() >= kUnflushedBytes;
  rocksdb::WriteOptions options;
  options.sync = !to_table;
  options.disableWAL = to_table;
  status = database_->db->Write(options, &writes);
  if (status.ok() && to_table) status = flush(*database_->db, Flush::wait);
  if (!status.ok()) {
    write_fault_ = error_of(status, "commit state");
    return *write_fault_;
  }
  if (to_table) {
    unflushed_bytes_ = 0;
  } else {
    flush_behind(batch.bytes());
  }
  return base::Ok{};
}

RocksStateStore::Figures RocksStateStore::figures() const {
  Figures figures;
  auto& db = *database_->db;
  db.GetIntProperty(rocksdb::DB::Properties::kLiveSstFilesSize, &figures.live_bytes);
  db.GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &figures.memtable_bytes);
  db.GetIntProperty(rocksdb::DB::Properties::kEstimatePendingCompactionBytes,
                    &figures.pending_compaction_bytes);
  return figures;
}

}  // namespace millrace::process
