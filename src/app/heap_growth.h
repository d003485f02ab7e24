#pragma once

namespace millrace::app {

// While one lives, memory that jemalloc takes from the system for this process comes in huge pages, which a thread of its own
// touches before they are needed: state is read all over memory, where with pages of 4 KiB the translation of addresses takes
// a quarter of all user time; and the first touch of a huge page takes up to milliseconds on a virtual machine.
//
// A heap is what a process has one of: one HeapGrowth at a time. Without jemalloc (tests, sanitizers) it does nothing. What was
// taken meanwhile stays as it is afterwards.
class HeapGrowth {
 public:
  HeapGrowth();
  ~HeapGrowth();
  HeapGrowth(const HeapGrowth&) = delete;
  HeapGrowth& operator=(const HeapGrowth&) = delete;
};

}  // namespace millrace::app
