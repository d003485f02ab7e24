#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace millrace::app {

// A wake-up that is not lost when it comes before the wait. One waiter, any number of raisers.
class Signal {
 public:
  void raise() {
    {
      const std::lock_guard lock(mutex_);
      if (raised_) return;
      raised_ = true;
    }
    condition_.notify_one();
  }
  void wait(std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return raised_; });
    raised_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool raised_ = false;
};

}  // namespace millrace::app
