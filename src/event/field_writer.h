#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace::event {

// Appends the many small fields of a record to its string in a few large pieces. What it writes is ByteWriter's.
class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}
  ~FieldWriter() { flush(); }
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;

  void u8(std::uint8_t value) {
    make_room(1);
    buffer_[used_++] = static_cast<char>(value);
  }
  void u64(std::uint64_t value) {
    make_room(sizeof value);
    std::memcpy(buffer_ + used_, &value, sizeof value);
    used_ += sizeof value;
  }
  void varint(std::uint64_t value) {
    make_room(kVarintBytesMax);
    while (value >= 0x80) {
      buffer_[used_++] = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    buffer_[used_++] = static_cast<char>(value);
  }
  void zigzag(std::int64_t value) {
    varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void raw(std::string_view value) {
    if (value.size() > kCopiedBytesMax) {
      flush();
      out_.append(value);
      return;
    }
    make_room(value.size());
    used_ += value.copy(buffer_ + used_, value.size());
  }

 private:
  static constexpr std::size_t kVarintBytesMax = 10;
  static constexpr std::size_t kCopiedBytesMax = 64;

  void make_room(std::size_t bytes) {
    if (used_ + bytes > sizeof buffer_) [[unlikely]]
      flush();
  }
  // Out of line: it is rare, and gcc 12 takes the string that it would see here for one that overlaps itself.
  [[gnu::noinline]] void flush() {
    out_.append(buffer_, used_);
    used_ = 0;
  }

  std::string& out_;
  std::size_t used_ = 0;
  char buffer_[256];
};

}  // namespace millrace::event
