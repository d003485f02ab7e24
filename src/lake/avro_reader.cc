#include "lake/avro_reader.h"

#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "lake/avro_schema.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;
using Kind = AvroSchema::Kind;

constexpr std::size_t kSyncBytes = 16;
constexpr std::string_view kMagic("Obj\x01", 4);

Error malformed(std::string_view what) {
  return Error(ErrorCode::corrupt, "Avro file: " + std::string(what));
}

std::string_view read_bytes(base::ByteReader& in) {
  const std::int64_t size = in.zigzag();
  // A negative size becomes one past any end, which the reader refuses.
  return in.raw(static_cast<std::uint64_t>(size));
}

class Decoder {
 public:
  explicit Decoder(base::ByteReader& in) : in_(in) {}

  AvroValue value(const AvroSchema& schema) {
    switch (schema.kind) {
      case Kind::null: return AvroValue();
      case Kind::boolean: return AvroValue(in_.u8() != 0);
      case Kind::integer: return AvroValue(in_.zigzag());
      case Kind::float32: return AvroValue(float32());
      case Kind::float64: return AvroValue(in_.f64());
      case Kind::bytes: return AvroValue(read_bytes(in_));
      case Kind::fixed: return AvroValue(in_.raw(schema.fixed_bytes));
      case Kind::record: return record(schema);
      case Kind::array: return array(schema);
      case Kind::choice: return choice(schema);
    }
    return AvroValue();
  }
  bool ok() const { return ok_ && in_.ok(); }

 private:
  double float32() {
    const std::uint32_t bits = in_.u32();
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  }
  AvroValue record(const AvroSchema& schema) {
    AvroRecord record{&schema, {}};
    record.values.reserve(schema.fields.size());
    for (const auto& field : schema.fields) {
      if (!ok()) break;
      record.values.push_back(value(*field.type));
    }
    record.values.resize(schema.fields.size());
    return AvroValue(std::move(record));
  }
  AvroValue array(const AvroSchema& schema) {
    AvroValue::Array items;
    while (ok()) {
      std::int64_t count = in_.zigzag();
      if (count == 0) break;
      if (count < 0) {  // A block that says its size in bytes too.
        in_.zigzag();
        count = count == INT64_MIN ? INT64_MAX : -count;
      }
      // Every item takes at least a byte, else a few bytes could ask for any amount of memory.
      if (static_cast<std::uint64_t>(count) > in_.remaining()) ok_ = false;
      for (std::int64_t i = 0; i < count && ok(); ++i) {
        const std::size_t before = in_.remaining();
        items.push_back(value(*schema.branches.front()));
        if (in_.remaining() == before) ok_ = false;
      }
    }
    return AvroValue(std::move(items));
  }
  AvroValue choice(const AvroSchema& schema) {
    const auto index = static_cast<std::uint64_t>(in_.zigzag());
    if (index >= schema.branches.size()) {
      ok_ = false;
      return AvroValue();
    }
    return value(*schema.branches[index]);
  }

  base::ByteReader& in_;
  bool ok_ = true;
};

base::Status read_metadata(base::ByteReader& in, std::map<std::string, std::string>& into) {
  while (in.ok()) {
    std::int64_t count = in.zigzag();
    if (count == 0) break;
    if (count < 0) {
      in.zigzag();
      count = count == INT64_MIN ? INT64_MAX : -count;
    }
    for (std::int64_t i = 0; i < count && in.ok(); ++i) {
      const std::string_view key = read_bytes(in);
      into.insert_or_assign(std::string(key), std::string(read_bytes(in)));
    }
  }
  if (!in.ok()) return malformed("its header is cut short");
  return base::Ok{};
}

base::Status read_block(base::ByteReader& in, std::string_view sync, const AvroSchema& schema,
                        std::vector<AvroValue>& into) {
  const std::int64_t count = in.zigzag();
  const std::string_view bytes = read_bytes(in);
  if (in.raw(kSyncBytes) != sync || !in.ok()) return malformed("a block is cut short or its marker is wrong");
  if (count < 0 || static_cast<std::uint64_t>(count) > bytes.size()) {
    return malformed("a block claims more records than it has bytes");
  }
  base::ByteReader block(bytes);
  Decoder decoder(block);
  for (std::int64_t i = 0; i < count; ++i) {
    into.push_back(decoder.value(schema));
    if (!decoder.ok()) return malformed("a record does not fit the schema");
  }
  if (!block.at_end()) return malformed("a block has bytes after its last record");
  return base::Ok{};
}

const AvroValue& null_value() {
  static const AvroValue null;
  return null;
}

}  // namespace

std::int64_t AvroValue::integer() const {
  const auto* value = std::get_if<std::int64_t>(&value_);
  return value == nullptr ? 0 : *value;
}

bool AvroValue::boolean() const {
  const auto* value = std::get_if<bool>(&value_);
  return value != nullptr && *value;
}

double AvroValue::number() const {
  const auto* value = std::get_if<double>(&value_);
  return value == nullptr ? 0 : *value;
}

std::string_view AvroValue::bytes() const {
  const auto* value = std::get_if<std::string_view>(&value_);
  return value == nullptr ? std::string_view() : *value;
}

const AvroValue::Array& AvroValue::array() const {
  static const Array empty;
  const auto* value = std::get_if<Array>(&value_);
  return value == nullptr ? empty : *value;
}

const std::vector<AvroValue>& AvroValue::fields() const {
  static const std::vector<AvroValue> empty;
  const auto* record = std::get_if<AvroRecord>(&value_);
  return record == nullptr ? empty : record->values;
}

const AvroValue& AvroValue::field(std::string_view name) const {
  const auto* record = std::get_if<AvroRecord>(&value_);
  if (record == nullptr) return null_value();
  for (std::size_t i = 0; i < record->schema->fields.size(); ++i) {
    if (record->schema->fields[i].name == name) return record->values[i];
  }
  return null_value();
}

base::Result<AvroFile> read_avro(std::string bytes) {
  // Behind a pointer the text keeps its address when the file is moved, however short it is.
  AvroFile file;
  file.memory = std::make_shared<const std::string>(std::move(bytes));
  base::ByteReader in(*file.memory);
  if (in.raw(kMagic.size()) != kMagic) return malformed("it does not begin with the Avro magic");
  TRY(read_metadata(in, file.metadata));
  const std::string_view sync = in.raw(kSyncBytes);
  if (const auto codec = file.metadata.find("avro.codec");
      codec != file.metadata.end() && codec->second != "null") {
    return malformed("codec " + codec->second + " is not supported");
  }
  TRY_ASSIGN(file.schema, parse_avro_schema(file.metadata["avro.schema"]));
  while (in.ok() && !in.at_end()) TRY(read_block(in, sync, *file.schema, file.records));
  if (!in.ok()) return malformed("its header is cut short");
  return file;
}

}  // namespace millrace::lake
