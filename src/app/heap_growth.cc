#include "app/heap_growth.h"

#include <jemalloc/jemalloc.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>

#include "app/worker.h"

// Read by jemalloc before main(). Memory that was freed goes back to the system when a minute did not need it: the lake frees
// at each commit what the stages take until the next; large pieces too, which jemalloc would give back at once. Few arenas, for
// each grows by itself.
const char* malloc_conf =
    "narenas:4,dirty_decay_ms:60000,muzzy_decay_ms:0,oversize_threshold:0,background_thread:true";
#pragma weak mallctl

namespace millrace::app {

namespace {

constexpr std::size_t kHugePageBytes = 2u << 20;
// jemalloc grows by more each time, and all of it is touched: what is never used should stay little.
constexpr std::size_t kGrowthBytesMax = 16u << 20;
constexpr std::int64_t kIdleMs = 60'000;

struct Extent {
  char* begin = nullptr;
  std::size_t bytes = 0;
};

// Extents to touch. Called from inside malloc: it must not allocate.
class Untouched {
 public:
  // Beyond the room for them extents are forgotten: they are touched when they are used.
  void push(Extent extent) {
    const std::lock_guard lock(mutex_);
    if (count_ == extents_.size()) return;
    extents_[(first_ + count_++) % extents_.size()] = extent;
  }
  // The next piece, of a huge page at most; empty when there is none.
  Extent pop() {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return {};
    Extent& front = extents_[first_];
    const Extent piece{front.begin, std::min(front.bytes, kHugePageBytes)};
    front.begin += piece.bytes;
    front.bytes -= piece.bytes;
    if (front.bytes == 0) {
      first_ = (first_ + 1) % extents_.size();
      --count_;
    }
    return piece;
  }

 private:
  std::mutex mutex_;  // Guards all below.
  std::array<Extent, 128> extents_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

// What jemalloc calls back into cannot go before jemalloc does: these live as long as the process.
Untouched untouched;
Worker* toucher = nullptr;  // Guarded by toucher_mutex.
std::mutex toucher_mutex;
extent_hooks_t* system_hooks = nullptr;
extent_hooks_t hooks;

void* grow(extent_hooks_t*, void* wanted, std::size_t bytes, std::size_t alignment, bool* zero, bool* commit,
           unsigned arena) {
  void* const begin = system_hooks->alloc(system_hooks, wanted, bytes, alignment, zero, commit, arena);
  if (begin == nullptr || bytes < kHugePageBytes) return begin;
  const std::lock_guard lock(toucher_mutex);
  if (toucher == nullptr) return begin;
  madvise(begin, bytes, MADV_HUGEPAGE);
  // The first page is needed at once.
  if (bytes > kHugePageBytes) {
    untouched.push({static_cast<char*>(begin) + kHugePageBytes, bytes - kHugePageBytes});
    toucher->wake();
  }
  return begin;
}

std::int64_t touch() {
  const Extent piece = untouched.pop();
  if (piece.bytes == 0) return kIdleMs;
  madvise(piece.begin, piece.bytes, MADV_POPULATE_WRITE);
  return 0;
}

bool install_hooks() {
  std::size_t size = sizeof system_hooks;
  if (mallctl("arena.0.extent_hooks", static_cast<void*>(&system_hooks), &size, nullptr, 0) != 0)
    return false;
  hooks = *system_hooks;
  hooks.alloc = grow;
  // With none, jemalloc keeps its addresses for later: what the toucher was told stays mapped.
  hooks.dalloc = nullptr;
  unsigned arenas = 0;
  size = sizeof arenas;
  if (mallctl("opt.narenas", &arenas, &size, nullptr, 0) != 0) return false;
  extent_hooks_t* ours = &hooks;
  bool all = true;
  for (unsigned i = 0; i < arenas; ++i) {
    char name[40];
    std::snprintf(name, sizeof name, "arena.%u.extent_hooks", i);
    all = mallctl(name, nullptr, nullptr, static_cast<void*>(&ours), sizeof ours) == 0 && all;
    std::snprintf(name, sizeof name, "arena.%u.retain_grow_limit", i);
    std::size_t limit = kGrowthBytesMax;
    all = mallctl(name, nullptr, nullptr, &limit, sizeof limit) == 0 && all;
  }
  return all;
}

}  // namespace

HeapGrowth::HeapGrowth() {
  if (mallctl == nullptr) return;
  auto worker = std::make_unique<Worker>("heap", Priority::bulk, touch);
  worker->start();
  {
    const std::lock_guard lock(toucher_mutex);
    toucher = worker.release();
  }
  // A second life of it in one process finds the hooks in place.
  if (system_hooks == nullptr && !install_hooks()) {
    spdlog::warn(
        "heap: this jemalloc takes no hooks: some memory comes in small pages, and events wait for it");
  }
}

HeapGrowth::~HeapGrowth() {
  std::unique_ptr<Worker> worker;
  const std::lock_guard lock(toucher_mutex);
  worker.reset(toucher);
  toucher = nullptr;
}

}  // namespace millrace::app
