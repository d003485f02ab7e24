#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "journal/journal.h"
#include "journal/read_memory.h"

namespace millrace::journal {

// The bytes of a segment file; docs/formats/journal.md is the specification.

enum class Compression : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint64_t kSegmentHeaderBytes = 4096;  // Where the first batch begins.
inline constexpr std::uint64_t kBatchHeaderBytes = 64;
inline constexpr std::uint64_t kBatchAlignment = 8;
// What a segment may hold beyond its last sync. Recovery rests on it: after a crash, nothing further than
// this behind the first unreadable batch was ever written, so this much and no more is searched and zeroed.
inline constexpr std::uint64_t kUnsyncedBytesMax = 8 << 20;

struct SegmentHeader {
  Offset first;
  std::uint64_t epoch = 0;
  // Mixed into the checksum of every batch header of the segment, so that bytes which a client chose, or
  // another segment left behind, cannot pass for a batch.
  std::uint64_t salt = 0;
  base::WallTime created;
};

std::string encode(const SegmentHeader& header);
// corrupt when the checksum or the magic fails, invalid_argument for a version this build cannot read.
base::Result<SegmentHeader> decode_segment_header(std::string_view bytes);

struct BatchHeader {
  std::uint64_t epoch = 0;
  Offset first;
  // What the writer knew to be durable when it wrote this batch. Whatever is unreadable before a durable_end
  // was lost by the disk, not by a crash.
  Offset durable_end;
  base::WallTime appended;
  std::uint32_t count = 0;         // 0 in the marker that opens an epoch or closes a journal.
  std::uint32_t raw_bytes = 0;     // Of the records, uncompressed.
  std::uint32_t stored_bytes = 0;  // Behind the header, without padding.
  std::uint32_t payload_crc = 0;   // Over the stored bytes and their padding.
  Compression compression = Compression::none;
  std::uint8_t version = kFormatVersion;

  Offset end() const { return first + count; }
  std::uint64_t padded_bytes() const {
    return (stored_bytes + kBatchAlignment - 1) / kBatchAlignment * kBatchAlignment;
  }
  std::uint64_t total_bytes() const { return kBatchHeaderBytes + padded_bytes(); }
};

std::string encode(const BatchHeader& header, std::uint64_t salt);

// nullopt when the bytes are not a batch header of the segment with this salt. A header of a newer version
// is returned with only `version`, `first` and `durable_end` set: those and the checksum keep their place in
// every version.
std::optional<BatchHeader> decode_batch_header(std::span<const std::byte> bytes, std::uint64_t salt);

bool payload_intact(const BatchHeader& header, std::span<const std::byte> padded);

// Adds the batch's records from `from` on to `out`, in a piece of `memory`. corrupt when it does not decompress or
// parse.
base::Status decode_records(const BatchHeader& header, std::span<const std::byte> stored, Offset from,
                            ReadMemory& memory, RecordBatch& out);

// Builds batches one behind the other, ready to be written in one piece. For one thread at a time.
class BatchEncoder {
 public:
  BatchEncoder(Compression compression, int zstd_level);
  ~BatchEncoder();
  // `header` says epoch, first, durable_end, appended and count; the rest is filled in. `records` is
  // length-prefixed.
  base::Status add(BatchHeader header, std::uint64_t salt, std::string_view records, std::string& out);

 private:
  base::Result<std::size_t> compress(std::string_view records, std::string& out) const;
  struct ZstdState;  // Costs more to make than a small batch to compress.
  const Compression compression_;
  const int zstd_level_;
  std::unique_ptr<ZstdState> zstd_;
};

}  // namespace millrace::journal
