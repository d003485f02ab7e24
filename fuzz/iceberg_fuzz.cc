// Whatever bytes an object of a table holds: manifests, manifest lists, metadata and offsets are read, or refused as corrupt.
// What was read as metadata must read again as it was written. The first byte chooses what the rest is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "lake/manifest.h"
#include "lake/offset_ranges.h"
#include "lake/table_metadata.h"

namespace {

using namespace millrace;

const lake::PartitionSpec& day_spec() {
  static const lake::PartitionSpec spec{0, {{1, 1000, "day", lake::Transform::day}}};
  return spec;
}

void read_metadata(const std::string& bytes) {
  const auto metadata = lake::parse_table_metadata(bytes);
  if (!metadata.ok()) return;
  const std::string json = lake::to_json(*metadata);
  const auto again = lake::parse_table_metadata(json);
  INVARIANT(again.ok());
  INVARIANT(lake::to_json(*again) == json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: (void)lake::decode_manifest(bytes, day_spec()).ok(); break;
    case 1: (void)lake::decode_manifest_list(bytes).ok(); break;
    case 2: read_metadata(bytes); break;
    default: (void)lake::parse_committed_offsets(bytes).ok(); break;
  }
  return 0;
}
