#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "commerce/cart.h"
#include "commerce/deduplication.h"
#include "commerce/identity.h"
#include "commerce/purchases.h"
#include "commerce/session_history.h"
#include "event/view.h"

namespace millrace::commerce {

// All that a partition keeps of one visitor. Bounded: every list in it has a limit with a name.
struct VisitorState {
  std::uint64_t events = 0;  // Accepted ones, the late included; 0 for a visitor only known by name.
  std::uint32_t orders = 0;
  std::int64_t first_seen_ms = 0;
  std::int64_t last_seen_ms = 0;
  std::int64_t timer_ms = 0;  // The deadline that is set for this visitor; 0 when none is.
  std::uint8_t refused = 0;   // Bits of event::Purpose that the visitor's last statement withholds.
  Identity identity;
  RecentOrders recent_orders;
  SessionHistory history;
  Cart cart;
  Purchases purchases;

  bool refuses(event::Purpose purpose) const { return (refused & event::Purposes::bit(purpose)) != 0; }
  void prefetch() const;  // The newest session.
  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, VisitorState& into);
};

// Without personalisation it says that there is such a visitor, and no more. Sets every field of `into`, whose memory is used again.
void fill_visitor_view(std::string_view visitor_id, const VisitorState& state, const CartSettings& cart,
                       event::VisitorView& into);

// The products of the visitor's open sessions as clicks, the oldest first: what a recommendation index that restarts has lost.
void append_clicks(const VisitorState& state, std::vector<event::ViewUpdate>& out);

}  // namespace millrace::commerce
