#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "process/checkpointed.h"
#include "process/entry_table.h"
#include "process/state_store.h"

namespace millrace::process {

// A write-back cache of the entries that lie under one prefix of a StateStore, as values of type T, which has
//   void encode(std::string& out) const;                  a function of the value alone
//   static bool decode(std::string_view bytes, T& into);  false when the bytes are not what encode() writes
// Keys are text; KeyedState<T, NumberKey> has 64-bit ids as keys.
//
// Entries not changed since the last committed checkpoint are evicted beyond `entries_max` (second chance, so
// nearly least recently used); changed ones never, so memory is bounded by entries_max plus what two
// checkpoints change. A pointer or reference stays good while fewer than entries_max / 32 other keys are
// asked for, and until erase(); never beyond the end of on_record. One KeyedState per prefix, and no prefix
// may begin another.
template <class T, class Key = TextKey>
class KeyedState final : public Checkpointed {
 public:
  using View = typename Key::View;

  KeyedState(const StateStore& store, std::string prefix, std::size_t entries_max)
      : store_(store),
        table_(std::move(prefix)),
        entries_max_(entries_max < kEntriesMin ? kEntriesMin : entries_max) {}

  // nullptr when there is none.
  const T* find(View key) {
    const Index index = locate(key);
    auto& entry = table_[index];
    return entry.present ? &entry.value : nullptr;
  }

  // The value to change, made as T{} when there is none. Counts as changed whether or not the caller changes
  // it.
  T& edit(View key) {
    const Index index = locate(key);
    table_.change(index);
    auto& entry = table_[index];
    entry.present = true;
    return entry.value;
  }

  // For a key that is asked for soon: fetches its memory, the first call before the second. The second gives what is
  // likely its value, which may be another key's.
  void prefetch_slot(std::uint64_t hash) const { table_.prefetch_slot(hash); }
  const T* prefetch_value(std::uint64_t hash) const {
    const auto* const entry = table_.prefetch_entry(hash);
    return entry == nullptr ? nullptr : &entry->value;
  }

  void erase(View key) {
    const Index index = locate(key);
    if (table_[index].present) table_.erase(index);
  }

  // Brings every stored entry into memory, in key order, showing each to visit(key, const T&). For
  // Stage::restore of state that lives in memory as a whole; entries_max must hold it.
  template <class Visit>
  base::Status restore(Visit&& visit) {
    base::Status outcome = base::Ok{};
    const std::size_t prefix_size = table_.prefix().size();
    TRY(store_.scan(table_.prefix(), [&](std::string_view stored_key, std::string_view value) {
      View key{};
      if (!Key::parse(stored_key.substr(prefix_size), key)) {
        outcome = unreadable(stored_key);
        return false;
      }
      const Index index = table_.insert(key, Key::hash(key));
      auto& entry = table_[index];
      if (!T::decode(value, entry.value)) {
        outcome = unreadable(stored_key);
        return false;
      }
      entry.present = entry.stored = entry.referenced = true;
      visit(key, static_cast<const T&>(entry.value));
      return true;
    }));
    return outcome;
  }
  base::Status restore() {
    return restore([](View, const T&) {});
  }

  void freeze() override { table_.freeze(); }
  bool drain(StateBatch& batch, std::size_t entries) override { return table_.drain(batch, entries); }
  void committed() override { table_.committed(); }

  std::size_t entries() const { return table_.size(); }
  std::size_t changed() const { return table_.changed(); }
  std::uint64_t store_reads() const { return store_reads_; }

 private:
  using Table = EntryTable<T, Key>;
  using Index = typename Table::Index;
  static constexpr std::size_t kEntriesMin = 1024;
  static constexpr int kSweep = 32;  // Entries looked at for each one added beyond the bound.

  Index locate(View key) {
    const std::uint64_t hash = Key::hash(key);
    const Index index = table_.find(key, hash);
    if (index == Table::kNone) return load(key, hash);
    table_[index].referenced = true;
    return index;
  }

  // That a key is absent is remembered too, as an entry that is not present.
  Index load(View key, std::uint64_t hash) {
    if (table_.size() >= entries_max_) sweep();
    const Index index = table_.insert(key, hash);
    auto& entry = table_[index];
    entry.referenced = true;
    stored_key_.assign(table_.prefix());
    Key::append(key, stored_key_);
    ++store_reads_;
    auto stored = store_.get(stored_key_);
    if (!stored.ok()) {
      store_.note_fault(std::move(stored).error().with_context("read state"));
    } else if (stored->has_value()) {
      if (T::decode(**stored, entry.value)) {
        entry.present = entry.stored = true;
      } else {
        store_.note_fault(unreadable(stored_key_));
      }
    }
    return index;
  }

  void sweep() {
    for (int i = 0; i < kSweep; ++i) {
      hand_ = hand_ + 1 < table_.capacity() ? hand_ + 1 : 0;
      auto& entry = table_[static_cast<Index>(hand_)];
      if (!entry.used || !table_.clean(static_cast<Index>(hand_))) continue;
      if (entry.referenced) {
        entry.referenced = false;
      } else {
        table_.remove(static_cast<Index>(hand_));
      }
    }
  }

  static base::Error unreadable(std::string_view key) {
    return base::Error(base::ErrorCode::corrupt, "state entry cannot be decoded: " + printable(key));
  }
  static std::string printable(std::string_view key) {
    std::string text;
    for (const char c : key) text.push_back(c >= ' ' && c < 127 ? c : '.');
    return text;
  }

  const StateStore& store_;
  Table table_;
  std::size_t entries_max_;
  std::size_t hand_ = 0;
  std::uint64_t store_reads_ = 0;
  std::string stored_key_;
};

}  // namespace millrace::process
