#include "app/worker.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace::app {

namespace {
constexpr int kBackgroundNice = 5;
constexpr std::size_t kThreadNameMax = 15;
}  // namespace

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  stopping_ = true;
  signal_.raise();
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  pthread_setname_np(pthread_self(), name_.substr(0, kThreadNameMax).c_str());
  if (priority_ == Priority::background) {
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kBackgroundNice);
  }
  while (!stopping_) {
    const std::int64_t idle_ms = turn_();
    if (idle_ms > 0 && !stopping_) signal_.wait(idle_ms);
  }
}

}  // namespace millrace::app
