#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace millrace::process {

// Changes that become durable together. A later change of the same key wins; erased prefixes go first,
// whenever they were added.
class StateBatch {
 public:
  void put(std::string_view key, std::string_view value) { add(key, value, Kind::put); }
  void erase(std::string_view key) { add(key, {}, Kind::erase); }
  // Every key in the store that begins with `prefix`, which must not be empty nor all 0xff.
  void erase_prefix(std::string_view prefix) { erased_prefixes_.emplace_back(prefix); }
  void append(const StateBatch& other) {
    other.for_each([this](std::string_view key, std::optional<std::string_view> value) {
      value ? put(key, *value) : erase(key);
    });
    erased_prefixes_.insert(erased_prefixes_.end(), other.erased_prefixes_.begin(),
                            other.erased_prefixes_.end());
  }
  void clear() { *this = StateBatch(); }

  std::size_t size() const { return size_ + erased_prefixes_.size(); }
  std::size_t bytes() const { return byte_count_ + size_ * sizeof(Change); }
  const std::vector<std::string>& erased_prefixes() const { return erased_prefixes_; }
  // visit(key, value): in the order they were made; nullopt erases.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Page& page : pages_) {
      std::size_t start = 0;
      for (const Change& change : page.changes) {
        const std::string_view key(page.bytes.data() + start, change.key_size);
        const std::string_view value(key.data() + key.size(), change.value_size);
        start += key.size() + value.size();
        if (change.kind == Kind::erase) {
          visit(key, std::optional<std::string_view>());
        } else {
          visit(key, std::optional<std::string_view>(value));
        }
      }
    }
  }

 private:
  enum class Kind : std::uint8_t { put, erase };
  struct Change {
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    Kind kind = Kind::put;
  };
  // Changes lie in pages, so that a growing batch is never copied: that would be milliseconds in the middle
  // of a step.
  struct Page {
    std::string bytes;
    std::vector<Change> changes;
  };
  static constexpr std::size_t kPageBytes = 64u << 10;

  void add(std::string_view key, std::string_view value, Kind kind) {
    const std::size_t wanted = key.size() + value.size();
    if (pages_.empty() || pages_.back().bytes.size() + wanted > kPageBytes) {
      pages_.emplace_back();
      pages_.back().bytes.reserve(wanted > kPageBytes ? wanted : kPageBytes);
    }
    Page& page = pages_.back();
    page.changes.push_back(
        {static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), kind});
    page.bytes.append(key);
    page.bytes.append(value);
    byte_count_ += wanted;
    ++size_;
  }
  std::deque<Page> pages_;
  std::size_t size_ = 0;
  std::size_t byte_count_ = 0;
  std::vector<std::string> erased_prefixes_;
};

// Keyed state of one partition, including the journal position it reflects (an entry like any other).
//
// commit() makes all of a batch durable or none of it. That single atomic step is what turns at-least-once
// delivery into exactly-once state: after a crash the partition resumes from the position that it finds.
// Reads are safe from any thread and see committed batches only.
//
// Keys that begin with kReservedPrefix belong to the runtime; those that begin with kDerivedPrefix hold what
// can be made again from the others (filters), and are not compared by verify.
class StateStore {
 public:
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;

  virtual ~StateStore() = default;
  virtual base::Result<std::optional<std::string>> get(std::string_view key) const = 0;
  // Keys that begin with `prefix` and are not below `from`, in order; stops when `visit` returns false.
  virtual base::Status scan_from(std::string_view prefix, std::string_view from,
                                 const Visit& visit) const = 0;
  virtual base::Status commit(const StateBatch& batch) = 0;

  base::Status scan(std::string_view prefix, const Visit& visit) const {
    return scan_from(prefix, prefix, visit);
  }

  // visit(key, value) for those of `keys` that are there below `prefix`, without it, in their order, until it returns false.
  // Sorted, none twice. Goes on from entry to entry where they lie close, which takes a fraction of as many get().
  base::Status find_all(std::string_view prefix, std::span<const std::string> keys, const Visit& visit) const;

  // A read-through cache has no way to answer "I could not look". It notes the fault here and answers
  // "absent"; the partition's owner looks after every record, and stops before anything computed from that
  // answer is published. Only for the thread that runs the stage.
  void note_fault(base::Error error) const {
    if (!fault_) fault_ = std::move(error);
  }
  const std::optional<base::Error>& fault() const { return fault_; }

 private:
  mutable std::optional<base::Error> fault_;
};

constexpr char kReservedPrefix = '!';
constexpr char kDerivedPrefix = '~';

}  // namespace millrace::process
