#include "commerce/visitor_state.h"

#include <algorithm>

namespace millrace::commerce {

namespace {
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kViewItemsMax = 16;
}  // namespace

void VisitorState::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.varint(events);
  writer.varint(orders);
  writer.zigzag(first_seen_ms);
  writer.zigzag(last_seen_ms);
  writer.zigzag(timer_ms);
  identity.encode(writer);
  recent_orders.encode(writer);
  history.encode(writer);
  cart.encode(writer);
}

bool VisitorState::decode(std::string_view bytes, VisitorState& into) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return false;
  into.events = reader.varint();
  into.orders = static_cast<std::uint32_t>(reader.varint());
  into.first_seen_ms = reader.zigzag();
  into.last_seen_ms = reader.zigzag();
  into.timer_ms = reader.zigzag();
  return into.identity.decode(reader) && into.recent_orders.decode(reader) && into.history.decode(reader) &&
         into.cart.decode(reader) && reader.at_end();
}

event::VisitorView visitor_view(std::string_view visitor_id, const VisitorState& state,
                                const CartSettings& cart) {
  event::VisitorView view;
  view.visitor_id = visitor_id;
  view.user_id = state.identity.user_id();
  view.first_seen = {state.first_seen_ms};
  view.last_seen = {state.last_seen_ms};
  view.sessions = state.history.count;
  view.events = state.events;
  view.orders = state.orders;
  view.first_channel = state.history.first_channel;
  if (const Session* session = state.history.newest()) {
    view.session_id = session->id;
    view.open = !session->closed;
    view.session_started = {session->first.at_ms};
    view.channel = session->touch.channel;
    view.device = session->touch.device;
    view.country = session->touch.country;
    view.entry_page = session->touch.entry_page;
    view.level = session->level();
    view.session_events = session->events;
    const std::size_t skipped = session->items.size() - std::min(session->items.size(), kViewItemsMax);
    view.items.reserve(session->items.size() - skipped);
    for (std::size_t i = skipped; i < session->items.size(); ++i)
      view.items.push_back(session->items[i].product_id);
  }
  auto contents = state.cart.contents(cart);
  view.cart = std::move(contents.lines);
  view.currency = contents.currency;
  return view;
}

void append_clicks(const VisitorState& state, std::vector<event::ViewUpdate>& out) {
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
