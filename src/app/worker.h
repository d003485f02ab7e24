#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "app/signal.h"

namespace millrace::app {

// Whom a thread that wakes up takes the processor from: with a kernel that knows slices (6.12), from one with a longer slice at
// once, from others when their slice ends, which on a busy machine is milliseconds later.
enum class Priority : std::uint8_t {
  normal,      // Answers wait for it, for a moment at a time.
  steady,      // Works through what comes in: 8 ms.
  bulk,        // Works for whole milliseconds, and nobody waits for one of them: 20 ms.
  background,  // The same, at nice 5.
};

// A named thread that runs `turn` until stop(): it returns how long it may then be left alone, in ms, unless wake() comes
// first. 0: call again at once.
class Worker {
 public:
  Worker(std::string name, Priority priority, std::function<std::int64_t()> turn)
      : name_(std::move(name)), priority_(priority), turn_(std::move(turn)) {}
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void stop();  // Waits for the running turn.
  // For a turn that waits for something of its own: say it, wake that, then stop().
  void announce_stop() { stopping_ = true; }
  void wake() { signal_.raise(); }

 private:
  void run();

  const std::string name_;
  const Priority priority_;
  const std::function<std::int64_t()> turn_;
  std::atomic<bool> stopping_{false};
  Signal signal_;
  std::thread thread_;
};

}  // namespace millrace::app
