#include "app/outcome_board.h"

#include <utility>

namespace millrace::app {

void OutcomeBoard::claim(journal::Offset offset, Answer answer) {
  process::Outcome outcome;
  {
    const std::lock_guard lock(mutex_);
    const auto found = unclaimed_.find(offset.value);
    if (found == unclaimed_.end()) {
      waiting_.emplace(offset.value, std::move(answer));
      return;
    }
    outcome = std::move(found->second);
    unclaimed_.erase(found);
  }
  answer(outcome.status, std::move(outcome.body));
}

void OutcomeBoard::publish(std::vector<process::Outcome>&& outcomes) {
  std::vector<std::pair<Answer, process::Outcome>> ready;
  {
    const std::lock_guard lock(mutex_);
    for (auto& outcome : outcomes) {
      if (outcome.offset < first_) continue;
      const auto found = waiting_.find(outcome.offset);
      if (found == waiting_.end()) {
        const std::uint64_t offset = outcome.offset;
        unclaimed_.emplace(offset, std::move(outcome));
        continue;
      }
      ready.emplace_back(std::move(found->second), std::move(outcome));
      waiting_.erase(found);
    }
  }
  for (auto& [answer, outcome] : ready) answer(outcome.status, std::move(outcome.body));
}

}  // namespace millrace::app
