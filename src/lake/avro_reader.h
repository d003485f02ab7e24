#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace millrace::lake {

struct AvroSchema;
class AvroValue;

struct AvroRecord {
  const AvroSchema* schema = nullptr;
  std::vector<AvroValue> values;
};

// One decoded datum. The accessors give zero, empty or null for another type than the one asked for, so that
// a reader of a known layout needs no check per field: an absent optional field and a null one read the same.
class AvroValue {
 public:
  using Array = std::vector<AvroValue>;
  AvroValue() = default;
  template <class T>
  explicit AvroValue(T value) : value_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  std::int64_t integer() const;
  bool boolean() const;
  double number() const;
  std::string_view bytes() const;  // bytes, string and fixed; into the file's memory.
  const Array& array() const;
  const AvroValue& field(std::string_view name) const;  // Of a record.
  const std::vector<AvroValue>& fields() const;         // Of a record, in the schema's order.

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string_view, Array, AvroRecord> value_;
};

// The records of an Avro object container file, with the memory they point into.
struct AvroFile {
  std::shared_ptr<const std::string> memory;
  std::map<std::string, std::string> metadata;
  std::shared_ptr<const AvroSchema> schema;
  std::vector<AvroValue> records;
};

// Decodes by the schema that the file carries. Null codec only; no maps, no enumerations, since Iceberg's
// files have none. Anything malformed is `corrupt`; memory used is bounded by the size of `bytes`.
base::Result<AvroFile> read_avro(std::string bytes);

}  // namespace millrace::lake
