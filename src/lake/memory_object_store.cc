#include "lake/memory_object_store.h"

namespace millrace::lake {

base::Result<Created> MemoryObjectStore::create(std::string_view name, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  return objects_.emplace(name, bytes).second ? Created::yes : Created::exists_already;
}

base::Result<std::string> MemoryObjectStore::read(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(name);
  if (found == objects_.end()) {
    return base::Error(base::ErrorCode::not_found, "no object " + std::string(name));
  }
  return found->second;
}

base::Result<std::vector<std::string>> MemoryObjectStore::list(std::string_view prefix) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at) {
    names.push_back(at->first);
  }
  return names;
}

base::Status MemoryObjectStore::replace(std::string_view name, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  objects_.insert_or_assign(std::string(name), std::string(bytes));
  return base::Ok{};
}

base::Status MemoryObjectStore::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = objects_.find(name); found != objects_.end()) objects_.erase(found);
  return base::Ok{};
}

}  // namespace millrace::lake
