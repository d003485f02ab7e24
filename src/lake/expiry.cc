#include "lake/expiry.h"

#include <utility>
#include <vector>

#include "lake/commit_plan.h"
#include "lake/manifest.h"

namespace millrace::lake {

base::Status Expiry::drop_unreachable(const TableState& before, const TableMetadata& after) {
  for (const ExpiredSnapshot& expired : expired_snapshots(before.metadata, after)) {
    TRY(drop_snapshot(expired.snapshot, expired.successor, after.default_spec()));
  }
  for (const std::string& location : dropped_metadata_files(before.metadata, after)) {
    TRY_ASSIGN(const std::string object, files_.object_of(location));
    TRY(files_.store().remove(object));
  }
  return base::Ok{};
}

// History is a line: what a snapshot has and its successor has not, no later one has either.
base::Status Expiry::drop_snapshot(const Snapshot& expired, const Snapshot& successor,
                                   const PartitionSpec& spec) {
  TRY_ASSIGN(const std::vector<ManifestFile> old_manifests, files_.read_manifest_list(expired.manifest_list));
  TRY_ASSIGN(const std::vector<ManifestFile> new_manifests,
             files_.read_manifest_list(successor.manifest_list));
  std::set<std::string_view> kept;
  for (const ManifestFile& manifest : new_manifests) {
    kept.insert(manifest.path);
    if (manifest.added_snapshot_id != successor.id || manifest.deleted_files == 0) continue;
    TRY_ASSIGN(const std::vector<ManifestEntry> entries, files_.read_manifest(manifest, spec));
    for (const ManifestEntry& entry : entries) {
      if (entry.status != EntryStatus::deleted || entry.snapshot_id != successor.id) continue;
      TRY_ASSIGN(const std::string object, files_.object_of(entry.file_path));
      TRY(files_.store().remove(object));
    }
  }
  for (const ManifestFile& manifest : old_manifests) {
    if (kept.contains(manifest.path)) continue;
    TRY_ASSIGN(const std::string object, files_.object_of(manifest.path));
    TRY(files_.store().remove(object));
  }
  TRY_ASSIGN(const std::string list, files_.object_of(expired.manifest_list));
  return files_.store().remove(list);
}

base::Status Expiry::export_version(std::int64_t version) {
  return files_.store().replace(files_.version_hint_object(), std::to_string(version));
}

base::Status Expiry::collect_reachable(const TableState& head,
                                       std::set<std::string, std::less<>>& objects) const {
  std::set<std::string> manifests_read;
  for (const Snapshot& snapshot : head.metadata.snapshots) {
    TRY_ASSIGN(std::string list, files_.object_of(snapshot.manifest_list));
    objects.insert(std::move(list));
    TRY_ASSIGN(const std::vector<ManifestFile> manifests, files_.read_manifest_list(snapshot.manifest_list));
    for (const ManifestFile& manifest : manifests) {
      if (!manifests_read.insert(manifest.path).second) continue;
      TRY_ASSIGN(std::string object, files_.object_of(manifest.path));
      objects.insert(std::move(object));
      TRY_ASSIGN(const auto entries, files_.read_manifest(manifest, head.metadata.default_spec()));
      for (const ManifestEntry& entry : entries) {
        if (entry.status == EntryStatus::deleted) continue;
        TRY_ASSIGN(std::string data, files_.object_of(entry.file_path));
        objects.insert(std::move(data));
      }
    }
  }
  objects.insert(head.metadata_object);
  for (const MetadataLogEntry& entry : head.metadata.metadata_log) {
    TRY_ASSIGN(std::string object, files_.object_of(entry.metadata_file));
    objects.insert(std::move(object));
  }
  return base::Ok{};
}

base::Result<MaintenanceReport> Expiry::remove_orphans(const TableState& head, base::WallTime now,
                                                       const IcebergSettings& settings) {
  std::set<std::string, std::less<>> reachable;
  TRY(collect_reachable(head, reachable));
  MaintenanceReport report;
  for (const std::string& prefix : {files_.metadata_prefix(), files_.data_prefix()}) {
    TRY_ASSIGN(const std::vector<std::string> names, files_.store().list(prefix));
    for (const std::string& name : names) {
      ++report.objects_seen;
      if (reachable.contains(name)) continue;
      const auto made_at = TableFiles::time_of(name);
      const auto version = files_.version_of(name);
      // A version below the head that the head's log does not name is a late loser's or was forgotten; one
      // above it is news.
      const bool orphan =
          version ? *version < head.version : made_at && now - *made_at > settings.orphan_age_ms;
      if (!orphan) continue;
      TRY(files_.store().remove(name));
      ++report.orphans_removed;
    }
  }
  return report;
}

}  // namespace millrace::lake
