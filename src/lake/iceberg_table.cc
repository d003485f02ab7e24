#include "lake/iceberg_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "lake/commit_plan.h"
#include "lake/expiry.h"
#include "lake/iceberg_schema.h"
#include "lake/manifest_set.h"
#include "lake/metadata_chain.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;
using ObjectNames = std::set<std::string, std::less<>>;

constexpr std::int64_t kSnapshotIdMax = (std::int64_t{1} << 53) - 1;

std::string random_uuid(base::Random& random) {
  const std::uint64_t high = (random.next() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (random.next() & ~(3ULL << 62)) | (1ULL << 63);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff,
                     low >> 48, low & 0xffffffffffffULL);
}

std::int64_t random_snapshot_id(base::Random& random) {
  return static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(kSnapshotIdMax)) + 1;
}

// Before the compare-and-swap nothing can have happened, however uncertain an I/O error was.
Error nothing_happened(Error error) {
  if (error.code() != ErrorCode::io) return error;
  return Error(ErrorCode::unavailable, error.message());
}

ObjectNames live_objects_in(const TableState& state,
                            const std::vector<std::vector<PartitionValue>>& partitions) {
  ObjectNames objects;
  state.for_each_file([&](const LiveFile& file) {
    if (std::find(partitions.begin(), partitions.end(), file.partition) != partitions.end()) {
      objects.insert(file.object);
    }
  });
  return objects;
}

Error conflict(std::string what) { return Error(ErrorCode::conflict, std::move(what)); }

}  // namespace

struct IcebergTable::Change {
  std::string operation;
  std::vector<DataFile> added;
  OffsetRanges ranges;
  // Which live objects the change takes out of this state, or why it cannot.
  std::function<base::Result<ObjectNames>(const TableState&)> removed;
};

struct IcebergTable::Draft {
  CommittedOffsets offsets;
  ObjectNames removed;
};

IcebergTable::IcebergTable(Opening, ObjectStore& store, TableSpec spec, const base::Clock& clock,
                           base::Random& random, IcebergSettings settings)
    : files_(store, spec.name_space + "/" + spec.name),
      spec_(std::move(spec)),
      clock_(clock),
      random_(random),
      settings_(settings) {}

base::Result<std::unique_ptr<IcebergTable>> IcebergTable::open_or_create(ObjectStore& store, TableSpec spec,
                                                                         const base::Clock& clock,
                                                                         base::Random& random,
                                                                         IcebergSettings settings) {
  TRY(validate(spec));
  auto table = std::make_unique<IcebergTable>(Opening(), store, std::move(spec), clock, random, settings);
  if (auto opened = table->open(); !opened.ok()) {
    return std::move(opened).error().with_context(
        fmt::format("table {}.{}", table->spec_.name_space, table->spec_.name));
  }
  return table;
}

base::Status IcebergTable::open() {
  TRY_ASSIGN(const auto newest, files_.newest_version());
  if (!newest) TRY(create());
  TRY(refresh());
  return evolve_stored();
}

base::Status IcebergTable::create() {
  const TableMetadata metadata =
      initial_metadata(spec_, random_uuid(random_), files_.location(), clock_.wall().ms);
  // A lost race is as good: refresh() finds what the winner made.
  TRY(MetadataChain(files_).install(1, to_json(metadata), std::nullopt));
  return base::Ok{};
}

base::Status IcebergTable::evolve_stored() {
  for (int attempt = 0; attempt < settings_.commit_attempts_max; ++attempt) {
    const auto head = state();
    TableMetadata changed = head->metadata;
    TRY_ASSIGN(const Evolution evolution, evolve(changed, spec_));
    if (evolution == Evolution::unchanged) return base::Ok{};
    auto next = std::make_shared<TableState>(*head);
    next->version = head->version + 1;
    next->metadata_object = files_.metadata_object(next->version);
    next->metadata = next_metadata(*head, files_.store().location(head->metadata_object), std::move(changed),
                                   commit_time_ms(head->metadata, clock_.wall()), settings_);
    TRY_ASSIGN(const Race race,
               MetadataChain(files_).install(next->version, to_json(next->metadata), std::nullopt));
    if (race == Race::won) {
      publish(next);
      tidy(*head, *next);
      return base::Ok{};
    }
    TRY(refresh());
  }
  return Error(ErrorCode::unavailable, "schema evolution lost every race");
}

std::shared_ptr<const TableState> IcebergTable::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void IcebergTable::publish(std::shared_ptr<const TableState> state) {
  const std::lock_guard lock(mutex_);
  state_ = std::move(state);
}

std::string IcebergTable::metadata_location(const TableState& state) const {
  return files_.store().location(state.metadata_object);
}

