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

// Reads a whole data set, in order of time (rows of one time as in the file). docs/guide/replay-formats.md is the mapping.
// invalid_argument names the line.
using ReplayFormat = base::Result<std::vector<ReplayItem>> (*)(std::string_view text);
// nullptr for an unknown name.
ReplayFormat replay_format(std::string_view name);

}  // namespace millrace::tools
