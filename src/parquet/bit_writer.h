#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace millrace::parquet {

// Appends numbers of up to 64 bits, the lowest bit first, to a string that nothing else touches meanwhile. When it goes it
// fills the last byte with zeros.
class BitWriter {
 public:
  // `count` numbers of `width` bits at most will come.
  BitWriter(std::string& out, std::size_t count, int width) : out_(out), end_(out.size()) {
    out_.resize(end_ + (count * static_cast<std::size_t>(width) + 7) / 8 + sizeof(word_));
  }
  BitWriter(const BitWriter&) = delete;
  ~BitWriter() {
    std::memcpy(out_.data() + end_, &word_, sizeof(word_));
    out_.resize(end_ + static_cast<std::size_t>(filled_ + 7) / 8);
  }

  // `value` has no bit above `width`.
  void put(std::uint64_t value, int width) {
    word_ |= value << filled_;
    filled_ += width;
    if (filled_ < 64) return;
    std::memcpy(out_.data() + end_, &word_, sizeof(word_));
    end_ += sizeof(word_);
    filled_ -= 64;
    word_ = filled_ == 0 ? 0 : value >> (width - filled_);
  }

 private:
  std::string& out_;
  std::size_t end_;
  std::uint64_t word_ = 0;
  int filled_ = 0;  // Bits of `word_` in use, below 64.
};

}  // namespace millrace::parquet
