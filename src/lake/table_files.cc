#include "lake/table_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <utility>

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t kTimeDigits = 13;

std::optional<std::int64_t> parse_number(std::string_view digits) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

std::string date_text(std::int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

// A directory name that no reader, escaping or glob takes for something else. Readers know the value from the
// manifest.
std::string directory_text(std::string_view text) {
  std::string name(text.substr(0, 64));
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (!plain) c = '_';
  }
  return name.empty() ? "_" : name;
}

std::string unique_stem(base::WallTime now, base::Random& random) {
  return fmt::format("{:013}-{:016x}", now.ms, random.next());
}

}  // namespace

std::string TableFiles::metadata_object(std::int64_t version) const {
  return fmt::format("{}v{}.metadata.json", metadata_prefix(), version);
}

std::string TableFiles::new_metadata_object(base::WallTime now, base::Random& random,
                                            std::string_view ending) const {
  return metadata_prefix() + unique_stem(now, random) + std::string(ending);
}

std::string TableFiles::new_data_object(std::span<const PartitionValue> partition, base::WallTime now,
                                        base::Random& random) const {
  std::string name = data_prefix();
  for (const PartitionValue& value : partition) {
    name += value.day ? date_text(*value.day) : value.text ? directory_text(*value.text) : "null";
    name += '/';
  }
  return name + unique_stem(now, random) + ".parquet";
}

std::optional<base::WallTime> TableFiles::time_of(std::string_view object) {
  const std::string_view last = object.substr(object.rfind('/') + 1);
  if (last.size() <= kTimeDigits || last[kTimeDigits] != '-') return std::nullopt;
  const auto ms = parse_number(last.substr(0, kTimeDigits));
  if (!ms) return std::nullopt;
  return base::WallTime{*ms};
}

std::optional<std::int64_t> TableFiles::version_of(std::string_view object) const {
  constexpr std::string_view kEnding = ".metadata.json";
  const std::string start = metadata_prefix() + "v";
  if (!object.starts_with(start) || !object.ends_with(kEnding)) return std::nullopt;
  object.remove_prefix(start.size());
  object.remove_suffix(std::min(kEnding.size(), object.size()));
  return parse_number(object);
}

base::Result<std::string> TableFiles::object_of(std::string_view file_location) const {
  const std::string start = location() + "/";
  if (!file_location.starts_with(start)) {
    return Error(ErrorCode::corrupt,
                 fmt::format("{} lies outside the table at {}", file_location, location()));
  }
  return prefix_ + "/" + std::string(file_location.substr(start.size()));
}

base::Result<std::optional<std::int64_t>> TableFiles::newest_version() const {
  TRY_ASSIGN(const std::vector<std::string> names, store_.list(metadata_prefix() + "v"));
  std::optional<std::int64_t> newest;
  for (const std::string& name : names) newest = std::max(newest, version_of(name));
  return newest;
}

base::Result<std::vector<ManifestFile>> TableFiles::read_manifest_list(std::string_view list_location) const {
  TRY_ASSIGN(const std::string object, object_of(list_location));
  TRY_ASSIGN(const std::string bytes, store_.read(object));
  auto manifests = decode_manifest_list(bytes);
  if (!manifests.ok()) return std::move(manifests).error().with_context(object);
  return manifests;
}

base::Result<std::vector<ManifestEntry>> TableFiles::read_manifest(const ManifestFile& manifest,
                                                                   const PartitionSpec& spec) const {
  if (manifest.spec_id != spec.id)
    return Error(ErrorCode::corrupt, manifest.path + " has another partition spec");
  TRY_ASSIGN(const std::string object, object_of(manifest.path));
  TRY_ASSIGN(const std::string bytes, store_.read(object));
  auto entries = decode_manifest(bytes, spec);
  if (!entries.ok()) return std::move(entries).error().with_context(object);
  for (ManifestEntry& entry : *entries) {
    if (entry.sequence_number && entry.file_sequence_number) continue;
    if (entry.status != EntryStatus::added) {
      return Error(ErrorCode::corrupt, object + ": an old file without sequence number");
    }
    entry.sequence_number = manifest.sequence_number;
    entry.file_sequence_number = manifest.sequence_number;
  }
  return entries;
}

