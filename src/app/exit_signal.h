#pragma once

#include <cstdint>

namespace millrace::app {

// SIGINT and SIGTERM as something to wait for. Made before any other thread, so that all inherit the blocked mask.
class ExitSignal {
 public:
  ExitSignal();
  // True when a signal came, false at the timeout.
  bool wait(std::int64_t timeout_ms);
  // From now on the signals end the process at once: for a shutdown that takes too long.
  void restore_default();
};

}  // namespace millrace::app