base::Status IcebergTable::refresh() {
  const auto known = state();
  TRY_ASSIGN(const auto newest, files_.newest_version());
  if (!newest) return Error(ErrorCode::not_found, "the table is gone");
  if (known && *newest <= known->version) return base::Ok{};
  TRY_ASSIGN(auto loaded, files_.load(*newest, known.get()));
  publish(std::move(loaded));
  return base::Ok{};
}

std::string IcebergTable::data_object_name(std::span<const PartitionValue> partition) {
  return files_.new_data_object(partition, clock_.wall(), random_);
}

base::Status IcebergTable::check_files(const std::vector<DataFile>& files) const {
  const Schema schema{0, spec_.columns};
  for (const DataFile& file : files) {
    const auto refuse = [&file](std::string_view why) {
      return Error(ErrorCode::invalid_argument, fmt::format("data file {}: {}", file.object, why));
    };
    if (!file.object.starts_with(files_.data_prefix())) return refuse("outside the table's data");
    if (file.record_count <= 0) return refuse("without rows");
    if (file.partition.size() != spec_.partition.size()) return refuse("partition of another spec");
    for (std::size_t i = 0; i < file.partition.size(); ++i) {
      TRY_ASSIGN(const PartitionKind kind, partition_kind(spec_.partition[i], schema));
      const PartitionValue& value = file.partition[i];
      if (kind == PartitionKind::date ? value.text.has_value() : value.day.has_value()) {
        return refuse("a partition value of another type");
      }
    }
  }
  return base::Ok{};
}

base::Result<CommitReceipt> IcebergTable::append(std::vector<DataFile> files, const OffsetRanges& ranges) {
  if (files.empty() && ranges.empty()) return Error(ErrorCode::invalid_argument, "an append of nothing");
  return commit({"append", std::move(files), ranges, [](const TableState&) { return ObjectNames{}; }});
}

base::Result<CommitReceipt> IcebergTable::replace_partitions(
    const TableState& base, const std::vector<std::vector<PartitionValue>>& partitions,
    std::vector<DataFile> files, const OffsetRanges& ranges) {
  for (const DataFile& file : files) {
    if (std::find(partitions.begin(), partitions.end(), file.partition) == partitions.end()) {
      return Error(ErrorCode::invalid_argument,
                   "data file " + file.object + " lies in none of the partitions");
    }
  }
  const ObjectNames expected = live_objects_in(base, partitions);
  return commit({"overwrite", std::move(files), ranges,
                 [expected, partitions](const TableState& head) -> base::Result<ObjectNames> {
                   ObjectNames live = live_objects_in(head, partitions);
                   if (live != expected) return conflict("the partitions to replace have changed");
                   return live;
                 }});
}

base::Result<CommitReceipt> IcebergTable::replace_files(const std::vector<std::string>& old_objects,
                                                        std::vector<DataFile> files) {
  const ObjectNames old(old_objects.begin(), old_objects.end());
  if (old.empty()) return Error(ErrorCode::invalid_argument, "a replacement of nothing");
  return commit({"replace", std::move(files), {}, [old](const TableState& head) -> base::Result<ObjectNames> {
                   std::size_t live = 0;
                   head.for_each_file(
                       [&](const LiveFile& file) { live += old.contains(file.object) ? 1 : 0; });
                   if (live != old.size()) return conflict("a file to replace is not live any more");
                   return old;
                 }});
}

base::Result<IcebergTable::Draft> IcebergTable::draft(const Change& change, const TableState& head) const {
  Draft draft;
  TRY_ASSIGN(draft.offsets, advance(head.offsets, change.ranges));
  TRY_ASSIGN(draft.removed, change.removed(head));
  ObjectNames added;
  for (const DataFile& file : change.added) {
    if (!added.insert(file.object).second) {
      return Error(ErrorCode::invalid_argument, "data file " + file.object + " given twice");
    }
  }
  bool live = false;
  head.for_each_file([&](const LiveFile& file) { live = live || added.contains(file.object); });
  if (live) return conflict("a data file is in the table already");
  return draft;
}

base::Result<std::vector<ManifestEntry>> IcebergTable::added_entries(const Change& change,
                                                                     std::int64_t snapshot_id) const {
  TRY(check_files(change.added));
  const int order = state()->metadata.default_sort_order_id;
  std::vector<ManifestEntry> entries;
  for (const DataFile& file : change.added) {
    ManifestEntry& entry = entries.emplace_back();
    entry.snapshot_id = snapshot_id;
    entry.file_path = files_.store().location(file.object);
    entry.file = file;
    entry.sort_order_id = order;
  }
  return entries;
}

