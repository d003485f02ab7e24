#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace millrace::commerce {

// Of several sources that tell of one order, the one of the highest rank is believed. By index; 0 unless set. Any thread.
//
// A rank must be set before the first record of its source is read, and stay: orders are decided by it, and again whenever their
// records are read again.
class SourceRanks {
 public:
  void set(std::uint16_t source, std::uint8_t rank) { ranks_[source].store(rank, std::memory_order_relaxed); }
  int of(std::uint32_t source) const {
    return source < ranks_.size() ? ranks_[source].load(std::memory_order_relaxed) : 0;
  }

 private:
  std::array<std::atomic<std::uint8_t>, std::size_t{1} << 16> ranks_{};
};

}  // namespace millrace::commerce
