#pragma once

#include <cstdint>
#include <string>

namespace millrace::parquet {

// What a column holds, as Iceberg names it. The physical type follows: date is INT32; decimal18_6, in millionths, and
// timestamptz, in microseconds, are INT64.
enum class Type : std::uint8_t {
  boolean,
  int32,
  int64,
  float64,
  decimal18_6,
  date,
  timestamptz,
  string,
  binary
};

constexpr bool is_bytes(Type type) { return type == Type::string || type == Type::binary; }

struct Column {
  int field_id = 0;
  std::string name;
  Type type = Type::string;
};

}  // namespace millrace::parquet
