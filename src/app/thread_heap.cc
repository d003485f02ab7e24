#include "app/thread_heap.h"

#include <jemalloc/jemalloc.h>

#pragma weak mallctl

namespace millrace::app {

namespace {

// jemalloc's own counter, which it keeps where other threads may read it.
const std::uint64_t* counter(const char* name) {
  std::uint64_t* at = nullptr;
  std::size_t size = sizeof at;
  if (mallctl == nullptr || mallctl(name, static_cast<void*>(&at), &size, nullptr, 0) != 0) return nullptr;
  return at;
}

}  // namespace

std::function<std::int64_t()> thread_heap() {
  const auto* allocated = counter("thread.allocatedp");
  const auto* freed = counter("thread.deallocatedp");
  if (allocated == nullptr || freed == nullptr) return [] { return std::int64_t{0}; };
  return [allocated, freed] {
    return static_cast<std::int64_t>(__atomic_load_n(allocated, __ATOMIC_RELAXED) -
                                     __atomic_load_n(freed, __ATOMIC_RELAXED));
  };
}

}  // namespace millrace::app
