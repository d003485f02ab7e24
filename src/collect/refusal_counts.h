#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::collect {

// How many requests were turned away as a whole, by whose they were and why, since the start. Nothing of them was stored and their
// clients were told, so the ledger has none of them. Bounded by sources times codes. Any thread.
class RefusalCounts {
 public:
  // `source`: none when the request did not show whose it is. `code` is of static lifetime.
  void count(std::optional<std::uint16_t> source, std::string_view code);

  struct Entry {
    std::optional<std::uint16_t> source;
    std::string_view code;
    std::uint64_t requests = 0;
  };
  std::vector<Entry> entries() const;  // By source, those of nobody first, and code.

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::optional<std::uint16_t>, std::string_view>, std::uint64_t> requests_;
};

}  // namespace millrace::collect
