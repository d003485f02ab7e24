#include "collect/refusal_counts.h"

namespace millrace::collect {

void RefusalCounts::count(std::optional<std::uint16_t> source, std::string_view code) {
  const std::lock_guard lock(mutex_);
  ++requests_[{source, code}];
}

std::vector<RefusalCounts::Entry> RefusalCounts::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Entry> entries;
  entries.reserve(requests_.size());
  for (const auto& [key, requests] : requests_) entries.push_back({key.first, key.second, requests});
  return entries;
}

}  // namespace millrace::collect
