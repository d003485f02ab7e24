#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::commerce {

// A small value for each of many session ids, in one array: a look costs one cache line. Ids are hashes already. A pointer
// holds until the next insertion or erasure. `Value` is copied freely.
template <class Value>
class SessionTable {
 public:
  Value* find(std::uint64_t session) {
    const std::size_t at = position_of(session);
    return slots_[at].taken ? &slots_[at].value : nullptr;
  }
  const Value* find(std::uint64_t session) const { return const_cast<SessionTable*>(this)->find(session); }

  // The value and whether it is new.
  std::pair<Value*, bool> insert(std::uint64_t session) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    Slot& slot = slots_[position_of(session)];
    if (slot.taken) return {&slot.value, false};
    slot = {session, Value{}, true};
    ++size_;
    return {&slot.value, true};
  }

  // Later slots of the same run move back, so that no search meets a gap.
  void erase(std::uint64_t session) {
    std::size_t hole = position_of(session);
    if (!slots_[hole].taken) return;
    --size_;
    for (std::size_t next = (hole + 1) & mask(); slots_[next].taken; next = (next + 1) & mask()) {
      const std::size_t home = home_of(slots_[next].session);
      if (((next - home) & mask()) < ((next - hole) & mask())) continue;
      slots_[hole] = slots_[next];
      hole = next;
    }
    slots_[hole] = Slot{};
  }

  void prefetch(std::uint64_t session) const { __builtin_prefetch(&slots_[home_of(session)]); }
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint64_t session = 0;
    Value value{};
    bool taken = false;
  };
  std::size_t mask() const { return slots_.size() - 1; }
  // Fibonacci hashing: whoever numbers sessions 1, 2, 3 gets no runs either.
  std::size_t home_of(std::uint64_t session) const {
    return static_cast<std::size_t>((session * 0x9e3779b97f4a7c15ULL) >> 20) & mask();
  }
  std::size_t position_of(std::uint64_t session) const {
    std::size_t at = home_of(session);
    while (slots_[at].taken && slots_[at].session != session) at = (at + 1) & mask();
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.taken) slots_[position_of(slot.session)] = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t size_ = 0;
};

}  // namespace millrace::commerce
