#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "process/compact_text.h"
#include "process/state_store.h"

namespace millrace::process {

// How a table's keys are held and written. TextKey: any bytes. NumberKey: 64-bit ids, stored big-endian so
// that the store's order is theirs.
struct TextKey {
  using View = std::string_view;
  using Stored = CompactText;
  static std::uint64_t hash(View key) { return base::hash64(key); }
  static void append(View key, std::string& out) { out.append(key); }
  static bool parse(std::string_view bytes, View& key) {
    key = bytes;
    return true;
  }
};
struct NumberKey {
  using View = std::uint64_t;
  using Stored = std::uint64_t;
  static std::uint64_t hash(View key) {
    std::uint64_t x = key * 0x9e3779b97f4a7c15ULL;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    return x ^ (x >> 32);
  }
  static void append(View key, std::string& out) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(key >> shift));
  }
  static bool parse(std::string_view bytes, View& key) {
    if (bytes.size() != 8) return false;
    key = 0;
    for (const char byte : bytes) key = key << 8 | static_cast<unsigned char>(byte);
    return true;
  }
};

// Entries in memory that know which checkpoint they were last changed for. Entries do not move; an Index is
// good until remove(). Open addressing over (tag, index) pairs, so a lookup touches one index line and one
// entry.
//
// Epochs make freeze() and committed() O(1). An entry's epoch is `active_` when changed since the last
// freeze, `frozen_` when changed before it and not yet drained, `frozen_ + 1` when drained, and at most
// `committed_` when the store has it.
template <class T, class Key>
class EntryTable {
 public:
  using View = typename Key::View;
  using Index = std::uint32_t;
  static constexpr Index kNone = 0xffffffffu;

  struct Entry {
    // What finding it reads comes first, so that it is one cache line.
    typename Key::Stored key{};
    std::uint32_t tag = 0;
    std::uint32_t epoch = 0;
    bool used = false;
    bool present = false;     // Else erased, or known to be absent.
    bool stored = false;      // The store has (or will have, with the batch in flight) a value for it.
    bool referenced = false;  // For the owner's eviction.
    T value{};
  };

  explicit EntryTable(std::string prefix) : prefix_(std::move(prefix)), slots_(kSlotsMin, Slot{}) {}

