#include "lake/table_metadata.h"

#include <algorithm>

#include "lake/iceberg_schema.h"
#include "lake/json_writer.h"

namespace millrace::lake {
namespace {

void write_map(JsonWriter& out, const std::map<std::string, std::string>& map) {
  for (const auto& [key, value] : map) out.member(key, value);
}

void write_snapshot(JsonWriter& out, const Snapshot& snapshot) {
  out.begin_object();
  out.member("snapshot-id", snapshot.id);
  if (snapshot.parent_id) out.member("parent-snapshot-id", *snapshot.parent_id);
  out.member("sequence-number", snapshot.sequence_number);
  out.member("timestamp-ms", snapshot.timestamp_ms);
  out.key("summary");
  out.begin_object();
  out.member("operation", snapshot.operation);
  write_map(out, snapshot.summary);
  out.end_object();
  out.member("manifest-list", snapshot.manifest_list);
  out.member("schema-id", snapshot.schema_id);
  out.end_object();
}

template <class T>
void write_list(JsonWriter& out, std::string_view name, const std::vector<T>& items) {
  out.key(name);
  out.begin_array();
  for (const T& item : items) write_json(out, item);
  out.end_array();
}

void write_refs(JsonWriter& out, std::int64_t current_snapshot_id) {
  out.key("refs");
  out.begin_object();
  out.key("main");
  out.begin_object();
  out.member("snapshot-id", current_snapshot_id);
  out.member("type", "branch");
  out.end_object();
  out.end_object();
}

void write_history(JsonWriter& out, const TableMetadata& metadata, SnapshotFilter filter) {
  out.member("current-snapshot-id", metadata.current_snapshot_id.value_or(-1));
  if (metadata.current_snapshot_id) write_refs(out, *metadata.current_snapshot_id);
  out.key("snapshots");
  out.begin_array();
  for (const Snapshot& snapshot : metadata.snapshots) {
    if (filter == SnapshotFilter::all || snapshot.id == metadata.current_snapshot_id)
      write_snapshot(out, snapshot);
  }
  out.end_array();
  out.key("snapshot-log");
  out.begin_array();
  for (const SnapshotLogEntry& entry : metadata.snapshot_log) {
    out.begin_object();
    out.member("timestamp-ms", entry.timestamp_ms);
    out.member("snapshot-id", entry.snapshot_id);
    out.end_object();
  }
  out.end_array();
  out.key("metadata-log");
  out.begin_array();
  for (const MetadataLogEntry& entry : metadata.metadata_log) {
    out.begin_object();
    out.member("timestamp-ms", entry.timestamp_ms);
    out.member("metadata-file", entry.metadata_file);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

const Schema& TableMetadata::current_schema() const {
  const auto found = std::find_if(schemas.begin(), schemas.end(),
                                  [this](const Schema& schema) { return schema.id == current_schema_id; });
  INVARIANT(found != schemas.end());
  return *found;
}

const PartitionSpec& TableMetadata::default_spec() const {
  const auto found = std::find_if(partition_specs.begin(), partition_specs.end(),
                                  [this](const PartitionSpec& spec) { return spec.id == default_spec_id; });
  INVARIANT(found != partition_specs.end());
  return *found;
}

const Snapshot* TableMetadata::snapshot(std::int64_t id) const {
  const auto found = std::find_if(snapshots.begin(), snapshots.end(),
                                  [id](const Snapshot& snapshot) { return snapshot.id == id; });
  return found == snapshots.end() ? nullptr : &*found;
}

const Snapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? snapshot(*current_snapshot_id) : nullptr;
}

std::string to_json(const TableMetadata& metadata, SnapshotFilter filter) {
  JsonWriter out;
  out.begin_object();
  out.member("format-version", 2);
  out.member("table-uuid", metadata.table_uuid);
  out.member("location", metadata.location);
  out.member("last-sequence-number", metadata.last_sequence_number);
  out.member("last-updated-ms", metadata.last_updated_ms);
  out.member("last-column-id", metadata.last_column_id);
  out.member("current-schema-id", metadata.current_schema_id);
  write_list(out, "schemas", metadata.schemas);
  out.member("default-spec-id", metadata.default_spec_id);
  write_list(out, "partition-specs", metadata.partition_specs);
  out.member("last-partition-id", metadata.last_partition_id);
  out.member("default-sort-order-id", metadata.default_sort_order_id);
  write_list(out, "sort-orders", metadata.sort_orders);
  out.key("properties");
  out.begin_object();
  write_map(out, metadata.properties);
  out.end_object();
  write_history(out, metadata, filter);
  out.end_object();
  return out.take();
}

}  // namespace millrace::lake
