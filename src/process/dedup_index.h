#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "process/checkpointed.h"

namespace millrace::process {

class IdFilter;
class IdSet;

struct DedupSettings {
  std::int64_t horizon_ms = 72 * base::kHourMs;
  std::int64_t bucket_ms = 6 * base::kHourMs;   // Ids are forgotten a whole bucket at a time.
  std::size_t filter_keys_min = 1 << 16;        // Capacity of a bucket's first filter; the next ones double.
};

// Which message ids a partition has seen within the horizon. Exact: an id counts as seen if and only if the same visitor sent it in a
// bucket that is not older than the horizon (so it is remembered for horizon to horizon + bucket). Time is that of the records.
//
// A new id costs no read: Bloom filters in memory (about 1.3 bytes an id) say that it is new. Ids since the last
// committed checkpoint are in memory exactly; the others are keys in the store, read only when a filter says maybe.
class DedupIndex final : public Checkpointed {
 public:
  DedupIndex(const StateStore& store, std::string prefix, DedupSettings settings);
  ~DedupIndex() override;

  // Before any other call. Does not read the ids.
  base::Status restore();

  // True exactly once for each (visitor, id) within the horizon.
  bool first_time(std::uint64_t visitor_hash, base::Hash128 message_id, base::WallTime received_at);

  void freeze() override;
  bool drain(StateBatch& batch, std::size_t entries) override;
  void committed() override;

  struct Figures {
    std::uint64_t ids_in_filters = 0;
    std::uint64_t ids_in_memory = 0;
    std::uint64_t store_reads = 0;
    std::uint64_t filter_bytes = 0;
  };
  Figures figures() const;

 private:
  struct Bucket;
  std::int64_t bucket_of(base::WallTime time) const;
  void expire();

  const StateStore& store_;
  std::string prefix_;
  DedupSettings settings_;
  std::map<std::int64_t, std::unique_ptr<Bucket>> buckets_;
};

}  // namespace millrace::process
