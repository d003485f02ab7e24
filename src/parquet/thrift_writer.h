#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace millrace::parquet {

// Appends structs in Thrift's compact protocol, which Parquet's headers and footer are in. Fields of a struct come with
// growing ids. Source: thrift-compact-protocol.md.
class ThriftWriter {
 public:
  enum class Element : std::uint8_t { i32 = 5, text = 8, structure = 12 };

  explicit ThriftWriter(std::string& out) : writer_(out) {}

  // A struct by itself: the outermost, or an element of a list.
  void begin() { ids_.push_back(0); }
  void end() {
    writer_.u8(0);
    ids_.pop_back();
  }
  void begin(int id) {
    field(id, static_cast<std::uint8_t>(Element::structure));
    begin();
  }
  // A member of a union that has no fields.
  void empty(int id) {
    begin(id);
    end();
  }
  void boolean(int id, bool value) { field(id, value ? 1 : 2); }
  void i32(int id, std::int64_t value) {
    field(id, 5);
    writer_.zigzag(value);
  }
  void i64(int id, std::int64_t value) {
    field(id, 6);
    writer_.zigzag(value);
  }
  void text(int id, std::string_view value) {
    field(id, 8);
    writer_.text(value);
  }
  // `size` elements follow, by the methods below or begin().
  void list(int id, Element type, std::size_t size) {
    field(id, 9);
    const auto low = static_cast<std::uint8_t>(type);
    if (size < 15) return writer_.u8(static_cast<std::uint8_t>(size << 4 | low));
    writer_.u8(static_cast<std::uint8_t>(0xf0 | low));
    writer_.varint(size);
  }
  void element(std::int32_t value) { writer_.zigzag(value); }
  void element(std::string_view value) { writer_.text(value); }

 private:
  void field(int id, std::uint8_t type) {
    const int step = id - ids_.back();
    ids_.back() = id;
    if (step > 0 && step < 16) return writer_.u8(static_cast<std::uint8_t>(step << 4 | type));
    writer_.u8(type);
    writer_.zigzag(id);
  }

  base::ByteWriter writer_;
  std::vector<int> ids_;  // The last field's, of each open struct.
};

}  // namespace millrace::parquet
