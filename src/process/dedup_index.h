#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "process/checkpointed.h"
#include "process/id_filter.h"
#include "process/id_set.h"

namespace millrace::process {

struct DedupSettings {
  std::int64_t horizon_ms = 72 * base::kHourMs;
  std::int64_t bucket_ms = 12 * base::kHourMs;  // Ids are forgotten a whole bucket at a time.
  std::size_t filter_ids_min = 1 << 16;         // Capacity of a bucket's first filter, unless the last bucket had more.
};

// Which message ids a partition has seen within the horizon. Exact: an id counts as seen if and only if the same visitor
// sent it in a bucket that does not lie wholly before the horizon, so it is remembered for the horizon and up to
// one bucket more. Time is that of the records; the newest one counts.
//
// A new id costs no read: Bloom filters in memory (1.5 bytes an id) say that it is new. Ids since the last committed
// checkpoint are in memory exactly (48 to 96 bytes each); older ones are keys in the store, read only when a filter says maybe.
// After a restart the filters are filled again in passing, a slice at a time; until a bucket is through, an id that
// no other bucket knows costs one read.
class DedupIndex final : public Checkpointed {
 public:
  DedupIndex(const StateStore& store, std::string prefix, DedupSettings settings);

  // Before any other call. Reads how many ids there are, not the ids.
  base::Status restore();

  // True exactly once for each (visitor, id) within the horizon.
  bool first_time(std::uint64_t visitor_hash, base::Hash128 message_id, base::WallTime received_at);

  void freeze() override;
  bool drain(StateBatch& batch, std::size_t entries) override;
  void committed() override;

  struct Figures {
    std::uint64_t ids = 0;            // Remembered.
    std::uint64_t ids_in_memory = 0;  // Of them, not in a committed checkpoint.
    std::uint64_t ids_cold = 0;       // Of them, not in a filter yet.
    std::uint64_t store_reads = 0;
    std::uint64_t filter_bytes = 0;
  };
  Figures figures() const;

 private:
  struct Bucket {
    explicit Bucket(std::size_t capacity) : filter(capacity) {}
    IdFilter filter;
    std::uint64_t ids = 0;
    std::uint64_t cold = 0;  // In the store at restart and not yet in the filter.
    std::string cold_from;   // The key to go on from.
  };

  std::uint32_t bucket_of(base::WallTime time);
  std::uint32_t oldest(std::uint32_t newest) const { return newest < buckets_held_ ? 0 : newest - buckets_held_ + 1; }
  bool in_memory(const base::Hash128& id);
  Bucket& bucket(std::uint32_t number);
  void expire();
  bool in_store(std::uint32_t bucket, const base::Hash128& id);
  void warm();
  void write_frozen(StateBatch& batch);
  std::string count_key(std::uint32_t bucket) const;
  std::string ids_prefix(std::uint32_t bucket) const;

  const StateStore& store_;
  std::string prefix_;
  DedupSettings settings_;
  std::uint32_t buckets_held_;           // That the horizon reaches into, the newest one included.
  std::uint32_t newest_ = 0;             // 0 before the first id.
  std::map<std::uint32_t, Bucket> buckets_;
  std::size_t cold_buckets_ = 0;
  std::uint32_t until_warm_ = 0;

  IdSet active_;                         // Since the last freeze.
  IdSet frozen_;                         // Of the checkpoint under way.
  std::size_t drained_slots_ = 0;
  bool frozen_written_ = false;          // All of the checkpoint but the ids.
  std::vector<std::pair<std::uint32_t, std::uint64_t>> frozen_counts_;
  std::vector<std::uint32_t> expired_;
  std::vector<std::uint32_t> frozen_expired_;
  std::uint32_t frozen_newest_ = 0;

  std::uint64_t store_reads_ = 0;
  std::string key_;
};

}  // namespace millrace::process
