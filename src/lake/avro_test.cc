#include <doctest/doctest.h>

#include <string>

#include "base/bytes.h"
#include "base/random.h"
#include "lake/avro_reader.h"
#include "lake/avro_schema.h"
#include "lake/avro_writer.h"

namespace millrace::lake {
namespace {

using base::ErrorCode;

constexpr std::string_view kSchema =
    R"({"type":"record","name":"r","fields":[{"name":"n","type":"long","field-id":1},)"
    R"({"name":"t","type":["null","string"],"default":null,"field-id":2},)"
    R"({"name":"m","type":["null",{"type":"array","items":{"type":"record","name":"k1_v2","fields":[)"
    R"({"name":"key","type":"int","field-id":3},{"name":"value","type":"bytes","field-id":4}]},)"
    R"("logicalType":"map"}],"default":null,"field-id":5},{"name":"b","type":"boolean","field-id":6},)"
    R"({"name":"d","type":"double"},{"name":"f","type":"float"},)"
    R"({"name":"x","type":{"type":"fixed","name":"fx","size":3}}]})";

std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

// Two records of kSchema as fastavro encodes them, with the count and size of their block.
const std::string kGoldenBlock = from_hex(
    "0474010204c3a90204020400ff7f000001000000000000f83f000000c0616263"
    "8080808080808080800100000000000000000000000000000078797a");

// A container around a block that another implementation encoded.
std::string container(std::string_view schema, std::string_view block, std::string_view codec = "null") {
  const std::string sync = "0123456789abcdef";
  std::string out = std::string("Obj\x01", 4);
  base::ByteWriter writer(out);
  const auto text = [&](std::string_view value) {
    writer.zigzag(static_cast<std::int64_t>(value.size()));
    writer.raw(value);
  };
  writer.zigzag(2);
  text("avro.codec");
  text(codec);
  text("avro.schema");
  text(schema);
  writer.zigzag(0);
  writer.raw(sync);
  writer.raw(block);
  writer.raw(sync);
  return out;
}

TEST_CASE("a file that another implementation wrote reads as it meant") {
  const auto file = read_avro(container(kSchema, kGoldenBlock));
  REQUIRE(file.ok());
  REQUIRE(file->records.size() == 2);
  const AvroValue& first = file->records[0];
  CHECK(first.field("n").integer() == -1);
  CHECK(first.field("t").bytes() == "\xc3\xa9");
  REQUIRE(first.field("m").array().size() == 2);
  CHECK(first.field("m").array()[0].field("value").bytes() == std::string_view("\0\xff", 2));
  CHECK(first.field("m").array()[1].field("key").integer() == -64);
  CHECK(first.field("b").boolean());
  CHECK(first.field("d").number() == 1.5);
  CHECK(first.field("f").number() == -2.0);
  CHECK(first.field("x").bytes() == "abc");
  const AvroValue& second = file->records[1];
  CHECK(second.field("n").integer() == std::int64_t{1} << 62);
  CHECK(second.field("t").is_null());
  CHECK(second.field("m").array().empty());
  CHECK_FALSE(second.field("b").boolean());
  CHECK(second.field("absent").is_null());
}

TEST_CASE("what is written is what the other implementation writes") {
  constexpr std::string_view kPlain =
      R"({"type":"record","name":"r","fields":[{"name":"n","type":"long"},{"name":"t","type":["null","string"]},)"
      R"({"name":"m","type":{"type":"array","items":"bytes"}},{"name":"b","type":"boolean"}]})";
  AvroWriter out(kPlain, {{"k", "v"}});
  out.integer(-1);
  out.branch(1);
  out.bytes("\xc3\xa9");
  out.begin_array(1);
  out.bytes(std::string_view("\0\xff", 2));
  out.end_array();
  out.boolean(true);
  out.end_record();
  out.integer(std::int64_t{1} << 62);
  out.branch(0);
  out.begin_array(0);
  out.end_array();
  out.boolean(false);
  out.end_record();
  const std::string bytes = std::move(out).finish();
  // Block of two records, 24 bytes, by fastavro.
  const std::string block = from_hex("0430010204c3a9020400ff000180808080808080808001000000");
  CHECK(bytes.find(block) != std::string::npos);
  const auto file = read_avro(bytes);
  REQUIRE(file.ok());
  CHECK(file->metadata.at("k") == "v");
  CHECK(file->metadata.at("avro.codec") == "null");
  CHECK(file->records[0].field("m").array()[0].bytes() == std::string_view("\0\xff", 2));
}

TEST_CASE("equal content gives equal bytes, and other content another marker") {
  const auto file_of = [](std::int64_t number) {
    AvroWriter out(R"({"type":"record","name":"r","fields":[{"name":"n","type":"long"}]})", {});
    out.integer(number);
    out.end_record();
    return std::move(out).finish();
  };
  const auto marker = [](const std::string& bytes) { return bytes.substr(bytes.size() - 16); };
  CHECK(file_of(1) == file_of(1));
  CHECK(marker(file_of(1)) != marker(file_of(2)));
}

TEST_CASE("many records go into blocks and come back in order") {
  AvroWriter out(
      R"({"type":"record","name":"r","fields":[{"name":"n","type":"long"},{"name":"t","type":"string"}]})",
      {});
  for (int i = 0; i < 5000; ++i) {
    out.integer(i);
    out.bytes(std::string(static_cast<std::size_t>(i % 97), 'x'));
    out.end_record();
  }
  const auto file = read_avro(std::move(out).finish());
  REQUIRE(file.ok());
  REQUIRE(file->records.size() == 5000);
  for (int i = 0; i < 5000; ++i) {
    CHECK(file->records[static_cast<std::size_t>(i)].field("n").integer() == i);
    CHECK(file->records[static_cast<std::size_t>(i)].field("t").bytes().size() ==
          static_cast<std::size_t>(i % 97));
  }
}

TEST_CASE("a file without records is empty") {
  const auto file = read_avro(AvroWriter(kSchema, {}).finish());
  REQUIRE(file.ok());
  CHECK(file->records.empty());
}

TEST_CASE("a file cut anywhere but between blocks is corrupt") {
  const std::string whole = container(kSchema, kGoldenBlock);
  const std::size_t header = whole.size() - kGoldenBlock.size() - 16;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto file = read_avro(whole.substr(0, size));
    CHECK(file.ok() == (size == header));
    if (!file.ok()) CHECK(file.error().code() == ErrorCode::corrupt);
  }
}

TEST_CASE("damaged bytes never do more than fail") {
  const std::string whole = container(kSchema, kGoldenBlock);
  base::SeededRandom random(5);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    for (std::uint64_t n = 1 + random.below(4); n > 0; --n)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    refused += read_avro(std::move(bytes)).ok() ? 0 : 1;
  }
  CHECK(refused > 10'000);
}

TEST_CASE("few bytes cannot ask for much memory, nor a schema for endless depth") {
  constexpr std::string_view kNulls =
      R"({"type":"record","name":"r","fields":[{"name":"m","type":{"type":"array","items":"null"}}]})";
  std::string record;
  base::ByteWriter(record).zigzag(INT64_MAX);
  std::string block;
  base::ByteWriter(block).zigzag(1);
  base::ByteWriter(block).zigzag(static_cast<std::int64_t>(record.size()));
  CHECK_FALSE(read_avro(container(kNulls, block + record)).ok());
  // Each block claims no more items than there are bytes, all of them together do.
  record.clear();
  for (std::int64_t left = 20'000; left > 1; left -= 2) base::ByteWriter(record).zigzag(left / 2);
  base::ByteWriter(record).zigzag(0);
  block.clear();
  base::ByteWriter(block).zigzag(1);
  base::ByteWriter(block).zigzag(static_cast<std::int64_t>(record.size()));
  CHECK_FALSE(read_avro(container(kNulls, block + record)).ok());
  std::string endless;
  base::ByteWriter(endless).zigzag(INT64_MAX);
  base::ByteWriter(endless).zigzag(0);
  CHECK_FALSE(read_avro(container(R"({"type":"record","name":"r","fields":[]})", endless)).ok());
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += R"({"type":"array","items":)";
  deep += "\"int\"";
  deep += std::string(500, '}');
  CHECK_FALSE(parse_avro_schema(deep).ok());
}

TEST_CASE("what is not supported is named") {
  const auto compressed = read_avro(container(kSchema, kGoldenBlock, "deflate"));
  REQUIRE_FALSE(compressed.ok());
  CHECK(compressed.error().message().find("deflate") != std::string::npos);
  CHECK(parse_avro_schema(R"({"type":"map","values":"int"})").error().message().find("map") !=
        std::string::npos);
  for (const char* json : {"", "7", "[]", R"({"type":"record","name":"r"})", R"({"type":"array"})",
                           "\"unknown\"", R"({"type":"fixed","name":"f"})", R"({"name":"x"})"}) {
    CAPTURE(json);
    CHECK_FALSE(parse_avro_schema(json).ok());
  }
}

}  // namespace
}  // namespace millrace::lake
