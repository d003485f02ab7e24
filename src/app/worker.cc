#include "app/worker.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace millrace::app {

namespace {
constexpr int kBackgroundNice = 5;
constexpr std::size_t kThreadNameMax = 15;

// Of sched_setattr(2); glibc 2.36 has neither, and the kernel's header does not go together with its <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  // The slice; older kernels pass over it.
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
  std::uint32_t clamps[2] = {};
};

std::uint64_t slice_ns(Priority priority) {
  switch (priority) {
    case Priority::normal: break;
    case Priority::steady: return 8'000'000;
    case Priority::bulk:
    case Priority::background: return 20'000'000;
  }
  return 0;
}

// Whatever is refused, the thread works the same.
void set_own_priority(Priority priority) {
  if (priority == Priority::normal) return;
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  if (priority == Priority::background) setpriority(PRIO_PROCESS, thread, kBackgroundNice);
  SchedulingAttributes attributes;
  attributes.nice = getpriority(PRIO_PROCESS, thread);
  attributes.runtime_ns = slice_ns(priority);
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}
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
  set_own_priority(priority_);
  while (!stopping_) {
    const std::int64_t idle_ms = turn_();
    if (idle_ms > 0 && !stopping_) signal_.wait(idle_ms);
  }
}

}  // namespace millrace::app
