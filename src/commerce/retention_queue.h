#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "process/checkpointed.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

// Keys to forget when their time has come, first in first out: for records that are all kept equally long,
// where a timer each would hold in memory what is not needed for days. Entries lie in the store; the cache
// holds what is near the ends.
class RetentionQueue final : public process::Checkpointed {
 public:
  // `prefix` must not end the prefix of another: the queue uses it with one letter more.
  RetentionQueue(const process::StateStore& store, const std::string& prefix)
      : entries_(store, prefix + "e", kCached), bounds_(store, prefix + "b", 1) {}

  // Deadlines are those of the queue's order: one that is earlier than its predecessor's waits for it.
  void push(std::string_view key, base::WallTime deadline) {
    Bounds& bounds = bounds_.edit("");
    Entry& entry = entries_.edit(bounds.tail++);
    entry.key = key;
    entry.deadline = deadline;
    if (bounds.tail == bounds.head + 1) next_ = deadline;
  }

  // Takes the first key if its deadline is not after `now`.
  std::optional<std::string> pop(base::WallTime now) {
    if (now < next_.value_or(base::WallTime{std::numeric_limits<std::int64_t>::min()})) return std::nullopt;
    const Bounds* bounds = bounds_.find("");
    if (bounds == nullptr || bounds->head == bounds->tail) {
      next_ = base::WallTime{std::numeric_limits<std::int64_t>::max()};
      return std::nullopt;
    }
    const Entry* entry = entries_.find(bounds->head);
    if (entry == nullptr) return std::nullopt;  // The store could not be read; the owner stops at its fault.
    next_ = entry->deadline;
    if (now < entry->deadline) return std::nullopt;
    std::string key = entry->key;
    entries_.erase(bounds->head);
    ++bounds_.edit("").head;
    next_.reset();
    return key;
  }

  std::uint64_t size() {
    const Bounds* bounds = bounds_.find("");
    return bounds == nullptr ? 0 : bounds->tail - bounds->head;
  }

  void freeze() override {
    entries_.freeze();
    bounds_.freeze();
  }
  bool drain(process::StateBatch& batch, std::size_t entries) override {
    return entries_.drain(batch, entries) && bounds_.drain(batch, entries);
  }
  void committed() override {
    entries_.committed();
    bounds_.committed();
  }

 private:
  static constexpr std::size_t kCached = 4096;
  struct Entry {
    std::string key;
    base::WallTime deadline;
    void encode(std::string& out) const {
      base::ByteWriter writer(out);
      writer.zigzag(deadline.ms);
      writer.text(key);
    }
    static bool decode(std::string_view bytes, Entry& into) {
      base::ByteReader reader(bytes);
      into.deadline.ms = reader.zigzag();
      into.key = reader.text();
      return reader.ok() && reader.at_end();
    }
  };
  struct Bounds {
    std::uint64_t head = 0, tail = 0;
    void encode(std::string& out) const {
      base::ByteWriter writer(out);
      writer.varint(head);
      writer.varint(tail);
    }
    static bool decode(std::string_view bytes, Bounds& into) {
      base::ByteReader reader(bytes);
      into.head = reader.varint();
      into.tail = reader.varint();
      return reader.ok() && reader.at_end() && into.head <= into.tail;
    }
  };

  process::KeyedState<Entry, process::NumberKey> entries_;
  process::KeyedState<Bounds> bounds_;
  std::optional<base::WallTime>
      next_;  // Deadline of the first entry, when it is known; the end of time when there is none.
};

}  // namespace millrace::commerce
