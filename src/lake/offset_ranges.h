#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/fact.h"
#include "journal/journal.h"

namespace millrace::lake {

struct JournalPartition {
  event::Topic topic = event::Topic::events;
  std::uint32_t partition = 0;
  auto operator<=>(const JournalPartition&) const = default;
};

// Records [from, to) of one journal partition.
struct OffsetRange {
  JournalPartition source;
  journal::Offset from;
  journal::Offset to;
  bool operator==(const OffsetRange&) const = default;
};
using OffsetRanges = std::vector<OffsetRange>;

// The next offset each journal partition owes to a table.
using CommittedOffsets = std::map<JournalPartition, journal::Offset>;

// {"events/0":[10,25]} and {"events/0":25}; docs/formats/iceberg.md.
std::string to_json(const OffsetRanges& ranges);
std::string to_json(const CommittedOffsets& offsets);
base::Result<CommittedOffsets> parse_committed_offsets(std::string_view json);

// The offsets after a commit of `ranges`. conflict when a range begins before what is committed, in whole or
// in part: its rows are in the table already. invalid_argument when it would leave a gap, is empty or appears
// twice. A partition that never committed may begin anywhere.
base::Result<CommittedOffsets> advance(const CommittedOffsets& committed, const OffsetRanges& ranges);

}  // namespace millrace::lake
