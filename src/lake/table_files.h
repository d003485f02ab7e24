#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "lake/manifest.h"
#include "lake/object_store.h"
#include "lake/table_state.h"

namespace millrace::lake {

// The objects of one table in a store: what they are called and how they are read. docs/formats/iceberg.md.
class TableFiles {
 public:
  // `prefix` is "<namespace>/<table>".
  TableFiles(ObjectStore& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  ObjectStore& store() const { return store_; }
  std::string location() const { return store_.location(prefix_); }
  std::string data_prefix() const { return prefix_ + "/data/"; }
  std::string metadata_prefix() const { return prefix_ + "/metadata/"; }
  std::string metadata_object(std::int64_t version) const;
  std::string version_hint_object() const { return metadata_prefix() + "version-hint.text"; }

  // Names that were never used: the time they were made, so that orphans have an age, and a random number.
  std::string new_metadata_object(base::WallTime now, base::Random& random, std::string_view ending) const;
  std::string new_data_object(std::span<const PartitionValue> partition, base::WallTime now,
                              base::Random& random) const;
  // The time in a name made by the two functions above.
  static std::optional<base::WallTime> time_of(std::string_view object);
  // N of an object named v<N>.metadata.json.
  std::optional<std::int64_t> version_of(std::string_view object) const;

  // The store's name of a file that metadata refers to; corrupt when it lies outside the table.
  base::Result<std::string> object_of(std::string_view file_location) const;

  // The highest version there is; nullopt when the table does not exist.
  base::Result<std::optional<std::int64_t>> newest_version() const;
  // `known` saves reading the manifests it has; may be null.
  base::Result<std::shared_ptr<const TableState>> load(std::int64_t version, const TableState* known) const;
  base::Result<std::vector<ManifestFile>> read_manifest_list(std::string_view list_location) const;
  // With inherited sequence numbers filled in.
  base::Result<std::vector<ManifestEntry>> read_manifest(const ManifestFile& manifest,
                                                         const PartitionSpec& spec) const;

  // Writes an object under a new name. An error means that nobody will ever refer to it, so never `io`.
  base::Status write(std::string_view object, std::string_view bytes) const;

  base::Result<std::shared_ptr<const LiveManifest>> live_manifest(
      ManifestFile manifest, const std::vector<ManifestEntry>& entries) const;

 private:
  base::Result<std::vector<std::shared_ptr<const LiveManifest>>> load_manifests(
      const TableMetadata& metadata, const TableState* known) const;
  ObjectStore& store_;
  std::string prefix_;
};

// Sums up file_count, record_count and file_bytes.
void count_files(TableState& state);

// The name under which committed offsets are kept in the table's properties and, as ranges, in snapshot
// summaries.
constexpr std::string_view kOffsetsProperty = "millrace.offsets";

}  // namespace millrace::lake
