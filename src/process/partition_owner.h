#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "event/event.h"
#include "event/fact.h"
#include "journal/journal.h"
#include "process/output_sink.h"
#include "process/stage.h"
#include "process/state_store.h"

namespace millrace::process {

// How far a journal is read.
enum class ReadLimit : std::uint8_t {
  durable,  // What a power cut cannot take: the events.
  // What has an offset: facts, whose causes are durable. Rows and emissions still wait for durability.
  appended,
};

struct OwnerSettings {
  event::Topic topic = event::Topic::events;
  std::uint32_t partition = 0;
  ReadLimit read_limit = ReadLimit::durable;
  std::size_t read_bytes_max = 256u << 10;  // Per step.
  std::size_t output_bytes_max = 4u << 20;  // Emitted in a step: the record that reaches it is its last.
  std::size_t drain_entries = 256;          // Of a checkpoint, per step: some 100 us ...
  // ... or as many for each record of the step before, when that is more: what records change must not come faster than it is
  // drained.
  std::size_t drain_per_record = 4;
  std::size_t held_batches_max = 256;        // Whose rows and emissions wait for durability.
  std::optional<journal::Offset> stop_at{};  // Where the input ends, for recomputations.
};

// Drives one stage over one partition: reads records in order, keeps position, high-water marks and the
// stage's state together in the store, hands outputs on. A pure core: no thread and no clock; somebody calls
// step(). One thread at a time.
//
// Checkpoint protocol (docs/decisions/0010-state-checkpoints.md), run by the caller every few seconds:
//   begin_checkpoint()     marks the barrier: the state after all records below it;
//   step() ...             drains a slice each, beside its other work, until checkpoint_prepared();
//   ...                    the lake has committed all rows below the barrier;
//   store.commit(checkpoint_batch())   on any thread;
//   finish_checkpoint()    on the owner's thread, after ok.
// After a crash the owner resumes from the last barrier committed and hands out again what came after it.
class PartitionOwner {
 public:
  enum class Progress : std::uint8_t {
    worked,   // Call again at once.
    idle,     // Nothing to read until the journal grows or, when something is held, is synced.
    blocked,  // The sink is not ready, or too much waits for durability.
    stopped,  // For good; stopped_by() says why.
  };
  struct Figures {
    std::uint64_t records = 0;
    std::uint64_t poisoned = 0;
    std::uint64_t repeated_facts = 0;  // Dropped: not above their source's high-water mark.
    std::uint64_t checkpoints = 0;
  };

  PartitionOwner(const journal::Journal& journal, StateStore& store, Stage& stage, OutputSink& sink,
                 OwnerSettings settings);

  // Before any other call. Takes a new epoch, restores the stage, publishes its first views.
  base::Status restore();
  Progress step();

  // The barrier; nullopt when a checkpoint is under way or nothing was read since the last one.
  std::optional<journal::Offset> begin_checkpoint();
  bool checkpoint_under_way() const { return checkpoint_.phase != Checkpoint::Phase::none; }
  // Drained, its emissions durable, its records durable.
  bool checkpoint_prepared() const { return checkpoint_.phase == Checkpoint::Phase::prepared; }
  journal::Offset checkpoint_barrier() const { return checkpoint_.barrier; }
  // Does not change between checkpoint_prepared() and finish_checkpoint(): another thread may commit it.
  const StateBatch& checkpoint_batch() const { return checkpoint_.batch; }
  void finish_checkpoint();

  journal::Offset position() const { return position_; }  // Of the next record to read.
  journal::Offset committed() const {
    return committed_;
  }  // Barrier of the last checkpoint: replay starts here.
  journal::Offset released() const {
    return held_.empty() ? position_ : held_.front().rows.from;
  }  // Rows handed on below it.
  std::uint64_t epoch() const { return epoch_; }
  const base::Error* stopped_by() const { return stopped_by_ ? &*stopped_by_ : nullptr; }
  const Figures& figures() const { return figures_; }

 private:
  struct Mark {
    std::uint64_t offset = 0;
    std::uint32_t index = 0;
    auto operator<=>(const Mark&) const = default;
  };
  struct Checkpoint {
    enum class Phase : std::uint8_t { none, draining, releasing, syncing, prepared };
    Phase phase = Phase::none;
    journal::Offset barrier;
    StateBatch batch;
  };
  struct Held {
    RowBatch rows;
    std::vector<Emission> emissions;
    std::string bodies;
  };

  base::Status restore_position();
  base::Status take_epoch();
  journal::Offset readable_end() const;
  base::Status process(const std::shared_ptr<const journal::RecordBatch>& batch, std::size_t count);
  base::Status process_record(const Position& position, std::string_view payload);
  base::Status attempt(const Position& position, std::string_view payload);
  base::Result<bool> is_repeated(std::string_view payload);
  void publish(const std::shared_ptr<const journal::RecordBatch>& batch, std::size_t count);
  base::WallTime newest_receipt(const journal::RecordBatch& batch, std::size_t count);
  bool release_held();
  void publish_views(base::WallTime received_at, std::uint32_t part = 0);
  void emit(const Held& held);
  std::size_t drain_entries() const;
  bool advance_checkpoint();
  Progress stop(base::Error error);

  const journal::Journal& journal_;
  StateStore& store_;
  Stage& stage_;
  OutputSink& sink_;
  const OwnerSettings settings_;

  journal::Offset position_;
  journal::Offset committed_;
  std::uint64_t epoch_ = 0;
  std::map<std::pair<event::Topic, std::uint32_t>, Mark> high_water_;
  std::map<std::pair<event::Topic, std::uint32_t>, Mark> changed_high_water_;  // Since the last freeze.
  Outputs outputs_;
  std::deque<Held> held_;
  Checkpoint checkpoint_;
  std::optional<base::Error> stopped_by_;
  Figures figures_;
  std::size_t step_records_ = 0;  // Of the last step that had any.
  event::Event event_;
  std::string payload_;
  // Memory of emissions that went out, to use again.
  std::vector<Emission> spare_emissions_;
  std::string spare_bodies_;
};

}  // namespace millrace::process
