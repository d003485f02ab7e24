#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/fact.h"
#include "event/record.h"
#include "event/row.h"
#include "event/view.h"
#include "journal/journal.h"
#include "process/checkpointed.h"
#include "process/state_store.h"

namespace millrace::process {

// A record for another journal, still without its source position, which the owner adds.
struct Emission {
  event::Topic topic = event::Topic::facts;
  std::uint64_t key_hash = 0;  // Chooses the partition.
  std::uint64_t offset = 0;    // Of the record that caused it.
  std::size_t body_end = 0;    // In Outputs::bodies, where it begins where the one before it ends.
};

// The answer to a command record, for whoever waits for it.
struct Outcome {
  std::uint64_t offset = 0;
  int status = 200;
  std::string body;  // JSON.
};

// What the records of one journal batch gave. A value: handing it on twice changes nothing downstream.
struct Outputs {
  std::vector<Emission> emissions;
  std::string bodies;  // Encoded facts.
  std::vector<Outcome> outcomes;
  std::vector<event::ViewUpdate> views;
  event::VisitorViews visitors;
  std::vector<event::EventRow> events;
  std::vector<event::SessionRow> sessions;
  std::vector<event::OrderRow> orders;
  std::vector<event::FunnelCell> funnel;
  // Offsets of records that a step refused twice, with the reason; their bytes are in the journal.
  std::vector<std::pair<std::uint64_t, std::string>> poison;
  base::WallTime
      cells_from;  // Of restore(): cells of earlier minutes may be gone from the state; 0: none is.
  template <class Fact>
  void emit(event::Topic topic, std::uint64_t key_hash, std::uint64_t offset, const Fact& fact) {
    event::encode_fact_body(fact, bodies);
    emissions.push_back({topic, key_hash, offset, bodies.size()});
  }
  // Of emissions[i]; points into `bodies`.
  std::string_view body(std::size_t i) const;
  base::Result<event::Fact> fact(std::size_t i) const { return event::decode_fact_body(body(i)); }

  void clear();
  // How much there is of each, to take back what a refused record added.
  using Sizes = std::array<std::size_t, 9>;
  Sizes sizes() const;
  void truncate(const Sizes& sizes);
};

// A figure that a stage keeps, for /metrics.
struct StageFigure {
  enum class Kind : std::uint8_t { counter, gauge };
  std::string_view name;  // "millrace_..."; of a counter "..._total". Both texts are literals.
  std::string_view help;
  Kind kind = Kind::counter;
  std::uint64_t value = 0;
};

// Where in the journal a record is.
struct Position {
  std::uint32_t partition = 0;
  journal::Offset offset;
  std::uint32_t index = 0;  // Within the batch being processed, for event::EventRow.
};

using Publish = std::function<void()>;

// One stage over one partition: the pure core that the partition's owner drives. It owns no thread, does no
// I/O but reads of its StateStore, and never asks what time it is: the same records on the same state always
// give the same outputs and the same state, byte for byte. A checkpoint is the state after the last record.
class Stage : public Checkpointed {
 public:
  // Reads what the stage keeps in memory from its store (open sessions, timers, rankings); emits the views
  // that serving needs from the start. `publish` shows those that are in `out` and takes them from there: a stage with many
  // calls it between them, for memory that nobody touched yet is dear. Called once, before any record.
  virtual base::Status restore(Outputs& out, const Publish& publish) = 0;
  // A record that on_record() will get soon, in the same order: a chance to fetch memory. Must change nothing.
  virtual void expect(std::string_view payload) { static_cast<void>(payload); }
  // invalid_argument: this record cannot be processed; nothing of it was applied. Other errors stop the
  // partition. What was added to `out` before an error is taken back. Records of all kinds arrive, ticks
  // included.
  virtual base::Status on_record(const Position& position, std::string_view payload, Outputs& out) = 0;
  // Called after the last record of a batch: the place to publish what is worth publishing once per batch
  // (cells, rankings). Where batches end differs between runs, so it may add views only and must not change
  // state.
  virtual void on_batch_end(Outputs& out) = 0;
  // As of the last record; only for the thread that runs the stage.
  virtual std::vector<StageFigure> figures() const { return {}; }
};

}  // namespace millrace::process
