#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "app/stage_runner.h"
#include "app/worker.h"
#include "base/clock.h"
#include "lake/lake.h"
#include "process/output_sink.h"

namespace millrace::app {

struct LakeRunnerSettings {
  std::int64_t commit_interval_ms = 10'000;
  std::uint64_t tail_bytes_max = 1ull << 30;  // Past it the stages wait for a commit.
  // At so much a commit begins before its time, and no longer in the background.
  std::uint64_t backlog_bytes() const { return tail_bytes_max / 3; }
};

// Commits what the stages appended. It also coordinates checkpoints, because a stage's state may only be committed once the
// lake holds all rows below its barrier.
//
// A round is one of two threads': in the background it stays out of the way of answers, but behind busy stages it would never
// end. With a backlog the other thread takes it, as their equal.
class LakeRunner {
 public:
  LakeRunner(lake::Lake& lake, const base::Clock& clock, LakeRunnerSettings settings);
  ~LakeRunner() { stop(); }

  void start(std::vector<StageRunner*> stages);
  void stop();

  // Any thread. The rows are visible to SQL when it returns.
  void append(process::RowBatch&& batch);
  bool ready() const;
  // A checkpoint and a commit as soon as possible.
  void hurry();

  // Committed rounds, and the age of the oldest row that is not committed.
  std::uint64_t rounds() const { return rounds_.load(std::memory_order_relaxed); }
  double lag_s() const;
  // What cannot go on since when, why, and what to do about it, in sentences; empty while all is well.
  std::vector<std::string> waiting() const;

 private:
  std::int64_t turn(Priority priority);
  bool is_backlog() const;
  void finish_round();
  void commit_states();
  void note_fault(std::string_view what, const base::Status& done);
  void note_tail_bytes();
  void compact();
  void remove_orphans();

  lake::Lake& lake_;
  const base::Clock& clock_;
  const LakeRunnerSettings settings_;
  std::vector<StageRunner*> stages_;
  std::mutex turn_mutex_;  // Guards what follows, up to the atomics: the two threads take turns.
  Priority round_priority_ = Priority::background;
  enum class Round : std::uint8_t { waiting, settling } round_ = Round::waiting;
  base::Instant next_round_;
  base::Instant next_orphans_;
  std::int64_t retry_ms_ = 0;
  std::atomic<bool> hurry_{false};
  std::atomic<std::uint64_t> tail_bytes_{0};
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<std::int64_t> oldest_ns_{0};  // When the oldest uncommitted row was taken; 0: none.
  struct Fault {
    base::WallTime since;
    std::string reason;
  };
  mutable std::mutex faults_mutex_;
  std::map<std::string, Fault, std::less<>> faults_;  // Guarded by faults_mutex_; by what cannot go on.
  Worker background_, urgent_;
};

}  // namespace millrace::app
