#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "event/fact.h"

namespace millrace::app {

// Of each visitor the cart that was left and not bought since, as the action told of it: what a shop may make an offer for. The newest
// kVisitorsMax visitors; any thread.
class OfferBoard {
 public:
  static constexpr std::size_t kVisitorsMax = 10'000;

  // Actions in their order; one that comes again changes nothing.
  void apply(const event::Action& action) {
    const std::lock_guard lock(mutex_);
    if (action.kind == event::ActionKind::cart_abandonment_cancelled) {
      const auto found = offers_.find(action.visitor_id);
      if (found != offers_.end() && found->second.at <= action.at) offers_.erase(found);
      return;
    }
    if (!offers_.contains(action.visitor_id)) order_.push_back(action.visitor_id);
    offers_[action.visitor_id] = action;
    while (order_.size() > kVisitorsMax) {
      offers_.erase(order_.front());
      order_.pop_front();
    }
  }
  std::optional<event::Action> find(std::string_view visitor_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(std::string(visitor_id));
    return found == offers_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, event::Action> offers_;
  std::deque<std::string> order_;  // Visitors as they came; one that left and came again is there twice.
};

}  // namespace millrace::app
