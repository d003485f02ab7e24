#include "commerce/visitor_stage.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/hash.h"
#include "commerce/order_placed.h"
#include "commerce/visitor_keys.h"

namespace millrace::commerce {

namespace {

using event::EventType;
using event::Text;
using event::Verdict;

constexpr std::uint8_t kVisitorTimer = 0;
constexpr int kForgottenPerRecord = 32;  // Of each kind.

std::optional<CartChange::Kind> cart_change(EventType type) {
  switch (type) {
    case EventType::product_added:
    case EventType::wishlist_moved_to_cart: return CartChange::Kind::add;
    case EventType::product_removed: return CartChange::Kind::remove;
    case EventType::order_completed: return CartChange::Kind::purchase;
    default: return std::nullopt;
  }
}

}  // namespace

VisitorStage::VisitorStage(const process::StateStore& store, VisitorSettings settings)
    : store_(store),
      settings_(std::move(settings)),
      watermark_(store, kWatermarkKey, settings_.watermark),
      messages_(store, kMessagesPrefix, settings_.dedup),
      visitors_(store, kVisitorsPrefix, settings_.visitors_cached_max),
      users_(store, kUsersPrefix, settings_.users_cached_max),
      repurchases_(store, kRepurchasesPrefix, settings_.repurchases_cached_max),
      timers_(store, kTimersPrefix),
      known_visitors_(store, kVisitorQueuePrefix),
      known_users_(store, kUserQueuePrefix),
      known_repurchases_(store, kRepurchasesQueuePrefix),
      funnel_(store,
              {kFunnelPrefix, kFunnelQueuePrefix, settings_.cells_cached_max, settings_.cell_retention_ms}),
      ledger_(store,
              {kLedgerPrefix, kLedgerQueuePrefix, settings_.cells_cached_max, settings_.cell_retention_ms}),
      totals_(store, kTotalsKey),
      parts_({&watermark_, &totals_, &messages_, &visitors_, &users_, &repurchases_, &timers_,
              &known_visitors_, &known_users_, &known_repurchases_, &funnel_.state(), &ledger_.state()}) {}

// Memory arrives in steps, as each holds the address of the next: the slot, the visitor, its sessions. A record a few
// places behind has had the time for the step before.
void VisitorStage::expect(std::string_view payload) {
  std::uint64_t hash = 0;
  if (const auto head = event::decode_event_head(payload); head.ok()) {
    hash = base::hash64(head->visitor_key());
    visitors_.prefetch_slot(hash);
    messages_.prefetch(base::mix(hash, head->source), base::hash128(head->message_id));
  }
  const auto before = [&](std::size_t records) {
    return expected_[(expected_count_ - records) % kExpectedMax];
  };
  expected_[expected_count_ % kExpectedMax] = hash;
  if (const std::uint64_t earlier = before(4); earlier != 0) visitors_.prefetch_value(earlier);
  if (const std::uint64_t earlier = before(8); earlier != 0) {
    if (const VisitorState* const state = visitors_.prefetch_value(earlier)) state->prefetch();
  }
  ++expected_count_;
}

base::Status VisitorStage::on_record(const process::Position& position, std::string_view payload,
                                     process::Outputs& out) {
  TRY_ASSIGN(const auto kind, event::record_kind(payload));
  switch (kind) {
    case event::RecordKind::event: return on_event(position, payload, out);
    case event::RecordKind::quarantined: {
      TRY_ASSIGN(const auto item, event::decode_quarantined(payload));
      ledger_.count(item.source, item.received_at, Verdict::quarantined, watermark_.now());
      return base::Ok{};
    }
    case event::RecordKind::dropped: {
      TRY_ASSIGN(const auto item, event::decode_dropped(payload));
      ledger_.count(item.source, item.received_at, item.verdict, watermark_.now());
      return base::Ok{};
    }
    case event::RecordKind::tick: {
      TRY_ASSIGN(const auto tick, event::decode_tick(payload));
      Step step{position.offset.value, out};
      if (watermark_.on_tick(tick.wall) || timers_wait_) fire_timers(step);
      return base::Ok{};
    }
    default: return base::Error(base::ErrorCode::invalid_argument, "not a record of the events journal");
  }
}

base::Status VisitorStage::on_event(const process::Position& position, std::string_view payload,
                                    process::Outputs& out) {
  TRY(event::decode_event(payload, event_));
  const std::string_view visitor_id = event_.visitor_key();
  if (visitor_id.empty() && !event_.has(event::Flag::anonymised)) {
    return base::Error(base::ErrorCode::invalid_argument, "event without a visitor");
  }
  Step step{position.offset.value, out};
  auto& row = out.events.emplace_back();
  row.index = position.index;
  row.verdict = judge(visitor_id, step, row.session_id);
  ledger_.count(event_, row.verdict, watermark_.now());
  if (row.verdict != Verdict::accepted) return base::Ok{};
  if (watermark_.on_event(event_.event_time, event_.received_at) || timers_wait_) fire_timers(step);
  return base::Ok{};
}

Verdict VisitorStage::judge(std::string_view visitor_id, Step& step, std::uint64_t& session_id) {
  const std::uint64_t visitor_hash = base::hash64(event_.partition_key());
  if (!first_message(messages_, event_, visitor_hash)) return Verdict::duplicate;
  if (event_.has(event::Flag::bot)) {
    ++totals_.values().bots;
    return Verdict::bot;
  }
  if (visitor_id.empty()) {
    accept_anonymous(step);
    return Verdict::accepted;
  }
  VisitorState& state = visitors_.edit(visitor_id);
  if (!state.recent_orders.first_order(event_) || bought_as_another(visitor_id)) {
    // Another source may know the order better: the order stage decides, and links it.
    tell_order(state, 0, order_of(event_, step.offset, visitor_id), step);
    return Verdict::duplicate;
  }
  accept(visitor_id, state, visitor_hash, step, session_id);
  return Verdict::accepted;
}

// A server tells of an order under the user id alone: the browser may have told of it as the visitor that it knows.
bool VisitorStage::bought_as_another(std::string_view visitor_id) {
  if (event_.type != EventType::order_completed || event_[Text::user_id] != visitor_id) return false;
  const UserVisitors* user = users_.find(visitor_id);
  return user != nullptr && std::any_of(user->visitors.begin(), user->visitors.end(), [&](const auto& other) {
           const VisitorState* known = other == visitor_id ? nullptr : visitors_.find(other);
           return known != nullptr && known->recent_orders.knows(event_);
         });
}

void VisitorStage::accept_anonymous(Step& step) {
  ++totals_.values().events;
  if (is_order(event_.type)) tell_order({}, 0, order_of(event_, step.offset, {}), step);
}

void VisitorStage::accept(std::string_view visitor_id, VisitorState& state, std::uint64_t visitor_hash,
                          Step& step, std::uint64_t& session_id) {
  VisitorTotals& totals = totals_.values();
  const event::Purposes purposes = event_.purposes;
  if (purposes.decided) state.refused = static_cast<std::uint8_t>(~purposes.granted & event::Purposes::kAll);
  const std::int64_t at = event_.event_time.ms;
  const bool known = state.events > 0;
  state.first_seen_ms = known ? std::min(state.first_seen_ms, at) : at;
  state.last_seen_ms = known ? std::max(state.last_seen_ms, at) : at;
  if (!known) {
    ++totals.visitors;
    known_visitors_.push(visitor_id, watermark_.now() + settings_.visitor_retention_ms);
  }
  ++state.events;
  ++totals.events;
  // Who grants nothing but what is necessary is not tied to other visitors.
  if (purposes.granted > event::Purposes::bit(event::Purpose::necessary)) identify(visitor_id, state, step);

  Arrival arrival{event_, {at, step.offset}, watermark_.now().ms, visitor_hash, {}};
  const bool late = too_late(state.history, settings_.session, at, arrival.watermark_ms);
  const bool order = is_order(event_.type);
  event::OrderRow placed;
  if (order) {
    placed = order_of(event_, step.offset, visitor_id);
    arrival.order_net = placed.order_net;
  }
  const bool analytics = purposes.has(event::Purpose::analytics);
  if (late) {
    ++totals.late_events;
  } else if (analytics) {
    session_id = observe(state.history, settings_.session, arrival, session_effects_);
    publish_sessions(visitor_id, state, step);
  }
  // A purchase empties the cart however late it is told.
  if (!late || event_.type == EventType::order_completed) change_cart(visitor_id, state, arrival, step);
  if (analytics) tell_products(arrival, session_id, step);
  if (order) tell_order(state, session_id, std::move(placed), step);
  if (event_.type == EventType::order_completed && purposes.has(event::Purpose::personalisation)) {
    remember_purchase(state, arrival);
  }
  set_timer(visitor_id, state);
  publish(visitor_id, state, step);
}

void VisitorStage::remember_purchase(VisitorState& state, const Arrival& arrival) {
  for (const auto& line : event_.products) {
    if (line.product_id.empty()) continue;
    const bool again = state.purchases.add(line.product_id, arrival.mark.at_ms);
    Repurchases& known = repurchases_.edit(line.product_id);
    if (known.purchases == 0) {
      known_repurchases_.push(line.product_id, watermark_.now() + settings_.visitor_retention_ms);
    }
    ++known.purchases;
    known.again += again ? 1 : 0;
    known.last_ms = std::max(known.last_ms, arrival.mark.at_ms);
  }
}

void VisitorStage::identify(std::string_view visitor_id, VisitorState& state, Step& step) {
  const std::string_view user_id = event_[Text::user_id];
  if (state.identity.link(user_id)) {
    UserVisitors& known = edit_user(user_id);
    const std::vector<std::string> others = known.visitors;
    known.link(visitor_id);
    for (const auto& other : others) take_cart(other, visitor_id, state, step);
  }
  const std::string_view previous_id = event_[Text::previous_id];
  if (event_.type != EventType::aliased || previous_id.empty()) return;
  take_cart(previous_id, visitor_id, state, step);
  if (previous_id == visitor_id || user_id.empty() || visitors_.find(previous_id) == nullptr) return;
  visitors_.edit(previous_id).identity.link(user_id);
  edit_user(user_id).link(previous_id);
}

UserVisitors& VisitorStage::edit_user(std::string_view user_id) {
  UserVisitors& user = users_.edit(user_id);
  if (user.visitors.empty()) known_users_.push(user_id, watermark_.now() + settings_.visitor_retention_ms);
  return user;
}

void VisitorStage::take_cart(std::string_view from_id, std::string_view visitor_id, VisitorState& state,
                             Step& step) {
  if (from_id == visitor_id) return;
  const VisitorState* known = visitors_.find(from_id);
  if (known == nullptr || known->cart.untouched()) return;
  VisitorState& from = visitors_.edit(from_id);
  const std::int64_t watermark_ms = watermark_.now().ms;
  from.cart.settle(settings_.cart, base::hash64(from_id), watermark_ms, cart_effects_);
  publish_carts(from_id, from, step);
  state.cart.settle(settings_.cart, base::hash64(visitor_id), watermark_ms, cart_effects_);
  publish_carts(visitor_id, state, step);
  state.cart.merge(from.cart, settings_.cart);
  publish(from_id, from, step);
}

void VisitorStage::change_cart(std::string_view visitor_id, VisitorState& state, const Arrival& arrival,
                               Step& step) {
  const auto kind = cart_change(event_.type);
  if (!kind) return;
  // A cart is kept to be shown to its visitor or to remind them of it. A purchase empties one that was.
  const bool kept =
      event_.purposes.has(event::Purpose::personalisation) || event_.purposes.has(event::Purpose::marketing);
  if (!kept && *kind != CartChange::Kind::purchase) return;
  CartChange change{arrival.mark, *kind, {}, event_.currency};
  const auto apply = [&] {
    state.cart.apply(change, settings_.cart, arrival.visitor_hash, arrival.watermark_ms, cart_effects_);
  };
  if (*kind == CartChange::Kind::purchase) {
    ++state.orders;
    ++totals_.values().orders;
    apply();
  } else if (event_.products.empty()) {
    // Something was put in or taken out, though we were not told what.
    change.line.quantity = 1;
    apply();
  } else {
    for (const auto& line : event_.products) {
      change.line = {std::string(line.product_id), std::string(line.name), line.quantity, line.price};
      apply();
    }
  }
  publish_carts(visitor_id, state, step);
  if (*kind == CartChange::Kind::purchase) buy_elsewhere(visitor_id, state, arrival, step);
}

// The shop's server may report an order under the user id alone: it empties the carts of the user's other visitors too.
void VisitorStage::buy_elsewhere(std::string_view visitor_id, const VisitorState& state,
                                 const Arrival& arrival, Step& step) {
  const std::string_view user_id = state.identity.user_id();
  if (user_id.empty()) return;
  const UserVisitors* user = users_.find(user_id);
  if (user == nullptr) return;
  for (const auto& other_id : user->visitors) {
    if (other_id == visitor_id) continue;
    const VisitorState* known = visitors_.find(other_id);
    if (known == nullptr || known->cart.untouched()) continue;
    VisitorState& other = visitors_.edit(other_id);
    const CartChange change{arrival.mark, CartChange::Kind::purchase, {}, event_.currency};
    other.cart.apply(change, settings_.cart, base::hash64(other_id), arrival.watermark_ms, cart_effects_);
    publish_carts(other_id, other, step);
    publish(other_id, other, step);
  }
}

void VisitorStage::set_timer(std::string_view visitor_id, VisitorState& state) {
  const std::int64_t due = std::min(next_due(state.history), state.cart.next_due(settings_.cart));
  if (due == std::numeric_limits<std::int64_t>::max()) return;
  // A timer that comes too early looks again, so that it need not move with every event.
  const std::int64_t deadline = due + 1;
  if (state.timer_ms != 0 && state.timer_ms <= deadline) return;
  state.timer_ms = deadline;
  timers_.set(kVisitorTimer, visitor_id, {deadline});
}

void VisitorStage::fire_timers(Step& step) {
  const base::WallTime watermark = watermark_.now();
  const bool all = settings_.watermark.mode == process::TimeMode::events;
  for (std::size_t fired = 0; all || fired < settings_.timers_per_record_max; ++fired) {
    if (!timers_.pop(watermark, due_)) break;
    VisitorState& state = visitors_.edit(due_.key);
    state.timer_ms = 0;
    close_due(state.history, watermark.ms, session_effects_);
    state.cart.settle(settings_.cart, base::hash64(due_.key), watermark.ms, cart_effects_);
    publish_sessions(due_.key, state, step);
    publish_carts(due_.key, state, step);
    set_timer(due_.key, state);
    publish(due_.key, state, step);
  }
  timers_wait_ = has_due_timer();
  forget();
}

bool VisitorStage::has_due_timer() {
  const auto next = timers_.next();
  return next && *next <= watermark_.now();
}

// A little with every record that moves time on: more than can have come into being meanwhile.
void VisitorStage::forget() {
  const base::WallTime now = watermark_.now();
  const base::WallTime next = now + settings_.visitor_retention_ms;
  for (int i = 0; i < kForgottenPerRecord; ++i) {
    const auto id = known_visitors_.pop(now);
    if (!id) break;
    const VisitorState* state = visitors_.find(*id);
    if (state == nullptr) continue;
    if (state->timer_ms != 0 || state->last_seen_ms + settings_.visitor_retention_ms > now.ms) {
      known_visitors_.push(*id, next);
      continue;
    }
    visitors_.erase(*id);
    ++totals_.values().visitors_forgotten;
  }
  for (int i = 0; i < kForgottenPerRecord; ++i) {
    const auto id = known_users_.pop(now);
    if (!id) break;
    const UserVisitors* user = users_.find(*id);
    if (user == nullptr) continue;
    const std::vector<std::string> visitors = user->visitors;
    const bool known = std::any_of(visitors.begin(), visitors.end(), [&](const std::string& visitor) {
      return visitors_.find(visitor) != nullptr;
    });
    if (known) {
      known_users_.push(*id, next);
    } else {
      users_.erase(*id);
    }
  }
  for (int i = 0; i < kForgottenPerRecord; ++i) {
    const auto id = known_repurchases_.pop(now);
    if (!id) break;
    const Repurchases* known = repurchases_.find(*id);
    if (known == nullptr) continue;
    if (known->last_ms + settings_.visitor_retention_ms > now.ms) {
      known_repurchases_.push(*id, next);
    } else {
      repurchases_.erase(*id);
    }
  }
  funnel_.forget(now, kForgottenPerRecord);
  ledger_.forget(now, kForgottenPerRecord);
}

}  // namespace millrace::commerce
