#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "lake/iceberg_settings.h"
#include "lake/manifest.h"
#include "lake/offset_ranges.h"
#include "lake/table_state.h"

namespace millrace::lake {

// The decisions of a commit, as functions of what was observed: no I/O, no clock, no chance.

// What a commit adds and takes away, in numbers and as the snapshot's summary tells it.
struct ChangeTotals {
  std::int64_t added_files = 0, added_records = 0, added_bytes = 0;
  std::int64_t removed_files = 0, removed_records = 0, removed_bytes = 0;
  std::int64_t changed_partitions = 0;
};

// A commit that has its manifests and lacks only its metadata file.
struct PlannedSnapshot {
  std::int64_t id = 0;
  std::string operation;
  std::string manifest_list;  // Location.
  std::int64_t timestamp_ms = 0;
  ChangeTotals totals;
  OffsetRanges ranges;
  CommittedOffsets offsets;  // After the commit.
};

// Time in a table never runs backwards, whatever the clock does.
std::int64_t commit_time_ms(const TableMetadata& head, base::WallTime now);

// The metadata that follows `head`: with the snapshot, without those that expired and without the oldest log
// entries.
TableMetadata next_metadata(const TableState& head, std::string head_location, const PlannedSnapshot& planned,
                            const IcebergSettings& settings);
// The metadata that follows `head` when only definitions changed.
TableMetadata next_metadata(const TableState& head, std::string head_location, TableMetadata changed,
                            std::int64_t timestamp_ms, const IcebergSettings& settings);

// A snapshot that a commit dropped, with the one that followed it.
struct ExpiredSnapshot {
  Snapshot snapshot;
  Snapshot successor;
};
// Oldest first. A snapshot whose successor is not its child is left out: what it alone refers to cannot be
// told from the two of them, and becomes an orphan.
std::vector<ExpiredSnapshot> expired_snapshots(const TableMetadata& before, const TableMetadata& after);

// Locations of metadata files that the log of `after` no longer names.
std::vector<std::string> dropped_metadata_files(const TableMetadata& before, const TableMetadata& after);

// Indices of the manifests that should become one: the small ones, once there are enough of them.
std::vector<std::size_t> manifests_to_merge(const std::vector<std::shared_ptr<const LiveManifest>>& manifests,
                                            const IcebergSettings& settings);

ChangeTotals change_totals(const TableState& head, const std::vector<DataFile>& added,
                           const std::set<std::string, std::less<>>& removed);

// A file that was live, as a later manifest tells it.
ManifestEntry carried_entry(ManifestEntry entry);
ManifestEntry deleted_entry(ManifestEntry entry, std::int64_t snapshot_id);

}  // namespace millrace::lake
