#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "app/settings.h"
#include "app/worker.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "disk/disk.h"
#include "journal/journal.h"
#include "serve/metrics.h"
#include "serve/sources.h"

namespace millrace::app {

// Reads the `actions` topic, lists what leaves, and delivers it.
class ActionRunner {
 public:
  static base::Result<std::unique_ptr<ActionRunner>> open(const WebhookSettings& settings, disk::Disk& disk,
                                                          const journal::Journal& journal, const base::Clock& clock,
                                                          base::Random& random);
  ~ActionRunner() { stop(); }
  void start() { worker_.start(); }
  void stop() { worker_.stop(); }
  void wake() { worker_.wake(); }
  // Runs on the runner's thread for each new action; set before start().
  void on_action(std::function<void(const event::Action&)> observer) { observer_ = std::move(observer); }

  std::vector<serve::ActionEntry> list(const serve::ActionQuery& query) const;
  journal::Offset delivered() const { return {delivered_.load()}; }
  void collect(serve::MetricSamples& samples) const;

 private:
  explicit ActionRunner(const journal::Journal& journal);
  std::int64_t turn();

  const journal::Journal& journal_;
  std::function<void(const event::Action&)> observer_;
  journal::Offset next_;
  std::atomic<std::uint64_t> delivered_{0};
  mutable std::mutex mutex_;
  std::deque<serve::ActionEntry> entries_;  // Newest first. Guarded by mutex_.
  Worker worker_;
};

}  // namespace millrace::app
