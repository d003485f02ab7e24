#include "commerce/visitor_state.h"

#include <algorithm>

namespace millrace::commerce {

namespace {
constexpr std::uint8_t kVersion = 1;
// Added to the version for what only some visitors have.
constexpr int kRefusing = 1;  // Withholds some purpose.
constexpr int kBought = 2;    // Bought something.
constexpr std::size_t kViewItemsMax = 16;

void fill_session(const Session& session, event::VisitorView& into) {
  into.session_id = session.id;
  into.session_started = {session.first.at_ms};
  into.channel = session.touch.channel;
  into.device = session.touch.device;
  into.country = session.touch.country;
  into.entry_page = session.touch.entry_page;
  into.level = session.level();
  into.session_events = session.events;
  const std::size_t shown = std::min(session.items.size(), kViewItemsMax);
  into.items.resize(shown);
  for (std::size_t i = 0; i < shown; ++i)
    into.items[i] = session.items[session.items.size() - shown + i].product_id;
}

}  // namespace

void VisitorState::prefetch() const {
  if (history.sessions.empty()) return;
  const auto* const bytes = reinterpret_cast<const char*>(&history.sessions.back());
  for (std::size_t i = 0; i < sizeof(Session); i += 64) __builtin_prefetch(bytes + i);
}

void VisitorState::encode(std::string& out) const {
  base::ByteWriter writer(out);
  const bool bought = !purchases.entries().empty();
  writer.u8(static_cast<std::uint8_t>(kVersion + (refused != 0 ? kRefusing : 0) + (bought ? kBought : 0)));
  if (refused != 0) writer.u8(refused);
  writer.varint(events);
  writer.varint(orders);
  writer.zigzag(first_seen_ms);
  writer.zigzag(last_seen_ms);
  writer.zigzag(timer_ms);
  identity.encode(writer);
  recent_orders.encode(writer);
  history.encode(writer);
  cart.encode(writer);
  if (bought) purchases.encode(writer);
}

bool VisitorState::decode(std::string_view bytes, VisitorState& into) {
  base::ByteReader reader(bytes);
  const int parts = reader.u8() - kVersion;
  if (parts < 0 || parts > (kRefusing | kBought)) return false;
  into.refused = (parts & kRefusing) != 0 ? reader.u8() : 0;
  into.events = reader.varint();
  into.orders = static_cast<std::uint32_t>(reader.varint());
  into.first_seen_ms = reader.zigzag();
  into.last_seen_ms = reader.zigzag();
  into.timer_ms = reader.zigzag();
  return into.identity.decode(reader) && into.recent_orders.decode(reader) && into.history.decode(reader) &&
         into.cart.decode(reader) && ((parts & kBought) == 0 || into.purchases.decode(reader)) &&
         reader.ok() && reader.at_end();
}

void fill_visitor_view(std::string_view visitor_id, const VisitorState& state, const CartSettings& cart,
                       event::VisitorView& into) {
  into.visitor_id = visitor_id;
  if (state.refuses(event::Purpose::personalisation)) {
    into = event::VisitorView();
    into.visitor_id = visitor_id;
    return;
  }
  into.user_id = state.identity.user_id();
  into.first_seen = {state.first_seen_ms};
  into.last_seen = {state.last_seen_ms};
  into.sessions = state.history.count;
  into.events = state.events;
  into.orders = state.orders;
  into.first_channel = state.history.first_channel;
  const Session* const newest = state.history.newest();
  if (newest != nullptr) {
    fill_session(*newest, into);
  } else {
    fill_session(Session(), into);
  }
  into.open = newest != nullptr && !newest->closed;
  state.cart.contents(cart, into.cart, into.currency);
}

void append_clicks(const VisitorState& state, std::vector<event::ViewUpdate>& out) {
  if (state.refuses(event::Purpose::personalisation)) return;
  for (const Session& session : state.history.sessions) {
    if (session.closed) continue;
    for (const SessionItem& item : session.items) {
      event::ClickView click;
      click.session_id = session.id;
      click.product_id = item.product_id;
      click.at = {item.mark.at_ms};
      out.emplace_back(std::move(click));
    }
  }
}

}  // namespace millrace::commerce
