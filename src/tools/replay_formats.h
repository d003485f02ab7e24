#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::tools {

// One row of a data set as an item of the Segment dialect.
struct ReplayItem {
  std::int64_t at_ms = 0;
  std::string json;
};

struct ReplaySet {
  std::vector<ReplayItem> items;
  std::uint64_t unreadable = 0;  // Rows that were left out,
  std::string first_unreadable;  // and what is wrong with the first: "line 3: ...".
};

// Reads a whole data set, in order of time (rows of one time as in the file). docs/guide/replay-formats.md is the mapping.
using ReplayFormat = ReplaySet (*)(std::string_view text);
// nullptr for an unknown name.
ReplayFormat replay_format(std::string_view name);

}  // namespace millrace::tools
