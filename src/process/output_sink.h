#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "event/fact.h"
#include "event/row.h"
#include "event/view.h"
#include "journal/journal.h"
#include "process/stage.h"

namespace millrace::process {

// What records [from, to) of one partition gave for the lake. Batches of a partition come in order and
// without gaps; after a restart some come again.
struct RowBatch {
  event::Topic topic = event::Topic::events;
  std::uint32_t partition = 0;
  journal::Offset from;
  journal::Offset to;
  std::shared_ptr<const journal::RecordBatch> records;
  std::vector<event::EventRow> events;
  std::vector<event::SessionRow> sessions;
  std::vector<event::OrderRow> orders;
  std::vector<event::FunnelCell> funnel;
  std::vector<std::pair<std::uint64_t, std::string>> poison;
};

// Where one partition's outputs go. All calls come from the thread that drives the partition's owner.
//
// Rows and emissions are handed over only when the records that caused them are durable: a power cut must not
// leave the effect of a record whose offset will be given to another one. Views and outcomes come at once.
class OutputSink {
 public:
  virtual ~OutputSink() = default;

  // False while too much of what was handed over is still on its way: the owner then takes no further record.
  virtual bool ready() = 0;
  // Why nothing can be handed over any more; the owner then stops for good.
  virtual const base::Error* fault() = 0;

  // Number of partitions of a topic.
  virtual std::uint32_t partitions(event::Topic topic) const = 0;
  // Appends a record to a journal, in the order of the calls.
  virtual void emit(event::Topic topic, std::uint32_t partition, std::string_view payload) = 0;
  // After the last emission of a batch, and whenever the owner had nothing to do.
  virtual void flush() = 0;
  // Asks for everything emitted so far to be made durable; emissions_durable() tells when that is done.
  virtual void sync_emissions() = 0;
  virtual bool emissions_durable() = 0;

  virtual void rows(RowBatch&& batch) = 0;
  virtual void views(event::ViewGroup&& group) = 0;
  virtual void outcomes(std::vector<Outcome>&& outcomes) = 0;
};

}  // namespace millrace::process
