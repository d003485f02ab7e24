#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lake/table_metadata.h"
#include "lake/table_spec.h"

namespace millrace::lake {

enum class EntryStatus : std::uint8_t { existing = 0, added = 1, deleted = 2 };

// One line of a manifest. The numbers are absent for files that the manifest's own snapshot added: they are
// inherited from the manifest list, which lets a manifest be reused when a commit has to be attempted again.
struct ManifestEntry {
  EntryStatus status = EntryStatus::added;
  std::int64_t snapshot_id = 0;
  std::optional<std::int64_t> sequence_number;
  std::optional<std::int64_t> file_sequence_number;
  std::string file_path;  // Location.
  DataFile file;          // `object` is not stored.
  int sort_order_id = 0;
};

struct PartitionSummary {
  bool contains_null = false;
  std::optional<std::string> lower, upper;  // Single-value binary serialisation.
  bool operator==(const PartitionSummary&) const = default;
};

// One line of a manifest list.
struct ManifestFile {
  std::string path;  // Location.
  std::int64_t length = 0;
  int spec_id = 0;
  std::int64_t sequence_number = 0;
  std::int64_t min_sequence_number = 0;
  std::int64_t added_snapshot_id = 0;
  int added_files = 0, existing_files = 0, deleted_files = 0;
  std::int64_t added_rows = 0, existing_rows = 0, deleted_rows = 0;
  std::vector<PartitionSummary> partitions;
  bool operator==(const ManifestFile&) const = default;
};

// The bytes of a manifest of data files (Avro), a function of the arguments alone.
std::string encode_manifest(const Schema& schema, const PartitionSpec& spec,
                            const std::vector<ManifestEntry>& entries);
// Numbers that are inherited stay absent.
base::Result<std::vector<ManifestEntry>> decode_manifest(std::string_view bytes, const PartitionSpec& spec);

// The line for a manifest with these entries. New files take `sequence_number`, the one of the commit.
ManifestFile summarize_manifest(std::string path, std::int64_t length, const PartitionSpec& spec,
                                const std::vector<ManifestEntry>& entries, std::int64_t snapshot_id,
                                std::int64_t sequence_number);

struct ManifestListHeader {
  std::int64_t snapshot_id = 0;
  std::optional<std::int64_t> parent_id;
  std::int64_t sequence_number = 0;
};
std::string encode_manifest_list(const ManifestListHeader& header,
                                 const std::vector<ManifestFile>& manifests);
base::Result<std::vector<ManifestFile>> decode_manifest_list(std::string_view bytes);

}  // namespace millrace::lake
