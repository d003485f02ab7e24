#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "lake/iceberg_settings.h"
#include "lake/table_files.h"
#include "lake/table_state.h"

namespace millrace::lake {

// The manifests of a snapshot that is being made: those of its parent, less removed files, plus a new one.
// Writes objects that nobody refers to until the snapshot is committed.
class ManifestSet {
 public:
  struct Commit {
    std::int64_t snapshot_id = 0;
    std::int64_t sequence_number = 0;
    base::WallTime now;
  };
  // Everything given by reference must outlive the set. `parent`'s manifests without live files are left
  // behind.
  ManifestSet(const TableFiles& files, const TableState& parent, base::Random& random, Commit commit);

  // Rewrites the manifests that hold one of these objects.
  base::Status remove(const std::set<std::string, std::less<>>& objects);
  // Merges small manifests of the parent, if there are too many.
  base::Status merge(const IcebergSettings& settings);
  void add(std::shared_ptr<const LiveManifest> manifest) { fresh_.push_back(std::move(manifest)); }

  // Parent's manifests first.
  std::vector<std::shared_ptr<const LiveManifest>> take() &&;

 private:
  base::Result<std::shared_ptr<const LiveManifest>> write(const std::vector<ManifestEntry>& entries);

  const TableFiles& files_;
  const TableState& parent_;
  base::Random& random_;
  Commit commit_;
  std::vector<std::shared_ptr<const LiveManifest>> kept_;
  std::vector<std::shared_ptr<const LiveManifest>> fresh_;
};

}  // namespace millrace::lake
