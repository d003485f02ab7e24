#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal/journal.h"
#include "process/stage.h"

namespace millrace::app {

// Brings the outcome of a command together with who waits for it. The outcome comes from the stage, as soon as it read the
// record; the claim comes from the journal, once the record is durable: an answer needs both, in either order.
class OutcomeBoard {
 public:
  using Answer = std::function<void(int status, std::string body)>;

  // Outcomes of records below `first` are repeats of what was answered before a restart; nobody waits for them.
  explicit OutcomeBoard(journal::Offset first) : first_(first.value) {}

  void claim(journal::Offset offset, Answer answer);
  void publish(std::vector<process::Outcome>&& outcomes);

 private:
  const std::uint64_t first_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, process::Outcome> unclaimed_;
  std::unordered_map<std::uint64_t, Answer> waiting_;
};

}  // namespace millrace::app
