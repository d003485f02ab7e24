#pragma once

#include <cstdint>

#include "base/clock.h"

namespace millrace::lake {

struct IcebergSettings {
  std::int64_t snapshot_keep_ms = base::kHourMs;  // Readable so long after the next one came ...
  int snapshots_min = 3;                          // ... and at least so many of any age ...
  int snapshots_max = 4000;                       // ... but no more: each commit writes the list of them.
  int metadata_versions_max = 30;                 // Old metadata files kept beside the current one.
  int manifests_merge_min = 100;                  // So many small manifests are merged by the next commit.
  std::int64_t manifest_target_bytes = 8 << 20;   // A manifest that reached it is not merged again.
  std::int64_t orphan_age_ms = 3 * base::kDayMs;  // An object no snapshot refers to is removed after it.
  int commit_attempts_max = 8;                    // Lost races before a commit gives up.
};

}  // namespace millrace::lake
