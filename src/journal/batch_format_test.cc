#include "journal/batch_format.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace millrace::journal {
namespace {

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) >> 4]);
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) & 15]);
  }
  return text;
}

RecordBuffer some_records(bool compressible) {
  RecordBuffer buffer;
  base::SeededRandom random(3);
  for (int i = 0; i < 20; ++i) {
    std::string payload(static_cast<std::size_t>(i * 7), 'a');
    for (char& byte : payload) byte = compressible ? byte : static_cast<char>(random.next());
    buffer.add(payload);
  }
  return buffer;
}

std::string encoded(Compression compression, const RecordBuffer& buffer, BatchHeader header = {}) {
  header.count = buffer.count();
  std::string out;
  REQUIRE(BatchEncoder(compression, 1).add(header, 99, buffer.bytes(), out).ok());
  return out;
}

}  // namespace

TEST_CASE("persisted headers never change") {
  const SegmentHeader segment{{5}, 3, 0x1122334455667788, {1'750'000'000'000}};
  const std::string bytes = encode(segment);
  CHECK(bytes.size() == kSegmentHeaderBytes);
  CHECK(hex(bytes.substr(0, 64)) ==
        "4d494c4c53454731010000000010000005000000000000000300000000000000"
        "887766554433221100dc2074970100000000000000000000000000007ceee22b");
  RecordBuffer buffer;
  buffer.add("hello");
  BatchHeader header;
  header.epoch = 2;
  header.first = {7};
  header.durable_end = {6};
  header.appended = {1'750'000'000'000};
  CHECK(hex(encoded(Compression::none, buffer, header)) ==
        "4d4c425401000000020000000000000007000000000000000600000000000000"
        "00dc20749701000001000000090000000900000074703b130000000076f7dd97"
        "0500000068656c6c6f00000000000000");
}

TEST_CASE("batches come back whole, whatever their compression") {
  for (const auto compression : {Compression::none, Compression::lz4, Compression::zstd}) {
    for (const bool compressible : {false, true}) {
      const RecordBuffer buffer = some_records(compressible);
      BatchHeader at_100;
      at_100.first = {100};
      const std::string bytes = encoded(compression, buffer, at_100);
      CHECK(bytes.size() % kBatchAlignment == 0);
      const auto header = decode_batch_header(base::as_bytes(bytes), 99);
      REQUIRE(header.has_value());
      CHECK(header->total_bytes() == bytes.size());
      CHECK(header->compression == (compressible ? compression : Compression::none));
      const auto stored = base::as_bytes(bytes).subspan(kBatchHeaderBytes);
      CHECK(payload_intact(*header, stored));
      for (const std::uint64_t from : {0, 100, 101, 119}) {
        ReadMemory memory;
        RecordBatch batch;
        REQUIRE(decode_records(*header, stored, {from}, memory, batch).ok());
        CHECK(batch.first.value == std::max<std::uint64_t>(from, 100));
        CHECK(batch.end().value == 120);
        CHECK(batch.payloads.back().size() == 19 * 7);
      }
    }
  }
}

TEST_CASE("any flipped bit is noticed") {
  const std::string bytes = encoded(Compression::lz4, some_records(true));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto header = decode_batch_header(base::as_bytes(flipped), 99);
    const bool intact = header && payload_intact(*header, base::as_bytes(flipped).subspan(kBatchHeaderBytes));
    CHECK_FALSE(intact);
  }
  std::string segment = encode(SegmentHeader{{5}, 3, 8, {9}}).substr(0, 64);
  for (std::size_t bit = 0; bit < segment.size() * 8; ++bit) {
    std::string flipped = segment;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(decode_segment_header(flipped).ok());
  }
}

TEST_CASE("a batch of another segment is not a batch of this one") {
  const std::string bytes = encoded(Compression::none, some_records(true));
  CHECK(decode_batch_header(base::as_bytes(bytes), 99).has_value());
  CHECK_FALSE(decode_batch_header(base::as_bytes(bytes), 98).has_value());
  CHECK_FALSE(decode_batch_header(base::as_bytes(bytes).first(63), 99).has_value());
}

TEST_CASE("records that contradict their header are corrupt, whatever their checksum") {
  const RecordBuffer buffer = some_records(false);
  const std::string bytes = encoded(Compression::none, buffer);
  auto header = *decode_batch_header(base::as_bytes(bytes), 99);
  const auto stored = base::as_bytes(bytes).subspan(kBatchHeaderBytes);
  for (const std::uint32_t count : {buffer.count() - 1, buffer.count() + 1}) {
    header.count = count;
    ReadMemory memory;
    RecordBatch batch;
    CHECK_FALSE(decode_records(header, stored, {0}, memory, batch).ok());
  }
  for (const auto compression : {Compression::lz4, Compression::zstd}) {
    header.compression = compression;
    ReadMemory memory;
    RecordBatch batch;
    CHECK_FALSE(decode_records(header, stored, {0}, memory, batch).ok());
  }
}

}  // namespace millrace::journal
