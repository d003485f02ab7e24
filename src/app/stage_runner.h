#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/worker.h"
#include "process/partition_owner.h"
#include "process/rocks_state_store.h"
#include "process/stage.h"

namespace millrace::app {

// One partition of one stage, on a thread of its own.
//
// A checkpoint runs across two threads: the coordinator asks for one and polls prepared(); the owner's thread drains; the
// coordinator commits the batch to the store, then tells finished().
class StageRunner {
 public:
  struct Parts {
    std::unique_ptr<process::StateStore> store;
    std::unique_ptr<process::Stage> stage;
    std::unique_ptr<process::OutputSink> sink;
    const journal::Journal* journal = nullptr;
    process::OwnerSettings owner;
  };
  static base::Result<std::unique_ptr<StageRunner>> open(Parts parts);
  ~StageRunner() { stop(); }

  void start();
  void stop();
  void wake() { worker_.wake(); }  // Any thread: there may be something to read.

  void request_checkpoint();
  // True once the drained batch is there, or when there was nothing to checkpoint.
  bool checkpoint_settled() const { return phase_ == Phase::prepared || phase_ == Phase::nothing; }
  // The batch to commit; null when there was nothing.
  const process::StateBatch* checkpoint_batch() const;
  journal::Offset checkpoint_barrier() const { return owner_.checkpoint_barrier(); }  // Of the batch.
  void checkpoint_committed();
  // The batch stays prepared for the next round.
  process::StateStore& store() { return *parts_.store; }

  event::Topic topic() const { return parts_.owner.topic; }
  std::uint32_t partition() const { return parts_.owner.partition; }
  // Figures as of the last turn; any thread.
  std::uint64_t position() const { return position_.load(std::memory_order_relaxed); }
  std::uint64_t committed() const { return committed_.load(std::memory_order_relaxed); }
  std::uint64_t poisoned() const { return poisoned_.load(std::memory_order_relaxed); }
  // What the stage keeps figures of, as of a turn after the last time it was asked.
  std::vector<process::StageFigure> stage_figures() const;
  // Why the partition stopped for good; empty while it runs.
  std::string stopped_by() const;

 private:
  enum class Phase : std::uint8_t { none, requested, draining, prepared, nothing, committed };
  explicit StageRunner(Parts parts);
  std::int64_t turn();
  void advance_checkpoint();
  void publish_figures();

  Parts parts_;
  process::PartitionOwner owner_;
  std::atomic<Phase> phase_{Phase::none};
  std::atomic<std::uint64_t> position_{0};
  std::atomic<std::uint64_t> committed_{0};
  std::atomic<std::uint64_t> poisoned_{0};
  mutable std::mutex stopped_mutex_;
  std::string stopped_by_;
  mutable std::atomic<bool> figures_wanted_{true};
  mutable std::mutex figures_mutex_;
  std::vector<process::StageFigure> stage_figures_;
  Worker worker_;
};

}  // namespace millrace::app
