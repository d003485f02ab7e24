#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lake/table_spec.h"

namespace millrace::lake {

struct Schema {
  int id = 0;
  std::vector<Column> columns;
};

struct PartitionSpec {
  int id = 0;
  std::vector<PartitionField> fields;
};

// Ascending, nulls first, identity transform: the only order we write. Id 0 is reserved for "unsorted".
struct SortOrder {
  int id = 0;
  std::vector<int> source_ids;
};

struct Snapshot {
  std::int64_t id = 0;  // Below 2^53, so that readers whose numbers are doubles keep it exact.
  std::optional<std::int64_t> parent_id;
  std::int64_t sequence_number = 0;
  std::int64_t timestamp_ms = 0;
  std::string manifest_list;  // Location, not object name.
  std::string operation;      // "append", "overwrite" or "replace".
  std::map<std::string, std::string> summary;
  int schema_id = 0;
};

struct SnapshotLogEntry {
  std::int64_t timestamp_ms = 0;
  std::int64_t snapshot_id = 0;
};

struct MetadataLogEntry {
  std::int64_t timestamp_ms = 0;
  std::string metadata_file;  // Location.
};

// Iceberg table metadata, format version 2: what one metadata.json says. One branch, main.
struct TableMetadata {
  std::string table_uuid;
  std::string location;
  std::int64_t last_sequence_number = 0;
  std::int64_t last_updated_ms = 0;
  int last_column_id = 0;
  std::vector<Schema> schemas;
  int current_schema_id = 0;
  std::vector<PartitionSpec> partition_specs;
  int default_spec_id = 0;
  int last_partition_id = 999;
  std::vector<SortOrder> sort_orders;
  int default_sort_order_id = 0;
  std::map<std::string, std::string> properties;
  std::optional<std::int64_t> current_snapshot_id;
  std::vector<Snapshot> snapshots;
  std::vector<SnapshotLogEntry> snapshot_log;
  std::vector<MetadataLogEntry> metadata_log;

  const Schema& current_schema() const;
  const PartitionSpec& default_spec() const;
  const Snapshot* snapshot(std::int64_t id) const;  // Null when absent.
  const Snapshot* current_snapshot() const;         // Null before the first commit.
};

enum class SnapshotFilter : std::uint8_t { all, referenced };

// The JSON of a metadata file; a function of the value alone.
std::string to_json(const TableMetadata& metadata, SnapshotFilter filter = SnapshotFilter::all);
// Refuses, as `corrupt` and by name, what is not JSON, lacks a required field or uses what this writer cannot
// keep: another format version, an unknown type or transform, a nested column, a second branch.
base::Result<TableMetadata> parse_table_metadata(std::string_view json);

}  // namespace millrace::lake