base::Result<std::shared_ptr<const LiveManifest>> TableFiles::live_manifest(
    ManifestFile manifest, const std::vector<ManifestEntry>& entries) const {
  auto live = std::make_shared<LiveManifest>();
  for (const ManifestEntry& entry : entries) {
    if (entry.status == EntryStatus::deleted) continue;
    TRY_ASSIGN(std::string object, object_of(entry.file_path));
    live->files.push_back({std::move(object), entry.file.partition, entry.file.record_count,
                           entry.file.file_bytes, entry.sequence_number.value_or(manifest.sequence_number)});
  }
  live->file = std::move(manifest);
  return std::shared_ptr<const LiveManifest>(std::move(live));
}

base::Result<std::vector<std::shared_ptr<const LiveManifest>>> TableFiles::load_manifests(
    const TableMetadata& metadata, const TableState* known) const {
  std::map<std::string_view, std::shared_ptr<const LiveManifest>> by_path;
  if (known != nullptr) {
    for (const auto& manifest : known->manifests) by_path[manifest->file.path] = manifest;
  }
  std::vector<std::shared_ptr<const LiveManifest>> live;
  const Snapshot* snapshot = metadata.current_snapshot();
  if (snapshot == nullptr) return live;
  TRY_ASSIGN(std::vector<ManifestFile> manifests, read_manifest_list(snapshot->manifest_list));
  for (ManifestFile& manifest : manifests) {
    if (const auto found = by_path.find(manifest.path); found != by_path.end()) {
      live.push_back(found->second);
      continue;
    }
    TRY_ASSIGN(const auto entries, read_manifest(manifest, metadata.default_spec()));
    TRY_ASSIGN(auto loaded, live_manifest(std::move(manifest), entries));
    live.push_back(std::move(loaded));
  }
  return live;
}

base::Result<std::shared_ptr<const TableState>> TableFiles::load(std::int64_t version,
                                                                 const TableState* known) const {
  auto state = std::make_shared<TableState>();
  state->version = version;
  state->metadata_object = metadata_object(version);
  TRY_ASSIGN(const std::string json, store_.read(state->metadata_object));
  auto metadata = parse_table_metadata(json);
  if (!metadata.ok()) return std::move(metadata).error().with_context(state->metadata_object);
  state->metadata = *std::move(metadata);
  if (state->metadata.location != location()) {
    return Error(
        ErrorCode::invalid_argument,
        fmt::format("{} belongs to the table at {}: a warehouse cannot be opened at another place ({})",
                    state->metadata_object, state->metadata.location, location()));
  }
  TRY_ASSIGN(state->manifests, load_manifests(state->metadata, known));
  const auto offsets = state->metadata.properties.find(std::string(kOffsetsProperty));
  if (offsets != state->metadata.properties.end()) {
    TRY_ASSIGN(state->offsets, parse_committed_offsets(offsets->second));
  }
  count_files(*state);
  return std::shared_ptr<const TableState>(std::move(state));
}

base::Status TableFiles::write(std::string_view object, std::string_view bytes) const {
  auto created = store_.create(object, bytes);
  // The name is new and the bytes are the same, so whichever of two attempts took effect, it is this object.
  if (!created.ok() && created.error().code() == ErrorCode::io) created = store_.create(object, bytes);
  if (created.ok()) return base::Ok{};
  const bool unknown = created.error().code() == ErrorCode::io;
  Error error = std::move(created).error().with_context(fmt::format("write {}", object));
  if (unknown) return Error(ErrorCode::unavailable, error.message());
  return error;
}

void count_files(TableState& state) {
  state.file_count = 0;
  state.record_count = 0;
  state.file_bytes = 0;
  state.for_each_file([&state](const LiveFile& file) {
    state.file_count += 1;
    state.record_count += file.record_count;
    state.file_bytes += file.file_bytes;
  });
}

}  // namespace millrace::lake
