#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "lake/expiry.h"
#include "lake/iceberg_settings.h"
#include "lake/manifest.h"
#include "lake/object_store.h"
#include "lake/offset_ranges.h"
#include "lake/table_files.h"
#include "lake/table_metadata.h"
#include "lake/table_spec.h"
#include "lake/table_state.h"

namespace millrace::lake {

struct CommitReceipt {
  std::int64_t snapshot_id = 0;
  std::int64_t sequence_number = 0;
  std::int64_t version = 0;  // Of the metadata file.
};

// One Iceberg v2 table in an object store, and the only way to change it.
//
// Promise: a commit is one conditional create of the next metadata file, so it happens whole or not at all,
// and of racing writers one wins. The journal offsets of the rows go in with them and are checked inside that
// same step, so no row group is ever in the table twice. Until a commit returned ok its files are in no
// snapshot; they stay in the store, for another attempt, until they are removed as orphans.
//
// Errors of a commit: conflict - its offsets are committed already or its inputs are gone: state() is fresh,
// decide again. unavailable, exhausted - nothing happened. io - unknown whether it happened: call refresh()
// and compare state()->offsets with the ranges, then try again or not. The same DataFiles may be given again
// after any of them.
//
// state() may be called by any thread; everything else by one thread at a time.
class IcebergTable {
  struct Opening {
    explicit Opening() = default;
  };

 public:
  // Opens the table, creates it when absent, and evolves its schema when `spec` has columns the stored one
  // has not. invalid_argument, beginning "incompatible schema", when the stored table cannot become `spec`.
  // Everything given by reference must outlive the table.
  static base::Result<std::unique_ptr<IcebergTable>> open_or_create(ObjectStore& store, TableSpec spec,
                                                                    const base::Clock& clock,
                                                                    base::Random& random,
                                                                    IcebergSettings settings);

  IcebergTable(Opening, ObjectStore& store, TableSpec spec, const base::Clock& clock, base::Random& random,
               IcebergSettings settings);  // For open_or_create() alone.

  const TableSpec& spec() const { return spec_; }
  // The newest snapshot this object knows of: files and offsets of one moment. Immutable; its files stay
  // readable for IcebergSettings::snapshot_keep_ms after a later commit dropped them.
  std::shared_ptr<const TableState> state() const;
  // Where readers outside find the metadata file of a state.
  std::string metadata_location(const TableState& state) const;
  // Loads what others committed.
  base::Status refresh();

  // A new name in the store for a data file of this partition:
  // "<namespace>/<table>/data/2026-11-21/<ms>-<random>.parquet". Orphan removal reads the age from it, so
  // data files must be named by this function.
  std::string data_object_name(std::span<const PartitionValue> partition);

  // Adds files. Both may be empty, not both at once: ranges without rows move the offsets on.
  base::Result<CommitReceipt> append(std::vector<DataFile> files, const OffsetRanges& ranges);
  // Replaces all files of the given partitions by `files`, which must lie in them. `base` is the state the
  // new content was computed from: conflict when those partitions have changed since.
  base::Result<CommitReceipt> replace_partitions(const TableState& base,
                                                 const std::vector<std::vector<PartitionValue>>& partitions,
                                                 std::vector<DataFile> files, const OffsetRanges& ranges);
  // Replaces live files (by object name) by others that hold the same rows. conflict when one of
  // `old_objects` is not live.
  base::Result<CommitReceipt> replace_files(const std::vector<std::string>& old_objects,
                                            std::vector<DataFile> files);

  // Removes objects of this table that no snapshot refers to and that are older than
  // IcebergSettings::orphan_age_ms. Reads every manifest: for a quiet moment, once a day. Expired snapshots
  // need no call; each commit drops them.
  base::Result<MaintenanceReport> remove_orphans();

 private:
  struct Change;
  struct Draft;
  struct AddedManifest {
    std::string object;  // Empty until written.
    std::int64_t bytes = 0;
  };

  base::Status open();
  base::Status create();
  base::Status evolve_stored();
  base::Status check_files(const std::vector<DataFile>& files) const;

  base::Result<CommitReceipt> commit(const Change& change);
  // The offsets and the removed objects of `change` on top of `head`, or why it cannot be.
  base::Result<Draft> draft(const Change& change, const TableState& head) const;
  base::Result<std::vector<ManifestEntry>> added_entries(const Change& change,
                                                         std::int64_t snapshot_id) const;
  // Once for all attempts of a commit.
  base::Status write_added(const std::vector<ManifestEntry>& entries, AddedManifest& manifest);
  // Writes what the state after the commit refers to, all but its metadata file.
  base::Result<std::shared_ptr<const TableState>> build(const Change& change, const TableState& head,
                                                        Draft draft, std::int64_t snapshot_id,
                                                        const std::vector<ManifestEntry>& added,
                                                        const AddedManifest& manifest);
  void publish(std::shared_ptr<const TableState> state);
  // Removes what a commit made unreachable and exports the version; what fails is left to remove_orphans().
  void tidy(const TableState& before, const TableState& after);

  TableFiles files_;
  TableSpec spec_;
  const base::Clock& clock_;
  base::Random& random_;
  IcebergSettings settings_;
  mutable std::mutex mutex_;  // Guards state_ alone.
  std::shared_ptr<const TableState> state_;
};

}  // namespace millrace::lake
