#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::lake {

// A parsed Avro schema: a tree, in which a named type that is used again is shared.
struct AvroSchema {
  enum class Kind : std::uint8_t {
    null,
    boolean,
    integer,  // int and long.
    float32,
    float64,
    bytes,  // bytes and string.
    fixed,
    record,
    array,
    choice,  // A union.
  };
  struct Field {
    std::string name;
    int field_id = -1;  // Iceberg's, when given.
    std::shared_ptr<const AvroSchema> type;
  };
  Kind kind = Kind::null;
  std::string logical_type;
  std::size_t fixed_bytes = 0;
  std::vector<Field> fields;                                // record
  std::vector<std::shared_ptr<const AvroSchema>> branches;  // choice; the one item type of an array.
};

base::Result<std::shared_ptr<const AvroSchema>> parse_avro_schema(std::string_view json);

}  // namespace millrace::lake
