#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "process/state_store.h"

namespace millrace::process {

// State in memory that goes into a checkpoint without stopping. In this order, again and again:
//   freeze()     O(1): what is changed now belongs to the checkpoint, as it is now;
//   drain()      some calls, with changes and reads in between: moves about `entries` frozen changes at a
//                time into the batch and returns true when none is left;
//   committed()  O(1), after the store's commit() returned ok. Until then everything drained stays in
//                memory, because the store cannot answer for it yet. There may be much time and many
//                changes between drain and committed.
class Checkpointed {
 public:
  virtual ~Checkpointed() = default;
  virtual void freeze() = 0;
  virtual bool drain(StateBatch& batch, std::size_t entries) = 0;
  virtual void committed() = 0;
};

// The parts of a stage's state, as one. Parts are drained in the order given.
class CheckpointedParts final : public Checkpointed {
 public:
  explicit CheckpointedParts(std::vector<Checkpointed*> parts) : parts_(std::move(parts)) {}
  void freeze() override {
    for (Checkpointed* part : parts_) part->freeze();
    next_ = 0;
  }
  bool drain(StateBatch& batch, std::size_t entries) override {
    const std::size_t start = batch.size();
    while (next_ < parts_.size()) {
      const std::size_t used = batch.size() - start;
      if (used >= entries) return false;
      if (!parts_[next_]->drain(batch, entries - used)) return false;
      ++next_;
    }
    return true;
  }
  void committed() override {
    for (Checkpointed* part : parts_) part->committed();
  }

 private:
  std::vector<Checkpointed*> parts_;
  std::size_t next_ = 0;
};

}  // namespace millrace::process