base::Result<CommitReceipt> IcebergTable::commit(const Change& change) {
  // Chosen once: an attempt whose outcome is unknown is recognised by it.
  const std::int64_t snapshot_id = random_snapshot_id(random_);
  TRY_ASSIGN(const std::vector<ManifestEntry> added, added_entries(change, snapshot_id));
  AddedManifest manifest;
  for (int attempt = 0; attempt < settings_.commit_attempts_max; ++attempt) {
    const auto head = state();
    auto drafted = draft(change, *head);
    if (!drafted.ok()) {
      if (auto refreshed = refresh(); !refreshed.ok()) return nothing_happened(std::move(refreshed).error());
      if (state()->version == head->version) return std::move(drafted).error();
      continue;
    }
    TRY(write_added(added, manifest));
    auto built = build(change, *head, *std::move(drafted), snapshot_id, added, manifest);
    if (!built.ok()) return nothing_happened(std::move(built).error());
    const auto next = *std::move(built);
    TRY_ASSIGN(const Race race,
               MetadataChain(files_).install(next->version, to_json(next->metadata), snapshot_id));
    if (race == Race::won) {
      publish(next);
      tidy(*head, *next);
      return CommitReceipt{snapshot_id, next->metadata.last_sequence_number, next->version};
    }
    if (auto refreshed = refresh(); !refreshed.ok()) return nothing_happened(std::move(refreshed).error());
  }
  return Error(ErrorCode::unavailable, "lost every race to commit");
}

base::Status IcebergTable::write_added(const std::vector<ManifestEntry>& entries, AddedManifest& manifest) {
  if (entries.empty() || !manifest.object.empty()) return base::Ok{};
  const auto state = this->state();
  const TableMetadata& metadata = state->metadata;
  const std::string bytes = encode_manifest(metadata.current_schema(), metadata.default_spec(), entries);
  std::string object = files_.new_metadata_object(clock_.wall(), random_, "-m.avro");
  TRY(files_.write(object, bytes));
  manifest.object = std::move(object);
  manifest.bytes = static_cast<std::int64_t>(bytes.size());
  return base::Ok{};
}

base::Result<std::shared_ptr<const TableState>> IcebergTable::build(const Change& change,
                                                                    const TableState& head, Draft draft,
                                                                    std::int64_t snapshot_id,
                                                                    const std::vector<ManifestEntry>& added,
                                                                    const AddedManifest& manifest) {
  const base::WallTime now = clock_.wall();
  const std::int64_t sequence_number = head.metadata.last_sequence_number + 1;
  ManifestSet set(files_, head, random_, {snapshot_id, sequence_number, now});
  TRY(set.remove(draft.removed));
  TRY(set.merge(settings_));
  if (!added.empty()) {
    TRY_ASSIGN(auto live,
               files_.live_manifest(
                   summarize_manifest(files_.store().location(manifest.object), manifest.bytes,
                                      head.metadata.default_spec(), added, snapshot_id, sequence_number),
                   added));
    set.add(std::move(live));
  }
  auto next = std::make_shared<TableState>();
  next->manifests = std::move(set).take();
  std::vector<ManifestFile> lines;
  for (const auto& live : next->manifests) lines.push_back(live->file);
  const std::string list = files_.new_metadata_object(now, random_, "-snap.avro");
  TRY(files_.write(
      list, encode_manifest_list({snapshot_id, head.metadata.current_snapshot_id, sequence_number}, lines)));
  PlannedSnapshot planned;
  planned.id = snapshot_id;
  planned.operation = change.operation;
  planned.manifest_list = files_.store().location(list);
  planned.timestamp_ms = commit_time_ms(head.metadata, now);
  planned.totals = change_totals(head, change.added, draft.removed);
  planned.ranges = change.ranges;
  planned.offsets = draft.offsets;
  next->version = head.version + 1;
  next->metadata_object = files_.metadata_object(next->version);
  next->metadata = next_metadata(head, files_.store().location(head.metadata_object), planned, settings_);
  next->offsets = std::move(draft.offsets);
  count_files(*next);
  return std::shared_ptr<const TableState>(std::move(next));
}

void IcebergTable::tidy(const TableState& before, const TableState& after) {
  Expiry expiry(files_);
  // The commit stands whether or not this succeeds.
  if (auto done = expiry.drop_unreachable(before, after.metadata); !done.ok()) return;
  if (auto done = expiry.export_version(after.version); !done.ok()) return;
}

base::Result<MaintenanceReport> IcebergTable::remove_orphans() {
  TRY(refresh());
  return Expiry(files_).remove_orphans(*state(), clock_.wall(), settings_);
}

}  // namespace millrace::lake
