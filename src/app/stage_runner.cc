#include "app/stage_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace millrace::app {

namespace {
// Progress of the journals wakes the runner; the timeout only bounds what a missed wake-up could cost.
constexpr std::int64_t kIdleMs = 100;
constexpr std::int64_t kBlockedMs = 1;
}  // namespace

StageRunner::StageRunner(Parts parts)
    : parts_(std::move(parts)),
      owner_(*parts_.journal, *parts_.store, *parts_.stage, *parts_.sink, parts_.owner),
      worker_(fmt::format("s-{}-{}", event::to_string(parts_.owner.topic), parts_.owner.partition),
              Priority::steady, [this] { return turn(); }) {}

base::Result<std::unique_ptr<StageRunner>> StageRunner::open(Parts parts) {
  std::unique_ptr<StageRunner> runner(new StageRunner(std::move(parts)));
  if (auto restored = runner->owner_.restore(); !restored.ok()) {
    return std::move(restored).error().with_context(
        fmt::format("{}/{}: restore", event::to_string(runner->topic()), runner->partition()));
  }
  runner->publish_figures();
  return runner;
}

void StageRunner::start() { worker_.start(); }
void StageRunner::stop() { worker_.stop(); }

void StageRunner::publish_figures() {
  position_.store(owner_.position().value, std::memory_order_relaxed);
  committed_.store(owner_.committed().value, std::memory_order_relaxed);
  poisoned_.store(owner_.figures().poisoned, std::memory_order_relaxed);
  if (!figures_wanted_.load(std::memory_order_relaxed)) return;
  figures_wanted_ = false;
  auto figures = parts_.stage->figures();
  const std::lock_guard lock(figures_mutex_);
  stage_figures_.swap(figures);
}

std::vector<process::StageFigure> StageRunner::stage_figures() const {
  figures_wanted_ = true;
  const std::lock_guard lock(figures_mutex_);
  return stage_figures_;
}

std::int64_t StageRunner::turn() {
  const auto progress = owner_.step();
  advance_checkpoint();
  publish_figures();
  switch (progress) {
    case process::PartitionOwner::Progress::worked: return 0;
    case process::PartitionOwner::Progress::blocked: return kBlockedMs;
    case process::PartitionOwner::Progress::idle: return phase_ == Phase::draining ? kBlockedMs : kIdleMs;
    case process::PartitionOwner::Progress::stopped: break;
  }
  const std::lock_guard lock(stopped_mutex_);
  if (stopped_by_.empty()) {
    stopped_by_ = owner_.stopped_by() ? owner_.stopped_by()->message() : "stopped";
    spdlog::error("{}/{} stopped: {}", event::to_string(topic()), partition(), stopped_by_);
  }
  return kIdleMs;
}

void StageRunner::advance_checkpoint() {
  switch (phase_.load()) {
    case Phase::requested: phase_ = owner_.begin_checkpoint() ? Phase::draining : Phase::nothing; break;
    case Phase::draining:
      if (owner_.checkpoint_prepared()) phase_ = Phase::prepared;
      break;
    case Phase::committed:
      owner_.finish_checkpoint();
      phase_ = Phase::none;
      break;
    default: break;
  }
}

void StageRunner::request_checkpoint() {
  Phase expected = Phase::none;
  if (!phase_.compare_exchange_strong(expected, Phase::requested)) {
    expected = Phase::nothing;
    phase_.compare_exchange_strong(expected, Phase::requested);
  }
  wake();
}

const process::StateBatch* StageRunner::checkpoint_batch() const {
  return phase_ == Phase::prepared ? &owner_.checkpoint_batch() : nullptr;
}

void StageRunner::checkpoint_committed() {
  phase_ = Phase::committed;
  wake();
}

std::string StageRunner::stopped_by() const {
  const std::lock_guard lock(stopped_mutex_);
  return stopped_by_;
}

}  // namespace millrace::app
