#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace millrace::process {

// A blocked Bloom filter (Putze, Sanders, Singler 2007) over ids that are already hashes: 12 bits an id in
// cache lines of 512, six bits set in one line. About 0.5 % of the ids that are not in it seem to be. Fixed
// capacity: past it, that rate grows.
class IdFilterLayer {
 public:
  explicit IdFilterLayer(std::size_t capacity)
      : lines_((capacity * kBitsPerId + 511) / 512 + 1), capacity_(capacity) {
    // calloc leaves untouched pages to the kernel, so that a big filter costs nothing when it is made.
    memory_.reset(static_cast<std::uint64_t*>(std::calloc(lines_ * 8 + 8, sizeof(std::uint64_t))));
    if (memory_ == nullptr) std::abort();
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.get());
    words_ = memory_.get() + ((64 - address % 64) % 64) / sizeof(std::uint64_t);
  }

  void prefetch(const base::Hash128& id) const { __builtin_prefetch(line(id)); }

  bool maybe(const base::Hash128& id) const {
    const std::uint64_t* words = line(id);
    std::uint64_t bits = id.low;
    std::uint64_t missing = 0;
    for (int i = 0; i < kProbes; ++i, bits >>= 9) missing |= ~words[(bits >> 6) & 7] & (1ULL << (bits & 63));
    return missing == 0;
  }

  void add(const base::Hash128& id) {
    std::uint64_t* words = line(id);
    std::uint64_t bits = id.low;
    for (int i = 0; i < kProbes; ++i, bits >>= 9) words[(bits >> 6) & 7] |= 1ULL << (bits & 63);
    ++added_;
  }

  // Its bytes, to be stored, and the same filter from them; false when they are of another capacity.
  std::string_view bits() const { return {reinterpret_cast<const char*>(words_), lines_ * 64}; }
  bool assign(std::string_view bits) {
    if (bits.size() != lines_ * 64) return false;
    std::memcpy(words_, bits.data(), bits.size());
    return true;
  }

  bool full() const { return added_ >= capacity_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t bytes() const { return lines_ * 64; }

 private:
  static constexpr std::size_t kBitsPerId = 12;
  static constexpr int kProbes = 6;
  struct Free {
    void operator()(std::uint64_t* memory) const { std::free(memory); }
  };
  std::uint64_t* line(const base::Hash128& id) const {
    return words_ + 8 * static_cast<std::size_t>((static_cast<unsigned __int128>(id.high) * lines_) >> 64);
  }
  std::unique_ptr<std::uint64_t[], Free> memory_;
  std::uint64_t* words_ = nullptr;
  std::size_t lines_;
  std::size_t capacity_;
  std::size_t added_ = 0;
};

// A filter that grows: a full layer is followed by one of twice its capacity.
class IdFilter {
 public:
  explicit IdFilter(std::size_t capacity) { layers_.emplace_back(capacity); }
  void prefetch(const base::Hash128& id) const {
    for (const IdFilterLayer& layer : layers_) layer.prefetch(id);
  }
  bool maybe(const base::Hash128& id) const {
    for (const IdFilterLayer& layer : layers_) {
      if (layer.maybe(id)) return true;
    }
    return false;
  }
  void add(const base::Hash128& id) {
    if (layers_.back().full()) layers_.emplace_back(layers_.back().capacity() * 2);
    layers_.back().add(id);
  }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const IdFilterLayer& layer : layers_) sum += layer.bytes();
    return sum;
  }

 private:
  std::vector<IdFilterLayer> layers_;
};

}  // namespace millrace::process
