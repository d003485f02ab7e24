#pragma once

#include <cstdint>
#include <functional>

namespace millrace::app {

// What the calling thread has allocated and not freed itself, for any thread to ask while it lives. Without jemalloc (tests,
// sanitizers) always 0.
std::function<std::int64_t()> thread_heap();

}  // namespace millrace::app
