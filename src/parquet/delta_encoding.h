#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace millrace::parquet {

// Appends `values` as DELTA_BINARY_PACKED: blocks of 128 differences above the least of the block, in four parts of a width
// of bits each. Differences wrap around in the width of the type. Source: parquet-format, Encodings.md.
void append_deltas(std::span<const std::int32_t> values, std::string& out);
void append_deltas(std::span<const std::int64_t> values, std::string& out);

}  // namespace millrace::parquet
