#include "process/memory_state_store.h"

#include <algorithm>
#include <vector>

namespace millrace::process {

base::Result<std::optional<std::string>> MemoryStateStore::get(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

base::Status MemoryStateStore::scan_from(std::string_view prefix, std::string_view from,
                                         const Visit& visit) const {
  // The visitor may read the store, so it is called without the lock, a slice at a time.
  constexpr std::size_t kSlice = 256;
  std::string next(std::max(prefix, from));
  std::vector<std::pair<std::string, std::string>> slice;
  for (;;) {
    slice.clear();
    {
      const std::lock_guard lock(mutex_);
      for (auto entry = entries_.lower_bound(next); entry != entries_.end() && slice.size() < kSlice;
           ++entry) {
        if (!entry->first.starts_with(prefix)) break;
        slice.push_back(*entry);
      }
    }
    for (const auto& [key, value] : slice) {
      if (!visit(key, value)) return base::Ok{};
    }
    if (slice.size() < kSlice) return base::Ok{};
    next = slice.back().first;
    next.push_back('\0');
  }
}

base::Status MemoryStateStore::commit(const StateBatch& batch) {
  const std::lock_guard lock(mutex_);
  for (const std::string& prefix : batch.erased_prefixes()) {
    auto entry = entries_.lower_bound(prefix);
    while (entry != entries_.end() && entry->first.starts_with(prefix)) entry = entries_.erase(entry);
  }
  batch.for_each([this](std::string_view key, std::optional<std::string_view> value) {
    if (value) {
      entries_.insert_or_assign(std::string(key), std::string(*value));
    } else if (const auto found = entries_.find(key); found != entries_.end()) {
      entries_.erase(found);
    }
  });
  return base::Ok{};
}

}  // namespace millrace::process
