#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lake/table_files.h"

namespace millrace::lake {

enum class Race : std::uint8_t { won, lost };

// The versions of a table's metadata, v1, v2, ...: each made by a conditional create, so that a version has
// one maker and every version but the first was made by someone who had seen the one before. That is the
// compare-and-swap of a commit; docs/decisions/0011-commit-by-metadata-version.md.
class MetadataChain {
 public:
  explicit MetadataChain(const TableFiles& files) : files_(files) {}

  // Makes `json`, which no one else may make in the same bytes, version `version`. An unknown outcome is
  // resolved by reading the name back; `io` when even that told nothing. Any other error means it did not
  // happen. `snapshot_id` is the one that `json` adds, if any.
  base::Result<Race> install(std::int64_t version, std::string_view json,
                             std::optional<std::int64_t> snapshot_id);

 private:
  // Tells a version that continues the chain from one made long after its place was taken and cleared away.
  base::Result<Race> confirm(std::int64_t version, std::optional<std::int64_t> snapshot_id);

  const TableFiles& files_;
};

}  // namespace millrace::lake
