#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "commerce/cart_action.h"
#include "event/fact.h"

namespace millrace::app {

// Of each visitor the cart that was left and not bought since, as the action told of it: what a shop may make an offer for. The newest
// kVisitorsMax visitors; any thread.
class OfferBoard {
 public:
  static constexpr std::size_t kVisitorsMax = 10'000;

  // Actions in their order. What cancels an offer names it by id: its visitor may be another one, who took the cart over, and its time
  // that of a purchase which was told late.
  void apply(const event::Action& action) {
    const std::lock_guard lock(mutex_);
    if (action.kind == event::ActionKind::cart_abandonment_cancelled) {
      const auto cancelled = cancelled_by_.find(action.id);
      if (cancelled != cancelled_by_.end()) forget(offers_.find(cancelled->second));
      return;
    }
    forget(offers_.find(action.visitor_id));
    offers_.emplace(action.visitor_id, Offer{action, ++sequence_});
    cancelled_by_.insert_or_assign(commerce::cancellation_id(action.id), action.visitor_id);
    order_.emplace(sequence_, action.visitor_id);
    if (offers_.size() > kVisitorsMax) forget(offers_.find(order_.begin()->second));
  }
  std::optional<event::Action> find(std::string_view visitor_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(std::string(visitor_id));
    return found == offers_.end() ? std::nullopt : std::optional(found->second.action);
  }

 private:
  struct Offer {
    event::Action action;
    std::uint64_t sequence = 0;
  };
  using Offers = std::unordered_map<std::string, Offer>;
  void forget(Offers::iterator offer) {
    if (offer == offers_.end()) return;
    order_.erase(offer->second.sequence);
    cancelled_by_.erase(commerce::cancellation_id(offer->second.action.id));
    offers_.erase(offer);
  }

  mutable std::mutex mutex_;                                     // Guards all below.
  Offers offers_;                                                // By visitor.
  std::unordered_map<std::uint64_t, std::string> cancelled_by_;  // Visitors by the action that would cancel.
  std::map<std::uint64_t, std::string> order_;                   // Visitors by the sequence of their offers.
  std::uint64_t sequence_ = 0;
};

}  // namespace millrace::app
