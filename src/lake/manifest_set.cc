#include "lake/manifest_set.h"

#include <algorithm>
#include <utility>

#include "lake/commit_plan.h"

namespace millrace::lake {

ManifestSet::ManifestSet(const TableFiles& files, const TableState& parent, base::Random& random,
                         Commit commit)
    : files_(files), parent_(parent), random_(random), commit_(commit) {
  for (const auto& manifest : parent.manifests) {
    if (!manifest->files.empty()) kept_.push_back(manifest);
  }
}

base::Result<std::shared_ptr<const LiveManifest>> ManifestSet::write(
    const std::vector<ManifestEntry>& entries) {
  const PartitionSpec& spec = parent_.metadata.default_spec();
  const std::string bytes = encode_manifest(parent_.metadata.current_schema(), spec, entries);
  const std::string object = files_.new_metadata_object(commit_.now, random_, "-m.avro");
  TRY(files_.write(object, bytes));
  return files_.live_manifest(
      summarize_manifest(files_.store().location(object), static_cast<std::int64_t>(bytes.size()), spec,
                         entries, commit_.snapshot_id, commit_.sequence_number),
      entries);
}

base::Status ManifestSet::remove(const std::set<std::string, std::less<>>& objects) {
  if (objects.empty()) return base::Ok{};
  std::vector<std::shared_ptr<const LiveManifest>> untouched;
  for (const auto& manifest : kept_) {
    const bool hit = std::any_of(manifest->files.begin(), manifest->files.end(),
                                 [&objects](const LiveFile& file) { return objects.contains(file.object); });
    if (!hit) {
      untouched.push_back(manifest);
      continue;
    }
    TRY_ASSIGN(const auto entries, files_.read_manifest(manifest->file, parent_.metadata.default_spec()));
    std::vector<ManifestEntry> rewritten;
    for (const ManifestEntry& entry : entries) {
      if (entry.status == EntryStatus::deleted) continue;
      TRY_ASSIGN(const std::string object, files_.object_of(entry.file_path));
      rewritten.push_back(objects.contains(object) ? deleted_entry(entry, commit_.snapshot_id)
                                                   : carried_entry(entry));
    }
    TRY_ASSIGN(auto written, write(rewritten));
    fresh_.push_back(std::move(written));
  }
  kept_ = std::move(untouched);
  return base::Ok{};
}

base::Status ManifestSet::merge(const IcebergSettings& settings) {
  const std::vector<std::size_t> chosen = manifests_to_merge(kept_, settings);
  if (chosen.empty()) return base::Ok{};
  std::vector<std::shared_ptr<const LiveManifest>> merged;
  std::vector<ManifestEntry> entries;
  std::int64_t bytes = 0;
  for (const std::size_t index : chosen) {
    const LiveManifest& manifest = *kept_[index];
    TRY_ASSIGN(auto loaded, files_.read_manifest(manifest.file, parent_.metadata.default_spec()));
    for (ManifestEntry& entry : loaded) {
      if (entry.status != EntryStatus::deleted) entries.push_back(carried_entry(std::move(entry)));
    }
    bytes += manifest.file.length;
    if (bytes < settings.manifest_target_bytes && index != chosen.back()) continue;
    TRY_ASSIGN(auto written, write(entries));
    merged.push_back(std::move(written));
    entries.clear();
    bytes = 0;
  }
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (!std::binary_search(chosen.begin(), chosen.end(), i)) merged.push_back(kept_[i]);
  }
  kept_ = std::move(merged);
  return base::Ok{};
}

std::vector<std::shared_ptr<const LiveManifest>> ManifestSet::take() && {
  kept_.insert(kept_.end(), fresh_.begin(), fresh_.end());
  return std::move(kept_);
}

}  // namespace millrace::lake
