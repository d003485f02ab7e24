#include "event/visitor_codec.h"

#include "base/bytes.h"
#include "event/row_codec.h"

namespace millrace::event {

namespace {

using base::ByteReader;
using base::ByteWriter;

void read_head(ByteReader& reader, VisitorHead& head) {
  head.session_id = reader.u64();
  head.open = reader.u8() != 0;
  head.level = static_cast<FunnelStep>(reader.u8());
  head.visitor_id = reader.text();
}

}  // namespace

void encode_visitor(const VisitorView& view, std::string& out) {
  ByteWriter writer(out);
  writer.u64(view.session_id);
  writer.u8(view.open ? 1 : 0);
  writer.u8(static_cast<std::uint8_t>(view.level));
  writer.text(view.visitor_id);
  writer.text(view.user_id);
  writer.zigzag(view.first_seen.ms);
  writer.zigzag(view.last_seen.ms);
  writer.varint(view.sessions);
  writer.varint(view.events);
  writer.varint(view.orders);
  writer.u8(static_cast<std::uint8_t>(view.first_channel));
  writer.zigzag(view.session_started.ms);
  writer.u8(static_cast<std::uint8_t>(view.channel));
  writer.u8(static_cast<std::uint8_t>(view.device));
  writer.text(view.country);
  writer.text(view.entry_page);
  writer.varint(view.session_events);
  writer.varint(view.items.size());
  for (const auto& item : view.items) writer.text(item);
  writer.varint(view.cart.size());
  for (const CartLine& line : view.cart) {
    writer.text(line.product_id);
    writer.text(line.name);
    writer.zigzag(line.quantity);
    writer.zigzag(line.price.micros);
  }
  write_currency(view.currency, writer);
  writer.varint(view.bought.size());
  for (const auto& product : view.bought) writer.text(product);
}

base::Result<VisitorView> decode_visitor(std::string_view encoded) {
  ByteReader reader(encoded);
  VisitorHead head;
  read_head(reader, head);
  VisitorView view;
  view.session_id = head.session_id;
  view.open = head.open;
  view.level = head.level;
  view.visitor_id = head.visitor_id;
  view.user_id = reader.text();
  view.first_seen.ms = reader.zigzag();
  view.last_seen.ms = reader.zigzag();
  view.sessions = static_cast<std::uint32_t>(reader.varint());
  view.events = reader.varint();
  view.orders = static_cast<std::uint32_t>(reader.varint());
  view.first_channel = static_cast<Channel>(reader.u8());
  view.session_started.ms = reader.zigzag();
  view.channel = static_cast<Channel>(reader.u8());
  view.device = static_cast<Device>(reader.u8());
  view.country = reader.text();
  view.entry_page = reader.text();
  view.session_events = static_cast<std::uint32_t>(reader.varint());
  const std::uint64_t items = reader.varint();
  for (std::uint64_t i = 0; i < items && reader.ok(); ++i) view.items.emplace_back(reader.text());
  const std::uint64_t lines = reader.varint();
  for (std::uint64_t i = 0; i < lines && reader.ok(); ++i) {
    CartLine& line = view.cart.emplace_back();
    line.product_id = reader.text();
    line.name = reader.text();
    line.quantity = reader.zigzag();
    line.price.micros = reader.zigzag();
  }
  view.currency = read_currency(reader);
  const std::uint64_t bought = reader.varint();
  for (std::uint64_t i = 0; i < bought && reader.ok(); ++i) view.bought.emplace_back(reader.text());
  if (!reader.ok() || !reader.at_end()) {
    return base::Error(base::ErrorCode::corrupt, "visitor view is cut off or has bytes left over");
  }
  return view;
}

VisitorHead visitor_head(std::string_view encoded) {
  ByteReader reader(encoded);
  VisitorHead head;
  read_head(reader, head);
  return reader.ok() ? head : VisitorHead{};
}

void VisitorViews::add(const VisitorView& view) {
  encode_visitor(view, bytes_);
  ends_.push_back(bytes_.size());
}

void VisitorViews::truncate(std::size_t size) {
  if (size >= ends_.size()) return;
  ends_.resize(size);
  bytes_.resize(size == 0 ? 0 : ends_.back());
}

}  // namespace millrace::event
