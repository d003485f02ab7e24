#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "journal/journal.h"

namespace millrace::journal {

// A Journal that dies with the process: for tests, and for what need not outlive it. Trims to whole appends.
class MemoryJournal final : public Journal {
 public:
  using Journal::append;
  base::Result<Offset> append(std::span<const RecordBuffer* const> buffers) override;
  base::Status sync() override;
  base::Result<RecordBatch> read(Offset from, std::size_t max_bytes) const override;
  Offset begin() const override;
  Offset end() const override;
  Offset durable_end() const override;
  base::Status trim(Offset before) override;

 private:
  struct Appended {
    Offset first;
    std::string bytes;  // Length-prefixed records.
    std::uint64_t count = 0;
  };
  mutable std::mutex mutex_;
  std::deque<Appended> appended_;
  Offset begin_;
  Offset end_;
  Offset durable_end_;
};

}  // namespace millrace::journal
