#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "lake/iceberg_settings.h"
#include "lake/table_files.h"
#include "lake/table_state.h"

namespace millrace::lake {

struct MaintenanceReport {
  std::int64_t objects_seen = 0;
  std::int64_t orphans_removed = 0;
};

// Removes the objects of a table that nothing refers to any more. All of it may be interrupted, repeated and
// left undone.
class Expiry {
 public:
  explicit Expiry(const TableFiles& files) : files_(files) {}

  // After a commit made `after` of `before`: the files of the snapshots it expired that no later one has, and
  // the metadata files it forgot. Reads two manifest lists per expired snapshot.
  base::Status drop_unreachable(const TableState& before, const TableMetadata& after);
  // For readers that open a table by its path.
  base::Status export_version(std::int64_t version);
  // Everything in the table's directory that no snapshot of `head` refers to and whose name says it is old
  // enough.
  base::Result<MaintenanceReport> remove_orphans(const TableState& head, base::WallTime now,
                                                 const IcebergSettings& settings);

 private:
  base::Status drop_snapshot(const Snapshot& expired, const Snapshot& successor, const PartitionSpec& spec);
  base::Status collect_reachable(const TableState& head, std::set<std::string, std::less<>>& objects) const;

  const TableFiles& files_;
};

}  // namespace millrace::lake
