#include "process/state_store.h"

namespace millrace::process {

namespace {
// Entries gone over in vain before the next key is looked for instead: about what that costs.
constexpr int kPassedMax = 24;
}  // namespace

base::Status StateStore::find_all(std::string_view prefix, std::span<const std::string> keys,
                                  const Visit& visit) const {
  std::size_t next = 0;
  bool again = !keys.empty();
  while (again) {
    again = false;
    int passed = 0;
    const std::string from = std::string(prefix).append(keys[next]);
    TRY(scan_from(prefix, from, [&](std::string_view stored, std::string_view value) {
      const std::string_view key = stored.substr(prefix.size());
      while (next < keys.size() && keys[next] < key) ++next;
      if (next == keys.size()) return false;
      if (keys[next] == key) {
        passed = 0;
        return visit(key, value) && ++next < keys.size();
      }
      again = ++passed == kPassedMax;
      return !again;
    }));
  }
  return base::Ok{};
}

}  // namespace millrace::process
