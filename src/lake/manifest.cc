#include "lake/manifest.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "lake/avro_reader.h"
#include "lake/avro_writer.h"
#include "lake/iceberg_schema.h"
#include "lake/manifest_schema.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;

Error malformed(std::string_view what) { return Error(ErrorCode::corrupt, "manifest: " + std::string(what)); }

void write_optional(AvroWriter& out, const std::optional<std::int64_t>& value) {
  out.branch(value ? 1 : 0);
  if (value) out.integer(*value);
}

void write_optional(AvroWriter& out, const std::optional<std::string>& value) {
  out.branch(value ? 1 : 0);
  if (value) out.bytes(*value);
}

void write_counts(AvroWriter& out, const std::vector<ColumnStats>& columns,
                  std::int64_t ColumnStats::*count) {
  out.branch(1);
  out.begin_array(columns.size());
  for (const ColumnStats& column : columns) {
    out.integer(column.field_id);
    out.integer(column.*count);
  }
  out.end_array();
}

void write_bounds(AvroWriter& out, const std::vector<ColumnStats>& columns,
                  std::optional<std::string> ColumnStats::*bound) {
  out.branch(1);
  out.begin_array(static_cast<std::size_t>(std::count_if(
      columns.begin(), columns.end(), [bound](const ColumnStats& c) { return (c.*bound).has_value(); })));
  for (const ColumnStats& column : columns) {
    if (!(column.*bound)) continue;
    out.integer(column.field_id);
    out.bytes(*(column.*bound));
  }
  out.end_array();
}

void write_entry(AvroWriter& out, const ManifestEntry& entry, const PartitionSpec& spec) {
  INVARIANT(entry.status == EntryStatus::added || (entry.sequence_number && entry.file_sequence_number));
  INVARIANT(entry.file.partition.size() == spec.fields.size());
  out.integer(static_cast<int>(entry.status));
  write_optional(out, std::optional(entry.snapshot_id));
  write_optional(out, entry.sequence_number);
  write_optional(out, entry.file_sequence_number);
  out.integer(0);  // Data, not deletes.
  out.bytes(entry.file_path);
  out.bytes("PARQUET");
  for (const PartitionValue& value : entry.file.partition) {
    if (value.day) {
      out.branch(1);
      out.integer(*value.day);
    } else {
      write_optional(out, value.text);
    }
  }
  out.integer(entry.file.record_count);
  out.integer(entry.file.file_bytes);
  write_counts(out, entry.file.columns, &ColumnStats::column_bytes);
  write_counts(out, entry.file.columns, &ColumnStats::value_count);
  write_counts(out, entry.file.columns, &ColumnStats::null_count);
  write_bounds(out, entry.file.columns, &ColumnStats::lower);
  write_bounds(out, entry.file.columns, &ColumnStats::upper);
  write_optional(out, std::optional<std::int64_t>(entry.sort_order_id));
  out.end_record();
}

ColumnStats& stats_of(std::vector<ColumnStats>& columns, std::int64_t field_id) {
  const int id = static_cast<int>(field_id);
  const auto found =
      std::find_if(columns.begin(), columns.end(), [id](const ColumnStats& c) { return c.field_id == id; });
  if (found != columns.end()) return *found;
  columns.emplace_back().field_id = id;
  return columns.back();
}

void read_columns(const AvroValue& file, std::vector<ColumnStats>& columns) {
  for (const AvroValue& pair : file.field("column_sizes").array()) {
    stats_of(columns, pair.field("key").integer()).column_bytes = pair.field("value").integer();
  }
  for (const AvroValue& pair : file.field("value_counts").array()) {
    stats_of(columns, pair.field("key").integer()).value_count = pair.field("value").integer();
  }
  for (const AvroValue& pair : file.field("null_value_counts").array()) {
    stats_of(columns, pair.field("key").integer()).null_count = pair.field("value").integer();
  }
  for (const AvroValue& pair : file.field("lower_bounds").array()) {
    stats_of(columns, pair.field("key").integer()).lower = std::string(pair.field("value").bytes());
  }
  for (const AvroValue& pair : file.field("upper_bounds").array()) {
    stats_of(columns, pair.field("key").integer()).upper = std::string(pair.field("value").bytes());
  }
}