  Index find(View key, std::uint64_t hash) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = tag & mask(); slots_[at].index != kNone; at = (at + 1) & mask()) {
      if (slots_[at].tag == tag && (*this)[slots_[at].index].key == key) return slots_[at].index;
    }
    return kNone;
  }

  // Fetch what find() is going to read: first the one, and a while later the other.
  void prefetch_slot(std::uint64_t hash) const { __builtin_prefetch(&slots_[(hash >> 32) & mask()]); }
  const Entry* prefetch_entry(std::uint64_t hash) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = tag & mask(); slots_[at].index != kNone; at = (at + 1) & mask()) {
      if (slots_[at].tag != tag) continue;
      const Entry* const entry = &(*this)[slots_[at].index];
      const auto* const bytes = reinterpret_cast<const char*>(entry);
      for (std::size_t i = 0; i < sizeof(Entry); i += 64) __builtin_prefetch(bytes + i);
      return entry;
    }
    return nullptr;
  }

  // Adds an entry that is neither present nor changed. The key must not be in the table.
  Index insert(View key, std::uint64_t hash) {
    drop_erased();
    if ((size_ + 1) * 10 > slots_.size() * 6) grow();
    const Index index = take_free();
    Entry& entry = (*this)[index];
    entry.key = key;
    entry.tag = static_cast<std::uint32_t>(hash >> 32);
    entry.used = true;
    place({entry.tag, index});
    ++size_;
    return index;
  }

  // Must be called before an entry is changed: keeps what a running checkpoint still needs of it.
  void change(Index index) {
    Entry& entry = (*this)[index];
    if (entry.epoch == active_) return;
    if (entry.epoch == frozen_) write(entry, saved_);
    entry.epoch = active_;
    changed_.push_back(index);
  }

  // Leaves a tombstone until a checkpoint has carried the erasure into the store.
  void erase(Index index) {
    change(index);
    Entry& entry = (*this)[index];
    entry.value = T{};
    entry.present = false;
  }

  bool clean(Index index) const { return (*this)[index].epoch <= committed_; }

  // Forgets a clean entry.
  void remove(Index index) {
    Entry& entry = (*this)[index];
    INVARIANT(entry.used && entry.epoch <= committed_);
    unplace(index, entry.tag);
    entry = Entry{};
    free_.push_back(index);
    --size_;
  }

  void freeze() {
    INVARIANT(frozen_ == kNoEpoch);
    frozen_ = active_;
    active_ += 2;
    draining_.swap(changed_);
    changed_.clear();
    drained_ = 0;
  }

  bool drain(StateBatch& batch, std::size_t entries) {
    INVARIANT(frozen_ != kNoEpoch);
    for (; drained_ < draining_.size() && entries > 0; ++drained_) {
      Entry& entry = (*this)[draining_[drained_]];
      if (entry.epoch != frozen_) continue;  // Changed again since: what it was is in saved_.
      write(entry, batch);
      entry.epoch = frozen_ + 1;
      --entries;
      if (!entry.present) erased_in_flight_.push_back(draining_[drained_]);
    }
    batch.append(saved_);
    saved_.clear();
    return drained_ == draining_.size();
  }

  void committed() {
    INVARIANT(frozen_ != kNoEpoch && drained_ == draining_.size());
    committed_ = frozen_ + 1;
    frozen_ = kNoEpoch;
    draining_.clear();
    if (erased_.empty()) {
      erased_.swap(erased_in_flight_);
    } else {
      erased_.insert(erased_.end(), erased_in_flight_.begin(), erased_in_flight_.end());
      erased_in_flight_.clear();
    }
  }

  Entry& operator[](Index index) { return chunks_[index / kChunk][index % kChunk]; }
  const Entry& operator[](Index index) const { return chunks_[index / kChunk][index % kChunk]; }
  std::size_t size() const { return size_; }  // Tombstones included.
  std::size_t capacity() const { return chunks_.size() * kChunk; }
  std::size_t changed() const { return changed_.size(); }
  const std::string& prefix() const { return prefix_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    Index index = kNone;
  };
  static constexpr std::size_t kSlotsMin = 1024;
  static constexpr std::size_t kChunk = 256;
  static constexpr std::uint32_t kNoEpoch = 0xffffffffu;

  std::size_t mask() const { return slots_.size() - 1; }

  void place(Slot slot) {
    std::size_t at = slot.tag & mask();
    while (slots_[at].index != kNone) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  // Linear probing without tombstones: later members of the run move up into the hole.
  void unplace(Index index, std::uint32_t tag) {
    std::size_t hole = tag & mask();
    while (slots_[hole].index != index) hole = (hole + 1) & mask();
    for (std::size_t at = (hole + 1) & mask(); slots_[at].index != kNone; at = (at + 1) & mask()) {
      const std::size_t home = slots_[at].tag & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = Slot{};
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2, Slot{});
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.index != kNone) place(slot);
    }
  }

  Index take_free() {
    if (free_.empty()) {
      const auto first = static_cast<Index>(capacity());
      chunks_.push_back(std::make_unique<Entry[]>(kChunk));
      for (std::size_t i = kChunk; i > 0; --i) free_.push_back(first + static_cast<Index>(i - 1));
    }
    const Index index = free_.back();
    free_.pop_back();
    return index;
  }

  // Tombstones whose erasure is committed; a few at each insert keeps their number in step.
  void drop_erased() {
    for (int i = 0; i < 4 && !erased_.empty(); ++i) {
      const Index index = erased_.back();
      erased_.pop_back();
      const Entry& entry = (*this)[index];
      if (entry.used && !entry.present && entry.epoch <= committed_) remove(index);
    }
  }

  void write(Entry& entry, StateBatch& batch) {
    key_.assign(prefix_);
    Key::append(entry.key, key_);
    if (entry.present) {
      value_.clear();
      entry.value.encode(value_);
      batch.put(key_, value_);
      entry.stored = true;
    } else if (entry.stored) {
      batch.erase(key_);
      entry.stored = false;
    }
  }

  std::string prefix_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Entry[]>> chunks_;
  std::vector<Index> free_;
  std::size_t size_ = 0;

  std::uint32_t active_ = 2;
  std::uint32_t frozen_ = kNoEpoch;
  std::uint32_t committed_ = 1;
  std::vector<Index> changed_;
  std::vector<Index> draining_;
  std::size_t drained_ = 0;
  StateBatch saved_;
  std::vector<Index> erased_in_flight_;
  std::vector<Index> erased_;
  std::string key_, value_;
};

}  // namespace millrace::process
