#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "process/checkpointed.h"
#include "process/state_store.h"

namespace millrace::commerce {

// One small value of a stage's state under a key of its own, always in memory. T has encode() and decode() as
// the values of a KeyedState have.
template <class T>
class CheckpointedValue final : public process::Checkpointed {
 public:
  CheckpointedValue(const process::StateStore& store, std::string key)
      : store_(store), key_(std::move(key)) {}

  // Keeps T{} when the store has none.
  base::Status restore() {
    TRY_ASSIGN(const auto stored, store_.get(key_));
    if (!stored.has_value() || T::decode(*stored, live_)) return base::Ok{};
    return base::Error(base::ErrorCode::corrupt, "state entry cannot be decoded: " + key_);
  }

  const T& get() const { return live_; }
  T& edit() { return live_; }

  void freeze() override {
    frozen_.clear();
    live_.encode(frozen_);
    drained_ = false;
  }
  bool drain(process::StateBatch& batch, std::size_t) override {
    if (!drained_) batch.put(key_, frozen_);
    drained_ = true;
    return true;
  }
  void committed() override {}

 private:
  const process::StateStore& store_;
  std::string key_;
  T live_;
  std::string frozen_;
  bool drained_ = true;
};

}  // namespace millrace::commerce
