#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace millrace::parquet {

// Parquet's "RLE" encoding: runs of one value, and groups of eight values packed into bits. Source: parquet-format, Encodings.md.

// Bits that hold every index below `count`; at least 1, which readers agree on.
int index_width(std::size_t count);

// Appends `values`, each below 2^width.
void append_hybrid(std::span<const std::uint32_t> values, int width, std::string& out);

// Appends definition levels of 0 and 1: row i has a value where bit i of `present` is set. Bits from `rows` on are 0.
void append_levels(std::span<const std::uint64_t> present, std::size_t rows, std::string& out);

}  // namespace millrace::parquet
