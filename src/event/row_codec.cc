#include "event/row_codec.h"

namespace millrace::event {

using base::ByteReader;
using base::ByteWriter;

namespace {

template <class Enum>
bool read_enum(ByteReader& reader, std::size_t count, Enum& into) {
  const std::uint8_t value = reader.u8();
  into = static_cast<Enum>(value);
  return value < count;
}

std::string read_text(ByteReader& reader) { return std::string(reader.text()); }

}  // namespace

void write_currency(const Currency& currency, ByteWriter& writer) {
  writer.raw(std::string_view(currency.code.data(), currency.code.size()));
}

Currency read_currency(ByteReader& reader) {
  Currency currency;
  const std::string_view code = reader.raw(3);
  if (code.size() == 3) currency.code = {code[0], code[1], code[2]};
  return currency;
}

void write_session(const SessionRow& row, ByteWriter& writer) {
  writer.varint(row.offset);
  writer.u64(row.session_id);
  writer.varint(row.version);
  writer.u8(row.retracted ? 1 : 0);
  writer.text(row.visitor_id);
  writer.text(row.user_id);
  writer.zigzag(row.started_at.ms);
  writer.zigzag(row.ended_at.ms);
  for (const std::uint32_t count :
       {row.events, row.page_views, row.product_views, row.cart_adds, row.orders}) {
    writer.varint(count);
  }
  writer.zigzag(row.revenue.micros);
  write_currency(row.currency, writer);
  writer.u8(static_cast<std::uint8_t>(row.channel));
  writer.u8(static_cast<std::uint8_t>(row.device));
  writer.u8(static_cast<std::uint8_t>(row.level));
  for (const auto* text : {&row.campaign_source, &row.campaign_medium, &row.campaign_name, &row.country,
                           &row.category, &row.entry_page, &row.exit_page}) {
    writer.text(*text);
  }
}

bool read_session(ByteReader& reader, SessionRow& row) {
  row.offset = reader.varint();
  row.session_id = reader.u64();
  row.version = static_cast<std::uint32_t>(reader.varint());
  row.retracted = reader.u8() != 0;
  row.visitor_id = read_text(reader);
  row.user_id = read_text(reader);
  row.started_at.ms = reader.zigzag();
  row.ended_at.ms = reader.zigzag();
  for (auto* count : {&row.events, &row.page_views, &row.product_views, &row.cart_adds, &row.orders}) {
    *count = static_cast<std::uint32_t>(reader.varint());
  }
  row.revenue.micros = reader.zigzag();
  row.currency = read_currency(reader);
  bool valid = read_enum(reader, kChannelCount, row.channel);
  valid = read_enum(reader, kDeviceCount, row.device) && valid;
  valid = read_enum(reader, kFunnelStepCount, row.level) && valid;
  for (auto* text : {&row.campaign_source, &row.campaign_medium, &row.campaign_name, &row.country,
                     &row.category, &row.entry_page, &row.exit_page}) {
    *text = read_text(reader);
  }
  return valid && reader.ok();
}

void write_order(const OrderRow& row, ByteWriter& writer) {
  writer.varint(row.offset);
  writer.text(row.order_id);
  writer.varint(row.version);
  writer.u8(static_cast<std::uint8_t>(row.status));
  writer.varint(row.source);
  writer.text(row.visitor_id);
  writer.text(row.user_id);
  writer.u64(row.session_id);
  writer.zigzag(row.ordered_at.ms);
  write_currency(row.currency, writer);
  for (const Money money : {row.revenue, row.total, row.subtotal, row.tax, row.shipping, row.discount,
                            row.items_net, row.order_net, row.order_gross}) {
    writer.zigzag(money.micros);
  }
  writer.u8(row.reconciles ? 1 : 0);
  writer.text(row.coupon);
  writer.u8(static_cast<std::uint8_t>(row.channel));
  writer.u8(static_cast<std::uint8_t>(row.device));
  writer.text(row.country);
  writer.varint(row.lines.size());
  for (const auto& line : row.lines) {
    writer.text(line.product_id);
    writer.text(line.name);
    writer.text(line.category);
    writer.zigzag(line.quantity);
    writer.zigzag(line.price.micros);
  }
}

bool read_order(ByteReader& reader, OrderRow& row) {
  row.offset = reader.varint();
  row.order_id = read_text(reader);
  row.version = static_cast<std::uint32_t>(reader.varint());
  bool valid = read_enum(reader, 4, row.status);
  row.source = static_cast<std::uint16_t>(reader.varint());
  row.visitor_id = read_text(reader);
  row.user_id = read_text(reader);
  row.session_id = reader.u64();
  row.ordered_at.ms = reader.zigzag();
  row.currency = read_currency(reader);
  for (auto* money : {&row.revenue, &row.total, &row.subtotal, &row.tax, &row.shipping, &row.discount,
                      &row.items_net, &row.order_net, &row.order_gross}) {
    money->micros = reader.zigzag();
  }
  row.reconciles = reader.u8() != 0;
  row.coupon = read_text(reader);
  valid = read_enum(reader, kChannelCount, row.channel) && valid;
  valid = read_enum(reader, kDeviceCount, row.device) && valid;
  row.country = read_text(reader);
  const std::uint64_t lines = reader.varint();
  if (lines > reader.remaining()) return false;  // A lie must not size an allocation.
  row.lines.resize(lines);
  for (auto& line : row.lines) {
    line.product_id = read_text(reader);
    line.name = read_text(reader);
    line.category = read_text(reader);
    line.quantity = reader.zigzag();
    line.price.micros = reader.zigzag();
  }
  return valid && reader.ok();
}

}  // namespace millrace::event
