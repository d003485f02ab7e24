#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::lake {

// Writes an Avro object container file (Avro 1.11, null codec). The sync marker is a hash of the content, so
// equal input gives equal bytes. The caller writes the fields of each record in the order of the schema.
class AvroWriter {
 public:
  // `metadata` must not hold avro.schema or avro.codec.
  AvroWriter(std::string_view schema_json, const std::vector<std::pair<std::string, std::string>>& metadata);

  void integer(std::int64_t value);  // int and long.
  void boolean(bool value);
  void bytes(std::string_view value);         // bytes and string.
  void branch(int index) { integer(index); }  // Of a union, before its value.
  void begin_array(std::size_t count) {
    if (count > 0) integer(static_cast<std::int64_t>(count));
  }
  void end_array() { integer(0); }
  void end_record();

  std::string finish() &&;

 private:
  struct Block {
    std::int64_t records = 0;
    std::string bytes;
  };
  std::string header_;
  std::vector<Block> blocks_;
};

}  // namespace millrace::lake
