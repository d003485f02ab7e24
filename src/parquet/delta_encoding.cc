#include "parquet/delta_encoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "base/bytes.h"
#include "parquet/bit_writer.h"

namespace millrace::parquet {

namespace {

constexpr std::size_t kParts = 4;
constexpr std::size_t kPart = 32;
constexpr std::size_t kBlock = kParts * kPart;

template <class T>
class DeltaEncoder {
 public:
  using Bits = std::make_unsigned_t<T>;
  explicit DeltaEncoder(std::string& out) : out_(out) {}

  void encode(std::span<const T> values) {
    base::ByteWriter writer(out_);
    writer.varint(kBlock);
    writer.varint(kParts);
    writer.varint(values.size());
    writer.zigzag(values.empty() ? 0 : values.front());
    for (std::size_t i = 1; i < values.size(); i += kBlock)
      block(values.subspan(i - 1, std::min(kBlock + 1, values.size() - i + 1)));
  }

 private:
  // `values`: the one before the block, and the block's.
  void block(std::span<const T> values) {
    const std::size_t count = values.size() - 1;
    std::array<Bits, kBlock> deltas{};
    T least = 0;
    for (std::size_t i = 0; i < count; ++i) {
      deltas[i] = static_cast<Bits>(values[i + 1]) - static_cast<Bits>(values[i]);
      const auto delta = static_cast<T>(deltas[i]);
      least = i == 0 ? delta : std::min(least, delta);
    }
    base::ByteWriter(out_).zigzag(least);
    std::array<char, kParts> widths{};
    for (std::size_t part = 0; part * kPart < count; ++part) {
      Bits all = 0;
      for (std::size_t i = part * kPart; i < std::min(count, (part + 1) * kPart); ++i) {
        deltas[i] -= static_cast<Bits>(least);
        all |= deltas[i];
      }
      widths[part] = static_cast<char>(std::bit_width(all));
    }
    out_.append(widths.data(), widths.size());
    // A part that has begun is written whole; of those behind it, only the width is.
    for (std::size_t part = 0; part * kPart < count; ++part) {
      BitWriter bits(out_, kPart, widths[part]);
      for (std::size_t i = part * kPart; i < (part + 1) * kPart; ++i) bits.put(deltas[i], widths[part]);
    }
  }

  std::string& out_;
};

}  // namespace

void append_deltas(std::span<const std::int32_t> values, std::string& out) {
  DeltaEncoder<std::int32_t>(out).encode(values);
}
void append_deltas(std::span<const std::int64_t> values, std::string& out) {
  DeltaEncoder<std::int64_t>(out).encode(values);
}

}  // namespace millrace::parquet
