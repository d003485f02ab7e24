// What the visitor stage tells others: facts, rows, views and actions; and how its state is restored.
#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/hash.h"
#include "commerce/cart_action.h"
#include "commerce/order_placed.h"
#include "commerce/visitor_keys.h"
#include "commerce/visitor_stage.h"

namespace millrace::commerce {

namespace {

using event::EventType;

// Sessions are told of to every serving node: one partition.
constexpr std::uint64_t kSessionsKey = 0;
// Views of visitors that are shown together when the stage is restored.
constexpr std::size_t kRestoredTogether = 1024;

std::optional<event::ProductAction> product_action(EventType type) {
  switch (type) {
    case EventType::product_viewed: return event::ProductAction::view;
    case EventType::product_added:
    case EventType::wishlist_moved_to_cart: return event::ProductAction::add_to_cart;
    case EventType::product_removed: return event::ProductAction::remove_from_cart;
    default: return std::nullopt;
  }
}

// It follows from where the event stands, so that the same journal gives the same id.
std::string own_order_id(std::uint64_t hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id = "without-id-0000000000000000";
  for (auto digit = id.rbegin(); hash != 0; ++digit, hash >>= 4) *digit = kDigits[hash & 15];
  return id;
}

}  // namespace

void VisitorStage::tell_products(const Arrival& arrival, std::uint64_t session_id, Step& step) {
  const event::Event& event = arrival.event;
  const auto action = product_action(event.type);
  const bool purchase = event.type == EventType::order_completed;
  if (!action && !purchase) return;
  for (const auto& line : event.products) {
    if (line.product_id.empty()) continue;
    // Purchases are told by the order stage, which knows whether another visitor's event told of the same order.
    if (action) {
      event::ProductActivity& fact = activity_;
      fact.action = *action;
      fact.product_id = line.product_id;
      fact.name = line.name;
      fact.category = line.category;
      fact.visitor_hash = arrival.visitor_hash;
      fact.at = event.event_time;
      fact.quantity = line.quantity;
      fact.price = line.price;
      fact.currency = event.currency;
      step.out.emit(event::Topic::facts, base::hash64(line.product_id), step.offset, fact);
    }
    if (session_id == 0 || event.type == EventType::product_removed) continue;
    if (!event.purposes.has(event::Purpose::personalisation)) continue;
    auto& click = std::get<event::ClickView>(step.out.views.emplace_back(event::ClickView{}));
    click.session_id = session_id;
    click.product_id = line.product_id;
    click.category = line.category;
    click.at = event.event_time;
    click.purchase = purchase;
  }
}

void VisitorStage::tell_order(const VisitorState& state, std::uint64_t session_id, event::OrderRow order,
                              Step& step) {
  for (const Session& session : state.history.sessions) {
    if (session.id == session_id) credit(order, session);
  }
  if (order.user_id.empty()) order.user_id = state.identity.user_id();
  if (order.order_id.empty()) {
    // Nobody can tell what a change of an order without an id is a change of. The order itself is one of its own.
    if (order.status != event::OrderStatus::completed) return;
    order.order_id = own_order_id(base::mix(base::hash64(event_.partition_key()), step.offset));
  }
  const std::uint64_t key = base::hash64(order.order_id);
  step.out.emit(event::Topic::facts, key, step.offset, event::Fact(event::OrderPlaced{std::move(order)}));
}

void VisitorStage::publish_sessions(std::string_view visitor_id, const VisitorState& state, Step& step) {
  SessionEffects& effects = session_effects_;
  // A session may enter and leave a place within one step.
  for (const auto& place : effects.entered) funnel_.add(place, watermark_.now());
  for (const auto& place : effects.left) funnel_.remove(place);
  VisitorTotals& totals = totals_.values();
  totals.sessions += effects.opened;
  totals.sessions -= effects.merged;
  totals.sessions_joined += effects.merged;
  totals.session_rows += effects.rows.size();
  for (auto& closing : effects.rows) {
    event::SessionRow& row = closing.row;
    row.offset = step.offset;
    row.visitor_id = visitor_id;
    row.user_id = state.identity.user_id();
    step.out.sessions.push_back(row);
    // Items are what recommendations learn from.
    if (state.refuses(event::Purpose::personalisation)) closing.items.clear();
    step.out.views.emplace_back(std::make_shared<const event::SessionClosedView>(
        event::SessionClosedView{row.session_id, closing.items, row}));
    step.out.emit(event::Topic::sessions, kSessionsKey, step.offset,
                  event::Fact(event::SessionClosed{std::move(row), std::move(closing.items)}));
  }
  effects.clear();
}

void VisitorStage::publish_carts(std::string_view visitor_id, VisitorState& state, Step& step) {
  CartEffects& effects = cart_effects_;
  VisitorTotals& totals = totals_.values();
  totals.carts_abandoned += effects.abandoned.size();
  totals.abandonments_cancelled += effects.cancelled.size();
  totals.carts_purchased_in_time += effects.purchased_in_time;
  totals.carts_silenced += effects.silenced;
  const std::uint64_t key = base::hash64(visitor_id);
  const std::string_view user_id = state.identity.user_id();
  for (const auto& cart : effects.abandoned) {
    if (state.refuses(event::Purpose::marketing)) {
      ++totals.abandonments_withheld;
      state.cart.withhold(cart.trigger_id);
      continue;
    }
    step.out.emit(event::Topic::actions, key, step.offset, abandonment(cart, visitor_id, user_id));
  }
  for (const auto& trigger : effects.cancelled) {
    step.out.emit(event::Topic::actions, key, step.offset, cancellation(trigger, visitor_id, user_id));
  }
  effects.clear();
}

// At once, while the state is in the processor's cache: waiting for the end of the batch would save the views of visitors with
// several events in it, and costs more.
void VisitorStage::publish(std::string_view visitor_id, const VisitorState& state, Step& step) {
  fill_view(visitor_id, state);
  step.out.visitors.add(view_);
}

void VisitorStage::fill_view(std::string_view visitor_id, const VisitorState& state) {
  fill_visitor_view(visitor_id, state, settings_.cart, view_);
  if (state.refuses(event::Purpose::personalisation)) return;
  fill_bought(state.purchases, view_, [this](const std::string& product_id) {
    const Repurchases* known = repurchases_.find(product_id);
    return known != nullptr && known->replenished();
  });
}

std::vector<process::StageFigure> VisitorStage::figures() const {
  using Kind = process::StageFigure::Kind;
  const VisitorTotals& n = totals_.values();
  const auto total = [](std::string_view name, std::string_view help, std::uint64_t value) {
    return process::StageFigure{name, help, Kind::counter, value};
  };
  return {
      total("millrace_events_total", "Events accepted.", n.events),
      total("millrace_late_events_total", "Accepted, but too late for sessions and carts.", n.late_events),
      total("millrace_visitors_total", "Visitors seen for the first time.", n.visitors),
      total("millrace_visitors_forgotten_total", "Visitors forgotten after a long silence.",
            n.visitors_forgotten),
      total("millrace_sessions_opened_total", "Sessions begun, before any were joined.",
            n.sessions + n.sessions_joined),
      total("millrace_sessions_joined_total", "Sessions that a late event joined to another.",
            n.sessions_joined),
      total("millrace_session_rows_total", "Sessions closed or corrected.", n.session_rows),
      total("millrace_orders_total", "Orders completed, by visitors.", n.orders),
      total("millrace_carts_abandoned_total", "Carts abandoned, each with an action.", n.carts_abandoned),
      total("millrace_carts_purchased_in_time_total", "Carts purchased before they counted as abandoned.",
            n.carts_purchased_in_time),
      total("millrace_carts_silenced_total", "Abandoned, but too soon after the visitor's last action.",
            n.carts_silenced),
      total("millrace_abandonments_cancelled_total", "Actions cancelled by a purchase that came after.",
            n.abandonments_cancelled),
      {"millrace_timers_armed", "Session ends and cart expiries to come.", Kind::gauge, timers_.size()},
  };
}

void VisitorStage::on_batch_end(process::Outputs& out) {
  const std::size_t first = out.funnel.size();
  funnel_.take_changed(out.funnel);
  out.views.insert(out.views.end(), out.funnel.begin() + static_cast<std::ptrdiff_t>(first),
                   out.funnel.end());
  ledger_.take_changed(out.views);
}

base::Status VisitorStage::restore(process::Outputs& out, const process::Publish& publish) {
  TRY(watermark_.restore());
  TRY(totals_.restore());
  TRY(messages_.restore());
  // Whoever has an open session has a timer.
  std::vector<std::string> present;
  TRY(timers_.restore([&](std::uint8_t, std::string_view visitor) { present.emplace_back(visitor); }));
  timers_wait_ = has_due_timer();
  if (watermark_.now().ms > settings_.cell_retention_ms)
    out.cells_from = watermark_.now() - settings_.cell_retention_ms;
  TRY(Ledger::restore(store_, kLedgerPrefix, out.views));
  TRY(FunnelCells::restore(store_, kFunnelPrefix, out.views));
  std::sort(present.begin(), present.end());
  present.erase(std::unique(present.begin(), present.end()), present.end());
  base::Status outcome = base::Ok{};
  TRY(store_.find_all(kVisitorsPrefix, present, [&](std::string_view visitor, std::string_view stored) {
    VisitorState state;
    if (!VisitorState::decode(stored, state)) {
      outcome = base::Error(base::ErrorCode::corrupt, "visitor state cannot be decoded");
      return false;
    }
    append_clicks(state, out.views);
    fill_view(visitor, state);
    out.visitors.add(view_);
    if (out.visitors.size() >= kRestoredTogether) publish();
    return true;
  }));
  return outcome;
}

}  // namespace millrace::commerce
