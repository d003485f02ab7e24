#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "process/state_store.h"

namespace millrace::process {

// A StateStore that lives as long as the process: for tests and for recomputing state from the journal.
class MemoryStateStore final : public StateStore {
 public:
  base::Result<std::optional<std::string>> get(std::string_view key) const override;
  base::Status scan_from(std::string_view prefix, std::string_view from, const Visit& visit) const override;
  base::Status commit(const StateBatch& batch) override;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> entries_;
};

}  // namespace millrace::process