std::optional<std::int64_t> optional_integer(const AvroValue& value) {
  if (!value.is_integer()) return std::nullopt;
  return value.integer();
}

std::optional<std::string> optional_bytes(const AvroValue& value) {
  if (value.is_null()) return std::nullopt;
  return std::string(value.bytes());
}

base::Result<ManifestEntry> read_entry(const AvroValue& record, const PartitionSpec& spec) {
  ManifestEntry entry;
  const std::int64_t status = record.field("status").integer();
  if (status < 0 || status > 2) return malformed("unknown entry status");
  entry.status = static_cast<EntryStatus>(status);
  entry.snapshot_id = record.field("snapshot_id").integer();
  entry.sequence_number = optional_integer(record.field("sequence_number"));
  entry.file_sequence_number = optional_integer(record.field("file_sequence_number"));
  const AvroValue& file = record.field("data_file");
  if (file.field("content").integer() != 0) return malformed("a delete file, which this writer never makes");
  entry.file_path = file.field("file_path").bytes();
  if (entry.file_path.empty()) return malformed("an entry without file path");
  const auto& values = file.field("partition").fields();
  if (values.size() != spec.fields.size()) return malformed("a partition tuple of another spec");
  for (const AvroValue& value : values) {
    PartitionValue& into = entry.file.partition.emplace_back();
    if (value.is_integer()) {
      into.day = static_cast<std::int32_t>(value.integer());
    } else {
      into.text = optional_bytes(value);
    }
  }
  entry.file.record_count = file.field("record_count").integer();
  entry.file.file_bytes = file.field("file_size_in_bytes").integer();
  read_columns(file, entry.file.columns);
  entry.sort_order_id = static_cast<int>(file.field("sort_order_id").integer());
  return entry;
}

std::string single_value(const PartitionValue& value) {
  if (!value.day) return *value.text;
  std::string bytes;
  base::ByteWriter(bytes).u32(static_cast<std::uint32_t>(*value.day));
  return bytes;
}

// Days compare as numbers, text as unsigned bytes.
bool less(const PartitionValue& a, const PartitionValue& b) {
  if (a.day && b.day) return *a.day < *b.day;
  return a.text < b.text;
}

PartitionSummary summarize_partition(const std::vector<ManifestEntry>& entries, std::size_t field) {
  PartitionSummary summary;
  const PartitionValue* low = nullptr;
  const PartitionValue* high = nullptr;
  for (const ManifestEntry& entry : entries) {
    const PartitionValue& value = entry.file.partition[field];
    if (!value.day && !value.text) {
      summary.contains_null = true;
      continue;
    }
    if (low == nullptr || less(value, *low)) low = &value;
    if (high == nullptr || less(*high, value)) high = &value;
  }
  if (low != nullptr) summary.lower = single_value(*low);
  if (high != nullptr) summary.upper = single_value(*high);
  return summary;
}

}  // namespace

std::string encode_manifest(const Schema& schema, const PartitionSpec& spec,
                            const std::vector<ManifestEntry>& entries) {
  AvroWriter out(manifest_entry_schema(schema, spec), {{"schema", to_json(schema)},
                                                       {"schema-id", std::to_string(schema.id)},
                                                       {"partition-spec", fields_to_json(spec)},
                                                       {"partition-spec-id", std::to_string(spec.id)},
                                                       {"format-version", "2"},
                                                       {"content", "data"}});
  for (const ManifestEntry& entry : entries) write_entry(out, entry, spec);
  return std::move(out).finish();
}

base::Result<std::vector<ManifestEntry>> decode_manifest(std::string_view bytes, const PartitionSpec& spec) {
  TRY_ASSIGN(const AvroFile file, read_avro(std::string(bytes)));
  std::vector<ManifestEntry> entries;
  entries.reserve(file.records.size());
  for (const AvroValue& record : file.records) {
    TRY_ASSIGN(ManifestEntry entry, read_entry(record, spec));
    entries.push_back(std::move(entry));
  }
  return entries;
}

