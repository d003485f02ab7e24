#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lake/manifest.h"
#include "lake/offset_ranges.h"
#include "lake/table_metadata.h"
#include "lake/table_spec.h"

namespace millrace::lake {

// A data file of a snapshot.
struct LiveFile {
  std::string object;  // Name in the ObjectStore.
  std::vector<PartitionValue> partition;
  std::int64_t record_count = 0;
  std::int64_t file_bytes = 0;
  std::int64_t sequence_number = 0;
};

// A manifest and the files it keeps alive. Shared between states: manifests never change.
struct LiveManifest {
  ManifestFile file;
  std::vector<LiveFile> files;
};

// Everything one metadata file says about a table's current snapshot.
struct TableState {
  std::int64_t version = 0;     // N of v<N>.metadata.json.
  std::string metadata_object;  // Name in the ObjectStore.
  TableMetadata metadata;
  std::vector<std::shared_ptr<const LiveManifest>> manifests;
  CommittedOffsets offsets;
  std::int64_t file_count = 0;
  std::int64_t record_count = 0;
  std::int64_t file_bytes = 0;

  template <class F>
  void for_each_file(F&& each) const {
    for (const auto& manifest : manifests) {
      for (const LiveFile& file : manifest->files) each(file);
    }
  }
};

}  // namespace millrace::lake
