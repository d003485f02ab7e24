#include "app/exit_signal.h"

#include <pthread.h>

#include <csignal>
#include <ctime>

namespace millrace::app {

namespace {
sigset_t signals_heard(Hangup hangup) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (hangup == Hangup::is_heard) sigaddset(&set, SIGHUP);
  return set;
}
}  // namespace

ExitSignal::ExitSignal(Hangup hangup) : hangup_(hangup) {
  const sigset_t set = signals_heard(hangup_);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

ExitSignal::Heard ExitSignal::listen(std::int64_t timeout_ms) {
  const sigset_t set = signals_heard(hangup_);
  const timespec timeout{timeout_ms / 1000, static_cast<long>(timeout_ms % 1000) * 1'000'000};
  const int signal = sigtimedwait(&set, nullptr, &timeout);
  if (signal <= 0) return Heard::nothing;
  return signal == SIGHUP ? Heard::hangup : Heard::end;
}

void ExitSignal::restore_default() {
  const sigset_t set = signals_heard(hangup_);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace millrace::app
