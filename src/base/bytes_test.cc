#include "base/bytes.h"

#include <doctest/doctest.h>

#include <limits>

#include "base/crc32c.h"
#include "base/hash.h"

using namespace millrace::base;

TEST_CASE("what is written is read back") {
  std::string buffer;
  ByteWriter writer(buffer);
  writer.varint(0);
  writer.varint(std::numeric_limits<std::uint64_t>::max());
  writer.zigzag(std::numeric_limits<std::int64_t>::min());
  writer.zigzag(-1);
  writer.text("abc");
  writer.f64(0.5);
  writer.u8(7);
  ByteReader reader(buffer);
  CHECK_EQ(reader.varint(), 0);
  CHECK_EQ(reader.varint(), std::numeric_limits<std::uint64_t>::max());
  CHECK_EQ(reader.zigzag(), std::numeric_limits<std::int64_t>::min());
  CHECK_EQ(reader.zigzag(), -1);
  CHECK_EQ(reader.text(), "abc");
  CHECK_EQ(reader.f64(), 0.5);
  CHECK_EQ(reader.u8(), 7);
  CHECK(reader.ok());
  CHECK(reader.at_end());
}

TEST_CASE("every cut of a message is noticed") {
  std::string buffer;
  ByteWriter writer(buffer);
  writer.varint(300);
  writer.text("hello");
  writer.u64(1);
  for (std::size_t size = 0; size < buffer.size(); ++size) {
    ByteReader reader(std::string_view(buffer).substr(0, size));
    reader.varint();
    reader.text();
    reader.u64();
    CHECK_FALSE(reader.ok());
  }
}

TEST_CASE("a length beyond the end is refused") {
  std::string buffer;
  ByteWriter(buffer).varint(std::numeric_limits<std::uint64_t>::max());
  ByteReader reader(buffer);
  CHECK(reader.text().empty());
  CHECK_FALSE(reader.ok());
}

TEST_CASE("CRC-32C matches the check value of RFC 3720") {
  CHECK_EQ(crc32c(as_bytes("123456789")), 0xe3069283);
}

TEST_CASE("hashes that are persisted never change") {
  CHECK_EQ(hash64(""), 13602862849789602734ULL);
  CHECK_EQ(hash64("visitor-1"), 9935536572698616595ULL);
}
