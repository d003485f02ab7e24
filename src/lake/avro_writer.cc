#include "lake/avro_writer.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace millrace::lake {
namespace {

constexpr std::size_t kBlockBytes = 64 << 10;

void append_bytes(std::string& out, std::string_view value) {
  base::ByteWriter writer(out);
  writer.zigzag(static_cast<std::int64_t>(value.size()));
  writer.raw(value);
}

}  // namespace

AvroWriter::AvroWriter(std::string_view schema_json,
                       const std::vector<std::pair<std::string, std::string>>& metadata) {
  base::ByteWriter writer(header_);
  writer.raw(std::string_view("Obj\x01", 4));
  writer.zigzag(static_cast<std::int64_t>(metadata.size()) + 2);
  append_bytes(header_, "avro.schema");
  append_bytes(header_, schema_json);
  append_bytes(header_, "avro.codec");
  append_bytes(header_, "null");
  for (const auto& [key, value] : metadata) {
    append_bytes(header_, key);
    append_bytes(header_, value);
  }
  writer.zigzag(0);
  blocks_.emplace_back();
}

void AvroWriter::integer(std::int64_t value) { base::ByteWriter(blocks_.back().bytes).zigzag(value); }

void AvroWriter::boolean(bool value) { blocks_.back().bytes.push_back(value ? '\x01' : '\x00'); }

void AvroWriter::bytes(std::string_view value) { append_bytes(blocks_.back().bytes, value); }

void AvroWriter::end_record() {
  ++blocks_.back().records;
  if (blocks_.back().bytes.size() >= kBlockBytes) blocks_.emplace_back();
}

std::string AvroWriter::finish() && {
  std::uint64_t seed = base::hash64(header_);
  for (const Block& block : blocks_) seed = base::mix(seed, base::hash64(block.bytes));
  std::string sync;
  base::ByteWriter marker(sync);
  marker.u64(seed);
  marker.u64(base::mix(seed, 1));

  std::string out = std::move(header_);
  out.append(sync);
  base::ByteWriter writer(out);
  for (const Block& block : blocks_) {
    if (block.records == 0) continue;
    writer.zigzag(block.records);
    writer.zigzag(static_cast<std::int64_t>(block.bytes.size()));
    writer.raw(block.bytes);
    writer.raw(sync);
  }
  return out;
}

}  // namespace millrace::lake
