#include "app/exit_signal.h"

#include <pthread.h>

#include <csignal>
#include <ctime>

namespace millrace::app {

namespace {
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}
}  // namespace

ExitSignal::ExitSignal() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool ExitSignal::wait(std::int64_t timeout_ms) {
  const sigset_t set = ending_signals();
  const timespec timeout{timeout_ms / 1000, static_cast<long>(timeout_ms % 1000) * 1'000'000};
  return sigtimedwait(&set, nullptr, &timeout) > 0;
}

void ExitSignal::restore_default() {
  const sigset_t set = ending_signals();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace millrace::app
