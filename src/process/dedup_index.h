#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "process/checkpointed.h"
#include "process/id_filter.h"
#include "process/id_run.h"

namespace millrace::process {

struct DedupSettings {
  std::int64_t horizon_ms = 72 * base::kHourMs;
  std::int64_t bucket_ms = 12 * base::kHourMs;  // Ids are forgotten a whole bucket at a time.
  std::size_t filter_ids_min = 1 << 16;  // Capacity of a bucket's filter, unless the last one had more.
  std::uint32_t run_ids = 1 << 16;       // Ids stored as one run. May not change for a store that has ids.
};

// Which message ids a partition has seen within the horizon. Exact: an id counts as seen if and only if the
// same visitor sent it in a bucket that does not lie wholly before the horizon, so it is remembered for the
// horizon and up to one bucket more. Time is that of the records; the newest one counts.
//
// A bucket's ids form runs in the order of their arrival. The ids of the open run, and of full runs not yet
// in a committed checkpoint, are in memory (24 bytes each); the others are in the store, sorted into blocks
// by hash. One Bloom filter per bucket says that an id is new without a read, one per run says which run to
// look in: 3 bytes an id in memory. What is stored depends on the ids and their order alone, not on
// checkpoints.
//
// After a restart the runs' filters are read at once, the buckets' are filled again in passing; a bucket that
// is not through yet costs a look at each of its runs' filters.
class DedupIndex final : public Checkpointed {
 public:
  DedupIndex(const StateStore& store, std::string prefix, DedupSettings settings);

  // Before any other call.
  base::Status restore();

  // True exactly once for each (visitor, id) within the horizon.
  bool first_time(std::uint64_t visitor_hash, base::Hash128 message_id, base::WallTime received_at);

  // For an id that is asked for soon: fetches its memory, nothing else.
  void prefetch(std::uint64_t visitor_hash, base::Hash128 message_id) const;

  void freeze() override;
  bool drain(StateBatch& batch, std::size_t entries) override;
  void committed() override;

  struct Figures {
    std::uint64_t ids = 0;            // Remembered.
    std::uint64_t ids_in_memory = 0;  // Of them, exactly.
    std::uint64_t ids_cold = 0;       // Of them, not in their bucket's filter yet.
    std::uint64_t store_reads = 0;
    std::uint64_t filter_bytes = 0;
  };
  Figures figures() const;

 private:
  struct Bucket {
    explicit Bucket(std::size_t capacity) : filter(capacity) {}
    IdFilter filter;
    std::uint64_t ids = 0;
    std::vector<std::shared_ptr<IdRun>> runs;  // All full but the last.
    std::size_t in_memory_from = 0;            // Runs before it are in the store alone.
    std::uint64_t cold_blocks = 0;             // Of the first runs, still to be added to the filter.
    std::uint64_t cold_next = 0;
  };
  // What the checkpoint under way writes of a run: all of a full one, or the first `count` ids of an open
  // one.
  struct FrozenRun {
    std::uint32_t bucket = 0;
    std::uint32_t number = 0;
    std::uint32_t count = 0;
    std::shared_ptr<IdRun> run;
    std::uint32_t next = 0;  // Block or piece to go on with.
  };

  std::uint32_t oldest(std::uint32_t newest) const {
    return newest < buckets_held_ ? 0 : newest - buckets_held_ + 1;
  }
  std::uint32_t bucket_of(base::WallTime time);
  Bucket& bucket(std::uint32_t number);
  void expire();
  base::Status restore_bucket(std::uint32_t number, std::uint64_t ids);
  bool knows(std::uint32_t number, const Bucket& held, const base::Hash128& id);
  bool stored_run_has(std::uint32_t bucket, std::uint32_t run, const base::Hash128& id);
  void warm();
  void write_frozen(StateBatch& batch);
  bool drain_full(FrozenRun& frozen, StateBatch& batch, std::size_t& pages);
  bool drain_open(FrozenRun& frozen, StateBatch& batch, std::size_t& pages);
  std::string key(std::uint32_t bucket, char kind, std::uint32_t run, std::uint32_t part) const;
  std::string bucket_prefix(std::uint32_t bucket) const;
  std::string count_key(std::uint32_t bucket) const;

  const StateStore& store_;
  std::string prefix_;
  DedupSettings settings_;
  std::uint32_t buckets_held_;  // That the horizon reaches into, the newest one included.
  std::uint32_t newest_ = 0;    // 0 before the first id.
  std::map<std::uint32_t, Bucket> buckets_;
  std::size_t cold_buckets_ = 0;
  std::uint32_t until_warm_ = 0;
  std::vector<std::uint32_t> expired_;  // Since the last freeze.

  struct Frozen {
    std::uint32_t newest = 0;
    std::vector<std::uint32_t> expired;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> counts;
    std::deque<FrozenRun> runs;
    std::size_t next = 0;
    bool begun = false;
  };
  Frozen frozen_;
  std::uint64_t store_reads_ = 0;
};

}  // namespace millrace::process
