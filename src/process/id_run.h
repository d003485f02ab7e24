#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "process/id_filter.h"

namespace millrace::process {

// Up to `capacity` ids in the order of their arrival, with a filter over them. Once the store has them, only
// the filter stays.
class IdRun {
 public:
  static constexpr std::uint32_t kBlocks =
      64;  // A full run is stored in blocks, by the first six bits of the id.
  static constexpr std::uint32_t kPieceIds =
      4096;  // An open run is stored in pieces, in the order of arrival.

  explicit IdRun(std::uint32_t capacity) : filter(capacity), capacity_(capacity) {}

  static std::uint32_t block_of(const base::Hash128& id) { return static_cast<std::uint32_t>(id.high >> 58); }
  // As two little-endian u64.
  static void append(const base::Hash128& id, std::string& out) {
    char bytes[16];
    std::memcpy(bytes, &id.high, 8);
    std::memcpy(bytes + 8, &id.low, 8);
    out.append(bytes, 16);
  }
  // visit(id) for each id in stored bytes, until it returns false.
  template <class Visit>
  static void each(std::string_view bytes, Visit&& visit) {
    base::ByteReader reader(bytes);
    while (reader.remaining() >= 16) {
      base::Hash128 id;
      id.high = reader.u64();
      id.low = reader.u64();
      if (!visit(id)) return;
    }
  }

  void prefetch(const base::Hash128& id) const {
    filter.prefetch(id);
    if (!slots_.empty()) __builtin_prefetch(&slots_[id.low & (slots_.size() - 1)]);
  }
  void add(const base::Hash128& id) {
    if (slots_.empty()) reserve();
    ids_.push_back(id);
    filter.add(id);
    std::size_t at = id.low & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = static_cast<std::uint32_t>(ids_.size());
  }
  bool has(const base::Hash128& id) const {
    if (slots_.empty()) return false;
    for (std::size_t at = id.low & (slots_.size() - 1); slots_[at] != 0;
         at = (at + 1) & (slots_.size() - 1)) {
      if (ids_[slots_[at] - 1] == id) return true;
    }
    return false;
  }
  bool full() const { return ids_.size() >= capacity_; }
  const std::vector<base::Hash128>& ids() const { return ids_; }

  // The bytes of all blocks of a full run; made once, dropped with the ids.
  const std::vector<std::string>& blocks() {
    if (blocks_.empty()) {
      blocks_.resize(kBlocks);
      for (std::string& block : blocks_) block.reserve(ids_.size() * 16 / kBlocks + 1024);
      for (const base::Hash128& id : ids_) append(id, blocks_[block_of(id)]);
    }
    return blocks_;
  }

  void drop_ids() {
    stored = true;
    ids_ = {};
    slots_ = {};
    blocks_ = {};
  }

  IdFilterLayer filter;
  std::uint32_t stored_count = 0;  // Of an open run, in a committed checkpoint.
  bool stored = false;             // In the store as a full run: not in memory.

 private:
  void reserve() {
    ids_.reserve(capacity_);
    std::size_t slots = 16;
    while (slots < 2 * static_cast<std::size_t>(capacity_)) slots *= 2;
    slots_.assign(slots, 0);
  }
  std::uint32_t capacity_;
  std::vector<base::Hash128> ids_;
  std::vector<std::uint32_t> slots_;  // 1 + index into ids_; open addressing.
  std::vector<std::string> blocks_;
};

}  // namespace millrace::process
