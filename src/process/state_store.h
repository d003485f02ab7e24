#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace millrace::process {

// Changes that become durable together. A later change of the same key wins; erased prefixes go first, whenever they were
// added. Kept as one run of bytes, so that a batch of a hundred thousand changes is a few allocations.
class StateBatch {
 public:
  void put(std::string_view key, std::string_view value) { add(key, value, Kind::put); }
  void erase(std::string_view key) { add(key, {}, Kind::erase); }
  // Every key in the store that begins with `prefix`, which must not be empty nor all 0xff.
  void erase_prefix(std::string_view prefix) { erased_prefixes_.emplace_back(prefix); }
  void append(const StateBatch& other) {
    for (Change change : other.changes_) {
      change.start += bytes_.size();
      changes_.push_back(change);
    }
    bytes_.append(other.bytes_);
    erased_prefixes_.insert(erased_prefixes_.end(), other.erased_prefixes_.begin(), other.erased_prefixes_.end());
  }
  void clear() {
    bytes_.clear();
    changes_.clear();
    erased_prefixes_.clear();
  }

  std::size_t size() const { return changes_.size() + erased_prefixes_.size(); }
  std::size_t bytes() const { return bytes_.size() + changes_.size() * sizeof(Change); }
  const std::vector<std::string>& erased_prefixes() const { return erased_prefixes_; }
  // visit(key, value): in the order they were made; nullopt erases.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Change& change : changes_) {
      const std::string_view both(bytes_.data() + change.start, std::size_t{change.key_size} + change.value_size);
      const std::string_view key = both.substr(0, change.key_size);
      if (change.kind == Kind::erase) {
        visit(key, std::optional<std::string_view>());
      } else {
        visit(key, std::optional<std::string_view>(both.substr(change.key_size)));
      }
    }
  }

 private:
  enum class Kind : std::uint8_t { put, erase };
  struct Change {
    std::size_t start = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    Kind kind = Kind::put;
  };
  void add(std::string_view key, std::string_view value, Kind kind) {
    changes_.push_back({bytes_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()), kind});
    bytes_.append(key);
    bytes_.append(value);
  }
  std::string bytes_;
  std::vector<Change> changes_;
  std::vector<std::string> erased_prefixes_;
};

// Keyed state of one partition, including the journal position it reflects (an entry like any other).
//
// commit() makes all of a batch durable or none of it. That single atomic step is what turns at-least-once
// delivery into exactly-once state: after a crash the partition resumes from the position that it finds.
// Reads are safe from any thread and see committed batches only.
//
// Keys that begin with kReservedPrefix belong to the runtime; those that begin with kDerivedPrefix hold what can be made
// again from the others (filters), and are not compared by verify.
class StateStore {
 public:
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;

  virtual ~StateStore() = default;
  virtual base::Result<std::optional<std::string>> get(std::string_view key) const = 0;
  // Keys that begin with `prefix` and are not below `from`, in order; stops when `visit` returns false.
  virtual base::Status scan_from(std::string_view prefix, std::string_view from, const Visit& visit) const = 0;
  virtual base::Status commit(const StateBatch& batch) = 0;

  base::Status scan(std::string_view prefix, const Visit& visit) const { return scan_from(prefix, prefix, visit); }

  // A read-through cache has no way to answer "I could not look". It notes the fault here and answers "absent"; the
  // partition's owner looks after every record, and stops before anything computed from that answer is published.
  // Only for the thread that runs the stage.
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
