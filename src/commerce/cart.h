#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "commerce/event_mark.h"
#include "event/event.h"
#include "event/view.h"

namespace millrace::commerce {

struct CartSettings {
  std::int64_t abandoned_after_ms = 1 * base::kHourMs;
  std::int64_t silence_ms =
      24 * base::kHourMs;  // At most one abandonment of a visitor in this time; 0 = no such limit.
  // A cart armed by an event from the past is not abandoned before the watermark has moved this far.
  std::int64_t straggler_ms = 1 * base::kMinuteMs;
  std::size_t lines_max = 32;    // A product beyond them re-arms the cart but is not kept.
  std::size_t pending_max = 64;  // Changes that wait for the watermark; beyond them the oldest stops waiting.
  std::size_t outstanding_max = 4;
};

// One change of a cart.
struct CartChange {
  enum class Kind : std::uint8_t { add, remove, purchase };
  EventMark mark;
  Kind kind = Kind::add;
  event::CartLine line;  // Unused by a purchase.
  event::Currency currency;
};

struct AbandonedCart {
  std::uint64_t trigger_id = 0;
  std::int64_t armed_at_ms = 0;
  std::int64_t abandoned_at_ms = 0;
  std::int64_t created_at_ms = 0;
  std::vector<event::CartLine> lines;
  event::Currency currency;
};

struct CancelledTrigger {
  std::uint64_t trigger_id = 0;
  std::int64_t at_ms = 0;  // Of the purchase.
};

// What a step did beyond the cart itself; reused between steps.
struct CartEffects {
  std::vector<AbandonedCart> abandoned;
  std::vector<CancelledTrigger> cancelled;
  std::uint32_t purchased_in_time = 0;  // Armed carts that a purchase disarmed.
  std::uint32_t silenced = 0;           // Abandonments that `silence_ms` held back.
  void clear();
};

// A visitor's cart and its abandonment timer. Changes take effect in order of event time as far as the watermark allows: one that
// is ahead of it waits, one behind it takes effect at once. A cart is abandoned when the watermark has passed
// its time and no purchase at or before that time came; a later purchase cancels what was sent.
class Cart {
 public:
  void apply(CartChange change, const CartSettings& settings, std::uint64_t visitor_hash,
             std::int64_t watermark_ms, CartEffects& effects);
  // Lets the changes take effect that the watermark has reached, and abandons the cart if it is due.
  void settle(const CartSettings& settings, std::uint64_t visitor_hash, std::int64_t watermark_ms,
              CartEffects& effects);
  // The watermark that settle() should see next at the latest; INT64_MAX when none matters.
  std::int64_t next_due(const CartSettings& settings) const;

  // Takes over the other cart: the union of the lines (the larger quantity of what is in both), the earliest
  // creation, the latest arming, and the triggers that a purchase would cancel. The other one is left empty.
  void merge(Cart& other, const CartSettings& settings);

  // The abandonment went to nobody: a purchase has nothing to cancel.
  void withhold(std::uint64_t trigger_id);

  // The cart as the visitor sees it: waiting changes included.
  void contents(const CartSettings& settings, std::vector<event::CartLine>& lines,
                event::Currency& currency) const;
  // Nothing that happened to it is worth keeping. One that took over another can remember a purchase or an abandonment in epoch 0.
  bool untouched() const {
    return lines_.empty() && pending_.empty() && outstanding_.empty() && epoch_ == 0 && !armed_ &&
           !abandoned_before_ && !purchased_before_;
  }
  bool armed() const { return armed_; }

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);

 private:
  struct Trigger {
    std::uint64_t id = 0;
    std::int64_t at_ms = 0;
  };
  // `reached_ms`: how far the watermark is seen to be when the change takes effect.
  void take_effect(const CartChange& change, std::int64_t reached_ms, const CartSettings& settings,
                   std::uint64_t visitor_hash, CartEffects& effects);
  void edit_lines(const CartChange& change, const CartSettings& settings);
  void purchase(std::int64_t at_ms, CartEffects& effects);
  void abandon(const CartSettings& settings, std::uint64_t visitor_hash, CartEffects& effects);
  // What no longer means anything is zero, so that equal carts have equal bytes.
  void disarm();
  void empty();

  std::vector<event::CartLine> lines_;
  event::Currency currency_;
  bool armed_ = false;
  std::int64_t created_at_ms_ = 0;
  std::int64_t armed_at_ms_ = 0;
  std::int64_t expires_at_ms_ = 0;  // The watermark that abandons it is past this.
  std::uint32_t epoch_ = 0;         // Carts this visitor had: abandonments and purchases.
  bool purchased_before_ = false;
  std::int64_t purchased_at_ms_ = 0;  // The newest purchase: what was put in before it was bought.
  bool abandoned_before_ = false;
  std::int64_t last_abandoned_ms_ = 0;
  std::vector<Trigger> outstanding_;  // Sent and not cancelled.
  std::vector<CartChange> pending_;   // In order of mark.
};

}  // namespace millrace::commerce
