#pragma once

#include <cstdint>

namespace millrace::app {

// SIGHUP ends the process as by default, or is something to wait for as well.
enum class Hangup : std::uint8_t { ends, is_heard };

// SIGINT and SIGTERM as something to wait for. Made before any other thread, so that all inherit the blocked mask.
class ExitSignal {
 public:
  enum class Heard : std::uint8_t { nothing, end, hangup };

  explicit ExitSignal(Hangup hangup = Hangup::ends);
  Heard listen(std::int64_t timeout_ms);
  // Whether a signal to end has come by now or comes before the timeout; then true at each call.
  bool wait(std::int64_t timeout_ms) { return ended_ = ended_ || listen(timeout_ms) == Heard::end; }
  // From now on the signals end the process at once: for a shutdown that takes too long.
  void restore_default();

 private:
  const Hangup hangup_;
  bool ended_ = false;
};

}  // namespace millrace::app
