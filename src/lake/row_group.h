#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "event/fact.h"
#include "event/row.h"
#include "journal/journal.h"

namespace millrace::lake {

// The rows that records [from, to) of one journal partition gave. Groups of a partition arrive in order and without
// gaps; after a crash some arrive again, and what a table has committed already is dropped by offset.
struct RowGroup {
  event::Topic topic = event::Topic::events;
  std::uint32_t partition = 0;
  journal::Offset from;
  journal::Offset to;
  std::shared_ptr<const journal::RecordBatch> records;  // Those of `events`, and the quarantined ones.
  std::vector<event::EventRow> events;
  std::vector<event::SessionRow> sessions;
  std::vector<event::OrderRow> orders;
  std::vector<event::FunnelCell> funnel;
  std::vector<std::pair<std::uint64_t, std::string>>
      poison;  // Offsets in `records` that a step refused, with the reason.
};

}  // namespace millrace::lake
