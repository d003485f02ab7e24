#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/hash.h"

namespace millrace::process {

// Ids with the bucket they belong to, exactly. clear() is O(1) and keeps the memory: a slot counts only when it carries the
// set's present generation. At most half full, so 48 to 96 bytes an id.
class IdSet {
 public:
  IdSet() : slots_(kSlotsMin) {}

  void prefetch(const base::Hash128& id) const { __builtin_prefetch(&slots_[id.high & (slots_.size() - 1)]); }

  // The bucket of an id, to be changed if need be; nullptr when it is not in the set.
  std::uint32_t* find(const base::Hash128& id) {
    for (std::size_t at = id.high & mask();; at = (at + 1) & mask()) {
      if (slots_[at].generation != generation_) return nullptr;
      if (slots_[at].id == id) return &slots_[at].bucket;
    }
  }

  // The id must not be in the set.
  void add(const base::Hash128& id, std::uint32_t bucket) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place({id, bucket, generation_});
    ++size_;
  }

  void clear() {
    size_ = 0;
    if (++generation_ != 0) return;
    slots_.assign(kSlotsMin, Slot{});
    generation_ = 1;
  }

  // visit(id, bucket) for the ids in slots [from, to), until it returns false; the slot to go on from.
  template <class Visit>
  std::size_t visit_slots(std::size_t from, std::size_t to, Visit&& visit) const {
    for (; from < to; ++from) {
      if (slots_[from].generation == generation_ && !visit(slots_[from].id, slots_[from].bucket)) break;
    }
    return from;
  }
  std::size_t slots() const { return slots_.size(); }
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    base::Hash128 id;
    std::uint32_t bucket = 0;
    std::uint32_t generation = 0;
  };
  static constexpr std::size_t kSlotsMin = 4096;
  std::size_t mask() const { return slots_.size() - 1; }

  void place(const Slot& slot) {
    std::size_t at = slot.id.high & mask();
    while (slots_[at].generation == generation_) at = (at + 1) & mask();
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.generation == generation_) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::uint32_t generation_ = 1;
};

}  // namespace millrace::process
