#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "process/state_store.h"

namespace millrace::process {

// API sketch; the owner of src/process completes it. A write-back cache of the entries of one prefix of a StateStore, as
// values of type T (with `void encode(std::string& out) const` and `static bool decode(std::string_view, T&)`).
//   T* find(key)      the value, or nullptr when there is none; const use only
//   T& edit(key)      the value, made with T{} when absent; counts as changed
//   void erase(key)
//   freeze() / drain(batch, entries): see Stage; an entry that is edited while frozen is encoded first (copy on write)
// Clean entries beyond `entries_max` are evicted, least recently used first; changed ones never.

}  // namespace millrace::process
