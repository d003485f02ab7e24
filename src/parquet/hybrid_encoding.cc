#include "parquet/hybrid_encoding.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "parquet/bit_writer.h"

namespace millrace::parquet {

namespace {

constexpr std::size_t kGroup = 8;  // Values packed together.
// A run of levels this long, in groups, costs less than the same groups packed.
constexpr std::size_t kLevelRunGroups = 4;

void append_run(std::uint64_t value, int width, std::size_t count, std::string& out) {
  base::ByteWriter writer(out);
  writer.varint(count << 1);
  for (int bits = 0; bits < width; bits += 8) writer.u8(static_cast<std::uint8_t>(value >> bits));
}

// The last group is filled with zeros: only the end of all values may be no multiple of eight.
void append_packed(std::span<const std::uint32_t> values, int width, std::string& out) {
  if (values.empty()) return;
  const std::size_t groups = (values.size() + kGroup - 1) / kGroup;
  base::ByteWriter(out).varint(groups << 1 | 1);
  const std::size_t begin = out.size();
  {
    BitWriter bits(out, values.size(), width);
    for (const std::uint32_t value : values) bits.put(value, width);
  }
  out.resize(begin + groups * static_cast<std::size_t>(width));
}

}  // namespace

int index_width(std::size_t count) { return std::max(1, static_cast<int>(std::bit_width(count - 1))); }

void append_hybrid(std::span<const std::uint32_t> values, int width, std::string& out) {
  std::size_t packed = 0;  // Where the values begin that no run has.
  for (std::size_t i = 0; i < values.size();) {
    std::size_t end = i + 1;
    while (end < values.size() && values[end] == values[i]) ++end;
    // The values before a run must fill their groups: the run lends the first of its own.
    const std::size_t begin = i + (kGroup - (i - packed) % kGroup) % kGroup;
    if (begin + kGroup <= end) {
      append_packed(values.subspan(packed, begin - packed), width, out);
      append_run(values[i], width, end - begin, out);
      packed = end;
    }
    i = end;
  }
  append_packed(values.subspan(packed), width, out);
}

void append_levels(std::span<const std::uint64_t> present, std::size_t rows, std::string& out) {
  // One bit a level, the lowest first: the bytes are their own packed form.
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(present.data());
  const std::size_t groups = (rows + kGroup - 1) / kGroup;
  std::size_t packed = 0;
  const auto pack = [&](std::size_t end) {
    if (packed == end) return;
    base::ByteWriter(out).varint((end - packed) << 1 | 1);
    out.append(reinterpret_cast<const char*>(bytes) + packed, end - packed);
  };
  for (std::size_t i = 0; i < groups;) {
    const std::uint8_t level = bytes[i];
    std::size_t end = i + 1;
    while (end < groups && bytes[end] == level) ++end;
    if ((level == 0 || level == 0xff) && end - i >= kLevelRunGroups) {
      pack(i);
      append_run(level & 1, 1, std::min(rows, end * kGroup) - i * kGroup, out);
      packed = end;
    }
    i = end;
  }
  pack(groups);
}

}  // namespace millrace::parquet
