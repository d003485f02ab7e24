#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace millrace::serve {

// At most `entries_max` values by text key, in independently locked shards. What makes room is a value that was
// neither read nor replaced since the last sweep (CLOCK). Safe from any thread.
//
// `Key` is a function from Value to its text key. Two keys of one 64-bit hash displace each other: the loser
// reads as absent, which a cache may always say.
template <class Value, auto Key>
class BoundedCache {
 public:
  explicit BoundedCache(std::size_t entries_max) : shard_entries_max_(entries_max / kShards + 1) {}

  // Assigns `source` to the value of `key`, its memory used again. What was there before is first shown to
  // replaced(const Value&), under the lock.
  template <class Source, class Replaced>
  void put(std::string_view key, Source&& source, Replaced&& replaced) {
    const std::uint64_t hash = base::hash64(key);
    Shard& shard = shards_[hash % kShards];
    Value evicted{};
    std::lock_guard lock(shard.mutex);
    Slot& slot = make_slot(shard, hash, evicted);
    if (slot.taken) {
      slot.used = true;
      replaced(static_cast<const Value&>(slot.value));
    }
    occupy(shard, slot, hash);
    slot.value = std::forward<Source>(source);
  }

  // For a value read from elsewhere, which may be older than one that has arrived meanwhile; returns what is
  // kept.
  Value put_if_absent(std::string_view key, Value value) {
    const std::uint64_t hash = base::hash64(key);
    Shard& shard = shards_[hash % kShards];
    Value evicted{};
    std::lock_guard lock(shard.mutex);
    Slot& slot = make_slot(shard, hash, evicted);
    if (!slot.taken || Key(slot.value) != key) slot.value = std::move(value);
    occupy(shard, slot, hash);
    return slot.value;
  }

  std::optional<Value> find(std::string_view key) const {
    const std::uint64_t hash = base::hash64(key);
    Shard& shard = shards_[hash % kShards];
    std::lock_guard lock(shard.mutex);
    if (shard.slots.empty()) return std::nullopt;
    Slot& slot = shard.slots[shard.position_of(hash)];
    if (!slot.taken || Key(slot.value) != key) return std::nullopt;
    slot.used = true;
    return slot.value;
  }

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::uint64_t evicted() const { return evicted_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kFirstSlots = 16;

  struct Slot {
    std::uint64_t hash = 0;
    Value value{};
    bool taken = false;
    bool used = false;
  };
  // Open addressing with linear probing; a power of two slots, at most three quarters of them taken.
  struct alignas(64) Shard {
    std::mutex mutex;
    std::vector<Slot> slots;
    std::size_t taken = 0;
    std::size_t hand = 0;

    // The low bits chose the shard.
    std::size_t home_of(std::uint64_t hash) const { return (hash >> 6) & (slots.size() - 1); }
    // Where the hash is, or the free slot where it belongs.
    std::size_t position_of(std::uint64_t hash) const {
      std::size_t position = home_of(hash);
      while (slots[position].taken && slots[position].hash != hash)
        position = (position + 1) & (slots.size() - 1);
      return position;
    }
    void grow() {
      std::vector<Slot> old =
          std::exchange(slots, std::vector<Slot>(std::max(kFirstSlots, slots.size() * 2)));
      for (Slot& slot : old) {
        if (slot.taken) slots[position_of(slot.hash)] = std::move(slot);
      }
    }
    // Moves later slots of the same run back, so that no search meets a gap.
    Value remove(std::size_t position) {
      Value removed = std::move(slots[position].value);
      slots[position].taken = false;
      const std::size_t mask = slots.size() - 1;
      for (std::size_t next = (position + 1) & mask; slots[next].taken; next = (next + 1) & mask) {
        const std::size_t home = home_of(slots[next].hash);
        if (((next - home) & mask) < ((next - position) & mask)) continue;
        slots[position] = std::move(slots[next]);
        slots[next].taken = false;
        position = next;
      }
      --taken;
      return removed;
    }
  };

  // Where `hash` is or belongs, after making room for it.
  Slot& make_slot(Shard& shard, std::uint64_t hash, Value& evicted) {
    if (shard.slots.size() * 3 < (shard.taken + 1) * 4) shard.grow();
    Slot& slot = shard.slots[shard.position_of(hash)];
    if (slot.taken) return slot;
    if (shard.taken < shard_entries_max_) {
      size_.fetch_add(1, std::memory_order_relaxed);
      return slot;
    }
    evicted = evict(shard);
    return shard.slots[shard.position_of(hash)];
  }
  static void occupy(Shard& shard, Slot& slot, std::uint64_t hash) {
    if (slot.taken) return;
    slot.taken = true;
    slot.used = false;
    slot.hash = hash;
    ++shard.taken;
  }

  Value evict(Shard& shard) {
    for (;;) {
      shard.hand = (shard.hand + 1) & (shard.slots.size() - 1);
      Slot& slot = shard.slots[shard.hand];
      if (!slot.taken || std::exchange(slot.used, false)) continue;
      evicted_.fetch_add(1, std::memory_order_relaxed);
      return shard.remove(shard.hand);
    }
  }

  mutable Shard shards_[kShards];
  const std::size_t shard_entries_max_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> evicted_{0};
};

}  // namespace millrace::serve
