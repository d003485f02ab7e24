#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "commerce/retention_queue.h"
#include "commerce/source_ranks.h"
#include "event/fact.h"
#include "event/row.h"
#include "process/checkpointed.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

struct OrderSettings {
  // How long after its acceptance an order is known: a repeat after that is a new order, a refund one of an
  // unknown order.
  std::int64_t retention_ms = 180 * base::kDayMs;
  // Within this time of event time a change with the same content is the same change, told by another client.
  std::int64_t repeat_ms = 10 * base::kMinuteMs;
  std::size_t cached_entries = 100'000;
  std::shared_ptr<const SourceRanks> ranks;  // Of two sources that tell of one order the higher is believed.
};

// Who else told of an order that was accepted already.
struct OrderSighting {
  std::uint16_t source = 0;
  std::string visitor_id;
  bool operator==(const OrderSighting&) const = default;
};

constexpr std::uint32_t kNoSource = 0xffff'ffff;

// What changed an order, by a hash of what was told.
struct OrderTelling {
  std::uint64_t content = 0;
  base::WallTime at;                      // Event time.
  std::uint32_t returned_by = kNoSource;  // Its source, when it gave something back.
  bool operator==(const OrderTelling&) const = default;
};

struct Order {
  static constexpr std::size_t kSightings = 4;
  static constexpr std::size_t kTellings = 8;
  static constexpr std::size_t kReturns = 32;

  event::OrderRow row;                    // As last written; its lines hold what was not returned.
  std::vector<event::OrderLine> ordered;  // Its lines with the quantities ordered.
  bool unknown = false;  // Only refunds or cancellations have been seen; `row` and `ordered` are of the last.
  bool incomplete = false;  // Only changes by updates have been seen, no completion.
  // Returns that wait for the lines of their order, as they were told: of an unknown one those before `row`.
  std::vector<event::OrderRow> earlier_returns;
  base::WallTime accepted_at;          // By the stage's time; 0 when no time was known yet.
  std::vector<OrderTelling> tellings;  // The last one, and those shortly before it; the newest last.
  std::uint32_t duplicates = 0;
  std::vector<OrderSighting> sightings;   // The first few distinct ones, other than the one believed.
  std::uint32_t returned_by = kNoSource;  // Source of the returns in `row`.
  event::Money returned;  // By refunds that named an amount below what was left, and no products.

  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, Order& into);
};

struct OrderOutcome {
  std::vector<event::OrderRow> rows;          // At most one.
  std::vector<event::ProductActivity> sales;  // Purchases and corrections, each once.
  bool duplicate = false;
};

// Orders by their id, whoever told of them. The browser, the shop's server and a webhook tell of the same
// order with different message ids and as different visitors, so this is the second de-duplication, by
// business key: the source of the highest precedence is believed, of equals the first to arrive; the others are
// counted and linked. A source that is believed over an earlier one replaces its lines and amounts, and leaves the
// visit that the order is credited to. That is the first visit that told of it: a telling under the user id alone is a
// server's, which has no visit of the customer to show, and gives way to one that has.
//
// Refunds, updates and cancellations carry little more than the order's id: they are joined to it and give
// its next version. Those that come before their order wait for it; an update counts meanwhile for what it says.
class Orders final : public process::Checkpointed {
 public:
  Orders(const process::StateStore& store, const std::string& prefix, OrderSettings settings);

  // `now` is the time that the state reflects.
  void restore(base::WallTime now) { now_ = now; }

  // Forgets the orders that are too old.
  void advance(base::WallTime now);
  void set_back(base::WallTime now) { now_ = now; }
  OrderOutcome apply(std::uint64_t offset, event::OrderRow told);

  const Order* find(std::string_view order_id) { return orders_.find(order_id); }
  std::uint64_t kept() { return accepted_.size(); }

  void freeze() override { parts_.freeze(); }
  bool drain(process::StateBatch& batch, std::size_t entries) override {
    return parts_.drain(batch, entries);
  }
  void committed() override { parts_.committed(); }

 private:
  void accept(event::OrderRow told, OrderOutcome& out);
  void keep(std::string_view order_id);
  void accept_unknown(event::OrderRow told, OrderOutcome& out);
  void wait(Order& order, event::OrderRow told, OrderOutcome& out);
  void join_unknown(Order& order, event::OrderRow told, OrderOutcome& out);
  void complete(Order& order, event::OrderRow told, OrderOutcome& out);
  void update(Order& order, const event::OrderRow& told, OrderOutcome& out);
  void give_back(Order& order, const event::OrderRow& told, OrderOutcome& out);
  void give_money_back(Order& order, const event::OrderRow& told, OrderOutcome& out);
  void supersede(Order& order, event::OrderRow told, OrderOutcome& out);
  void give_back_all(Order& order, const std::vector<event::OrderRow>& returns, OrderOutcome& out);
  void link(Order& order, OrderSighting sighting) const;
  int precedence(std::uint32_t source) const;
  void repeat(Order& order, const event::OrderRow& told, OrderOutcome& out);
  bool is_repeat(const Order& order, const event::OrderRow& told) const;
  bool told_together(base::WallTime one, base::WallTime other) const;
  void remember(Order& order, const event::OrderRow& told) const;

  OrderSettings settings_;
  base::WallTime now_;
  process::KeyedState<Order> orders_;
  RetentionQueue accepted_;
  process::CheckpointedParts parts_;
};

}  // namespace millrace::commerce
