#include "journal/batch_format.h"

#include <lz4.h>
#include <zstd.h>

#include <cstring>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace millrace::journal {
namespace {

using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;

constexpr std::uint64_t kSegmentMagic = 0x31474553'4c4c494dULL;  // "MILLSEG1"
constexpr std::uint32_t kBatchMagic = 0x54424c4d;                // "MLBT"
constexpr std::size_t kHeaderCrcAt = 60;

std::uint32_t header_crc(std::uint64_t salt, std::span<const std::byte> bytes) {
  const std::uint32_t seed = base::crc32c(std::as_bytes(std::span(&salt, 1)));
  return base::crc32c_extend(seed, bytes.first(kHeaderCrcAt));
}

template <class T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

Status decompress(const BatchHeader& header, std::span<const std::byte> stored, std::span<char> raw) {
  const auto* source = reinterpret_cast<const char*>(stored.data());
  bool whole = false;
  if (header.compression == Compression::lz4) {
    whole = LZ4_decompress_safe(source, raw.data(), static_cast<int>(stored.size()),
                                static_cast<int>(raw.size())) == static_cast<int>(raw.size());
  } else if (header.compression == Compression::zstd) {
    whole = ZSTD_decompress(raw.data(), raw.size(), source, stored.size()) == raw.size();
  } else {
    whole = stored.size() == raw.size();
    if (whole && !stored.empty()) std::memcpy(raw.data(), source, stored.size());
  }
  if (whole) return Ok{};
  return Error(ErrorCode::corrupt, "batch does not decompress");
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string bytes;
  base::ByteWriter writer(bytes);
  writer.u64(kSegmentMagic);
  writer.u32(kFormatVersion);
  writer.u32(static_cast<std::uint32_t>(kSegmentHeaderBytes));
  writer.u64(header.first.value);
  writer.u64(header.epoch);
  writer.u64(header.salt);
  writer.u64(static_cast<std::uint64_t>(header.created.ms));
  bytes.resize(kHeaderCrcAt, '\0');
  writer.u32(header_crc(0, base::as_bytes(bytes)));
  bytes.resize(kSegmentHeaderBytes, '\0');
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  base::ByteReader reader(bytes);
  const std::uint64_t magic = reader.u64();
  const std::uint32_t version = reader.u32();
  const std::uint32_t header_bytes = reader.u32();
  SegmentHeader header;
  header.first = {reader.u64()};
  header.epoch = reader.u64();
  header.salt = reader.u64();
  header.created = {static_cast<std::int64_t>(reader.u64())};
  reader.raw(kHeaderCrcAt - 48);
  const std::uint32_t crc = reader.u32();
  if (!reader.ok() || magic != kSegmentMagic || crc != header_crc(0, base::as_bytes(bytes))) {
    return Error(ErrorCode::corrupt, "the segment header fails its checksum");
  }
  if (version != kFormatVersion || header_bytes != kSegmentHeaderBytes) {
    return Error(ErrorCode::invalid_argument, "segment format version " + std::to_string(version) +
                                                  " is newer than this build reads (" +
                                                  std::to_string(kFormatVersion) + ")");
  }
  return header;
}

std::string encode(const BatchHeader& header, std::uint64_t salt) {
  std::string bytes;
  bytes.reserve(kBatchHeaderBytes);
  base::ByteWriter writer(bytes);
  writer.u32(kBatchMagic);
  writer.u8(header.version);
  writer.u8(static_cast<std::uint8_t>(header.compression));
  writer.u8(0);
  writer.u8(0);
  writer.u64(header.epoch);
  writer.u64(header.first.value);
  writer.u64(header.durable_end.value);
  writer.u64(static_cast<std::uint64_t>(header.appended.ms));
  writer.u32(header.count);
  writer.u32(header.raw_bytes);
  writer.u32(header.stored_bytes);
  writer.u32(header.payload_crc);
  writer.u32(0);
  writer.u32(header_crc(salt, base::as_bytes(bytes)));
  return bytes;
}

std::optional<BatchHeader> decode_batch_header(std::span<const std::byte> bytes, std::uint64_t salt) {
  if (bytes.size() < kBatchHeaderBytes || load<std::uint32_t>(bytes, 0) != kBatchMagic) return std::nullopt;
  if (load<std::uint32_t>(bytes, kHeaderCrcAt) != header_crc(salt, bytes)) return std::nullopt;
  BatchHeader header;
  header.version = load<std::uint8_t>(bytes, 4);
  header.first = {load<std::uint64_t>(bytes, 16)};
  header.durable_end = {load<std::uint64_t>(bytes, 24)};
  if (header.version != kFormatVersion) return header;
  header.compression = Compression{load<std::uint8_t>(bytes, 5)};
  header.epoch = load<std::uint64_t>(bytes, 8);
  header.appended = {load<std::int64_t>(bytes, 32)};
  header.count = load<std::uint32_t>(bytes, 40);
  header.raw_bytes = load<std::uint32_t>(bytes, 44);
  header.stored_bytes = load<std::uint32_t>(bytes, 48);
  header.payload_crc = load<std::uint32_t>(bytes, 52);
  return header;
}

bool payload_intact(const BatchHeader& header, std::span<const std::byte> padded) {
  return padded.size() == header.padded_bytes() && base::crc32c(padded) == header.payload_crc;
}

Status decode_records(const BatchHeader& header, std::span<const std::byte> stored, Offset from,
                      ReadMemory& memory, RecordBatch& out) {
  if (header.raw_bytes > kAppendBytesMax) return Error(ErrorCode::corrupt, "batch is larger than any append");
  auto [at, owner] = memory.take(header.raw_bytes);
  TRY(decompress(header, stored.first(header.stored_bytes), {at, header.raw_bytes}));
  if (out.owners.empty() || out.owners.back() != owner) out.owners.push_back(std::move(owner));
  base::ByteReader reader(std::string_view(at, header.raw_bytes));
  const std::uint64_t skipped = from > header.first ? from.value - header.first.value : 0;
  if (out.payloads.empty()) out.first = header.first + skipped;
  for (std::uint32_t i = 0; i < header.count && reader.ok(); ++i) {
    const std::string_view payload = reader.raw(reader.u32());
    if (i >= skipped && reader.ok()) out.payloads.push_back(payload);
  }
  if (reader.ok() && reader.at_end()) return Ok{};
  return Error(ErrorCode::corrupt, "batch holds other records than its header says");
}

struct BatchEncoder::ZstdState {
  ZSTD_CCtx* state = ZSTD_createCCtx();
  ~ZstdState() { ZSTD_freeCCtx(state); }
};

BatchEncoder::BatchEncoder(Compression compression, int zstd_level)
    : compression_(compression), zstd_level_(zstd_level) {
  if (compression == Compression::zstd) zstd_ = std::make_unique<ZstdState>();
}

BatchEncoder::~BatchEncoder() = default;

Result<std::size_t> BatchEncoder::compress(std::string_view records, std::string& out) const {
  const std::size_t at = out.size();
  std::size_t size = records.size();
  if (compression_ == Compression::lz4) {
    out.resize(at + static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(records.size()))));
    size = static_cast<std::size_t>(LZ4_compress_default(records.data(), out.data() + at,
                                                         static_cast<int>(records.size()),
                                                         static_cast<int>(out.size() - at)));
  } else {
    out.resize(at + ZSTD_compressBound(records.size()));
    size = ZSTD_compressCCtx(zstd_->state, out.data() + at, out.size() - at, records.data(), records.size(),
                             zstd_level_);
    if (ZSTD_isError(size) != 0) return Error(ErrorCode::exhausted, "zstd cannot compress a batch");
  }
  if (size == 0) return Error(ErrorCode::exhausted, "lz4 cannot compress a batch");
  out.resize(at + size);
  return size;
}

Status BatchEncoder::add(BatchHeader header, std::uint64_t salt, std::string_view records, std::string& out) {
  const std::size_t at = out.size();
  const std::size_t payload_at = at + kBatchHeaderBytes;
  out.resize(payload_at);
  header.version = kFormatVersion;
  header.raw_bytes = static_cast<std::uint32_t>(records.size());
  header.compression = records.empty() ? Compression::none : compression_;
  if (header.compression != Compression::none) {
    TRY_ASSIGN(const std::size_t size, compress(records, out));
    if (size >= records.size()) header.compression = Compression::none;
  }
  if (header.compression == Compression::none) {
    out.resize(payload_at);
    out.append(records);
  }
  header.stored_bytes = static_cast<std::uint32_t>(out.size() - payload_at);
  out.resize(payload_at + header.padded_bytes(), '\0');
  header.payload_crc = base::crc32c(base::as_bytes(std::string_view(out).substr(payload_at)));
  out.replace(at, kBatchHeaderBytes, encode(header, salt));
  return Ok{};
}

}  // namespace millrace::journal
