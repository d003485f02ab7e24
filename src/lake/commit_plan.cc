#include "lake/commit_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "lake/table_files.h"

namespace millrace::lake {
namespace {

std::map<std::string, std::string> summary_of(const TableState& head, const PlannedSnapshot& planned) {
  const ChangeTotals& totals = planned.totals;
  std::map<std::string, std::string> summary;
  const auto put = [&summary](std::string_view key, std::int64_t value) {
    summary.emplace(key, std::to_string(value));
  };
  if (totals.added_files > 0) {
    put("added-data-files", totals.added_files);
    put("added-records", totals.added_records);
    put("added-files-size", totals.added_bytes);
  }
  if (totals.removed_files > 0) {
    put("deleted-data-files", totals.removed_files);
    put("deleted-records", totals.removed_records);
    put("removed-files-size", totals.removed_bytes);
  }
  put("changed-partition-count", totals.changed_partitions);
  put("total-data-files", head.file_count + totals.added_files - totals.removed_files);
  put("total-records", head.record_count + totals.added_records - totals.removed_records);
  put("total-files-size", head.file_bytes + totals.added_bytes - totals.removed_bytes);
  put("total-delete-files", 0);
  put("total-position-deletes", 0);
  put("total-equality-deletes", 0);
  if (!planned.ranges.empty()) summary.emplace(kOffsetsProperty, to_json(planned.ranges));
  return summary;
}

// Drops snapshots from the old end while the one dropped was not current lately and is none of the last few, or they are too
// many: a clock that was ahead for a moment would keep all until then.
void expire(TableMetadata& metadata, std::int64_t now_ms, const IcebergSettings& settings) {
  auto& snapshots = metadata.snapshots;
  const auto kept_min = static_cast<std::size_t>(std::max(settings.snapshots_min, 1));
  const auto kept_max = std::max(kept_min, static_cast<std::size_t>(settings.snapshots_max));
  std::size_t expired = 0;
  while (snapshots.size() - expired > kept_min &&
         (snapshots.size() - expired > kept_max ||
          snapshots[expired + 1].timestamp_ms + settings.snapshot_keep_ms < now_ms) &&
         snapshots[expired].id != metadata.current_snapshot_id) {
    ++expired;
  }
  snapshots.erase(snapshots.begin(), snapshots.begin() + static_cast<std::ptrdiff_t>(expired));
  // The log may only name snapshots that exist.
  std::erase_if(metadata.snapshot_log,
                [&metadata](const SnapshotLogEntry& entry) { return !metadata.snapshot(entry.snapshot_id); });
}

void log_previous(TableMetadata& metadata, std::string location, std::int64_t timestamp_ms,
                  const IcebergSettings& settings) {
  auto& log = metadata.metadata_log;
  log.push_back({timestamp_ms, std::move(location)});
  const auto kept = static_cast<std::size_t>(std::max(settings.metadata_versions_max, 1));
  if (log.size() > kept) log.erase(log.begin(), log.end() - static_cast<std::ptrdiff_t>(kept));
}

}  // namespace

std::int64_t commit_time_ms(const TableMetadata& head, base::WallTime now) {
  return std::max(now.ms, head.last_updated_ms);
}

TableMetadata next_metadata(const TableState& head, std::string head_location, const PlannedSnapshot& planned,
                            const IcebergSettings& settings) {
  TableMetadata next = head.metadata;
  Snapshot snapshot;
  snapshot.id = planned.id;
  snapshot.parent_id = head.metadata.current_snapshot_id;
  snapshot.sequence_number = head.metadata.last_sequence_number + 1;
  snapshot.timestamp_ms = planned.timestamp_ms;
  snapshot.manifest_list = planned.manifest_list;
  snapshot.operation = planned.operation;
  snapshot.summary = summary_of(head, planned);
  snapshot.schema_id = head.metadata.current_schema_id;
  next.last_sequence_number = snapshot.sequence_number;
  next.current_snapshot_id = snapshot.id;
  next.snapshots.push_back(std::move(snapshot));
  next.snapshot_log.push_back({planned.timestamp_ms, planned.id});
  if (!planned.offsets.empty()) next.properties[std::string(kOffsetsProperty)] = to_json(planned.offsets);
  log_previous(next, std::move(head_location), head.metadata.last_updated_ms, settings);
  next.last_updated_ms = planned.timestamp_ms;
  expire(next, planned.timestamp_ms, settings);
  return next;
}

TableMetadata next_metadata(const TableState& head, std::string head_location, TableMetadata changed,
                            std::int64_t timestamp_ms, const IcebergSettings& settings) {
  log_previous(changed, std::move(head_location), head.metadata.last_updated_ms, settings);
  changed.last_updated_ms = timestamp_ms;
  return changed;
}

std::vector<ExpiredSnapshot> expired_snapshots(const TableMetadata& before, const TableMetadata& after) {
  std::vector<Snapshot> line = before.snapshots;
  if (const Snapshot* current = after.current_snapshot(); current && !before.snapshot(current->id)) {
    line.push_back(*current);
  }
  std::vector<ExpiredSnapshot> expired;
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    if (after.snapshot(line[i].id) != nullptr) continue;
    if (line[i + 1].parent_id == line[i].id) expired.push_back({line[i], line[i + 1]});
  }
  return expired;
}

std::vector<std::string> dropped_metadata_files(const TableMetadata& before, const TableMetadata& after) {
  std::set<std::string_view> kept;
  for (const MetadataLogEntry& entry : after.metadata_log) kept.insert(entry.metadata_file);
  std::vector<std::string> dropped;
  for (const MetadataLogEntry& entry : before.metadata_log) {
    if (!kept.contains(entry.metadata_file)) dropped.push_back(entry.metadata_file);
  }
  return dropped;
}

std::vector<std::size_t> manifests_to_merge(const std::vector<std::shared_ptr<const LiveManifest>>& manifests,
                                            const IcebergSettings& settings) {
  std::vector<std::size_t> small;
  for (std::size_t i = 0; i < manifests.size(); ++i) {
    if (manifests[i]->file.length < settings.manifest_target_bytes) small.push_back(i);
  }
  if (small.size() < static_cast<std::size_t>(std::max(settings.manifests_merge_min, 2))) small.clear();
  return small;
}

ChangeTotals change_totals(const TableState& head, const std::vector<DataFile>& added,
                           const std::set<std::string, std::less<>>& removed) {
  ChangeTotals totals;
  std::vector<std::vector<PartitionValue>> partitions;
  const auto touch = [&partitions](const std::vector<PartitionValue>& partition) {
    if (std::find(partitions.begin(), partitions.end(), partition) == partitions.end())
      partitions.push_back(partition);
  };
  for (const DataFile& file : added) {
    totals.added_files += 1;
    totals.added_records += file.record_count;
    totals.added_bytes += file.file_bytes;
    touch(file.partition);
  }
  head.for_each_file([&](const LiveFile& file) {
    if (!removed.contains(file.object)) return;
    totals.removed_files += 1;
    totals.removed_records += file.record_count;
    totals.removed_bytes += file.file_bytes;
    touch(file.partition);
  });
  totals.changed_partitions = static_cast<std::int64_t>(partitions.size());
  return totals;
}

ManifestEntry carried_entry(ManifestEntry entry) {
  entry.status = EntryStatus::existing;
  return entry;
}

ManifestEntry deleted_entry(ManifestEntry entry, std::int64_t snapshot_id) {
  entry.status = EntryStatus::deleted;
  entry.snapshot_id = snapshot_id;
  return entry;
}

}  // namespace millrace::lake