ManifestFile summarize_manifest(std::string path, std::int64_t length, const PartitionSpec& spec,
                                const std::vector<ManifestEntry>& entries, std::int64_t snapshot_id,
                                std::int64_t sequence_number) {
  ManifestFile manifest;
  manifest.path = std::move(path);
  manifest.length = length;
  manifest.spec_id = spec.id;
  manifest.sequence_number = sequence_number;
  manifest.added_snapshot_id = snapshot_id;
  std::int64_t min_sequence_number = sequence_number;
  for (const ManifestEntry& entry : entries) {
    const std::int64_t rows = entry.file.record_count;
    switch (entry.status) {
      case EntryStatus::added: manifest.added_files += 1, manifest.added_rows += rows; break;
      case EntryStatus::existing: manifest.existing_files += 1, manifest.existing_rows += rows; break;
      case EntryStatus::deleted: manifest.deleted_files += 1, manifest.deleted_rows += rows; break;
    }
    // A deleted file's number no longer binds readers.
    if (entry.status != EntryStatus::deleted) {
      min_sequence_number = std::min(min_sequence_number, entry.sequence_number.value_or(sequence_number));
    }
  }
  manifest.min_sequence_number = min_sequence_number;
  for (std::size_t field = 0; field < spec.fields.size(); ++field) {
    manifest.partitions.push_back(summarize_partition(entries, field));
  }
  return manifest;
}

std::string encode_manifest_list(const ManifestListHeader& header,
                                 const std::vector<ManifestFile>& manifests) {
  AvroWriter out(manifest_list_schema(),
                 {{"snapshot-id", std::to_string(header.snapshot_id)},
                  {"parent-snapshot-id", header.parent_id ? std::to_string(*header.parent_id) : "null"},
                  {"sequence-number", std::to_string(header.sequence_number)},
                  {"format-version", "2"}});
  for (const ManifestFile& manifest : manifests) {
    out.bytes(manifest.path);
    out.integer(manifest.length);
    out.integer(manifest.spec_id);
    out.integer(0);  // Data, not deletes.
    out.integer(manifest.sequence_number);
    out.integer(manifest.min_sequence_number);
    out.integer(manifest.added_snapshot_id);
    out.integer(manifest.added_files);
    out.integer(manifest.existing_files);
    out.integer(manifest.deleted_files);
    out.integer(manifest.added_rows);
    out.integer(manifest.existing_rows);
    out.integer(manifest.deleted_rows);
    out.branch(1);
    out.begin_array(manifest.partitions.size());
    for (const PartitionSummary& summary : manifest.partitions) {
      out.boolean(summary.contains_null);
      out.branch(1);
      out.boolean(false);  // Neither days nor text can be NaN.
      write_optional(out, summary.lower);
      write_optional(out, summary.upper);
    }
    out.end_array();
    out.end_record();
  }
  return std::move(out).finish();
}

base::Result<std::vector<ManifestFile>> decode_manifest_list(std::string_view bytes) {
  TRY_ASSIGN(const AvroFile file, read_avro(std::string(bytes)));
  std::vector<ManifestFile> manifests;
  manifests.reserve(file.records.size());
  for (const AvroValue& record : file.records) {
    if (record.field("content").integer() != 0) return malformed("a manifest of delete files");
    ManifestFile& manifest = manifests.emplace_back();
    manifest.path = record.field("manifest_path").bytes();
    if (manifest.path.empty()) return malformed("a manifest list entry without path");
    manifest.length = record.field("manifest_length").integer();
    manifest.spec_id = static_cast<int>(record.field("partition_spec_id").integer());
    manifest.sequence_number = record.field("sequence_number").integer();
    manifest.min_sequence_number = record.field("min_sequence_number").integer();
    manifest.added_snapshot_id = record.field("added_snapshot_id").integer();
    manifest.added_files = static_cast<int>(record.field("added_files_count").integer());
    manifest.existing_files = static_cast<int>(record.field("existing_files_count").integer());
    manifest.deleted_files = static_cast<int>(record.field("deleted_files_count").integer());
    manifest.added_rows = record.field("added_rows_count").integer();
    manifest.existing_rows = record.field("existing_rows_count").integer();
    manifest.deleted_rows = record.field("deleted_rows_count").integer();
    for (const AvroValue& summary : record.field("partitions").array()) {
      manifest.partitions.push_back({summary.field("contains_null").boolean(),
                                     optional_bytes(summary.field("lower_bound")),
                                     optional_bytes(summary.field("upper_bound"))});
    }
  }
  return manifests;
}

}  // namespace millrace::lake
