#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lake/object_store.h"

namespace millrace::lake {

// Objects in a map. Any thread.
class MemoryObjectStore final : public ObjectStore {
 public:
  base::Result<Created> create(std::string_view name, std::string_view bytes) override;
  base::Result<std::string> read(std::string_view name) const override;
  base::Result<std::vector<std::string>> list(std::string_view prefix) const override;
  base::Status replace(std::string_view name, std::string_view bytes) override;
  base::Status remove(std::string_view name) override;
  std::string location(std::string_view name) const override { return "memory://" + std::string(name); }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> objects_;
};

}  // namespace millrace::lake
