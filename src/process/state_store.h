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

// Changes that become durable together. A later change of the same key wins.
class StateBatch {
 public:
  void put(std::string_view key, std::string_view value) { changes_.emplace_back(std::string(key), std::string(value)); }
  void erase(std::string_view key) { changes_.emplace_back(std::string(key), std::nullopt); }
  const std::vector<std::pair<std::string, std::optional<std::string>>>& changes() const { return changes_; }
  std::size_t size() const { return changes_.size(); }

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> changes_;
};

// Keyed state of one partition, including the journal position it reflects (an entry like any other).
//
// commit() makes all of a batch durable or none of it. That single atomic step is what turns at-least-once
// delivery into exactly-once state: after a crash the partition resumes from the position that it finds.
// Reads are safe from any thread and see committed batches only.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual base::Result<std::optional<std::string>> get(std::string_view key) const = 0;
  // In key order; stops when `visit` returns false.
  virtual base::Status scan(std::string_view prefix,
                            const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
  virtual base::Status commit(const StateBatch& batch) = 0;
};

}  // namespace millrace::process
