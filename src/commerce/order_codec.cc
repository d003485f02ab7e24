#include "commerce/order.h"
#include "event/row_codec.h"

namespace millrace::commerce {

namespace {

constexpr std::uint8_t kVersion = 3;  // 1 had no returned_by, 2 one telling and one return waiting.
constexpr int kUnknown = 1;
constexpr int kIncomplete = 2;

}  // namespace

void Order::encode(std::string& out) const {
  base::ByteWriter writer(out);
  // What an older build can say is said as that did: `millrace verify` compares the bytes.
  const OrderTelling last = tellings.empty() ? OrderTelling{} : tellings.back();
  const bool older = tellings.size() <= 1 && last.returned_by == kNoSource && earlier_returns.empty();
  writer.u8(older ? kVersion - 1 : kVersion);
  event::write_order(row, writer);
  writer.u8(static_cast<std::uint8_t>((unknown ? kUnknown : 0) | (incomplete ? kIncomplete : 0)));
  writer.varint(ordered.size());
  for (const auto& line : ordered) {
    for (const auto* text : {&line.product_id, &line.name, &line.category}) writer.text(*text);
    writer.zigzag(line.quantity);
    writer.zigzag(line.price.micros);
  }
  writer.zigzag(accepted_at.ms);
  writer.u64(last.content);
  writer.zigzag(last.at.ms);
  writer.varint(duplicates);
  writer.varint(sightings.size());
  for (const auto& sighting : sightings) {
    writer.varint(sighting.source);
    writer.text(sighting.visitor_id);
  }
  writer.varint(returned_by);
  writer.zigzag(returned.micros);
  if (older) return;
  writer.varint(last.returned_by);
  writer.varint(tellings.size() - 1);
  for (std::size_t i = 0; i + 1 < tellings.size(); ++i) {
    writer.u64(tellings[i].content);
    writer.zigzag(tellings[i].at.ms);
    writer.varint(tellings[i].returned_by);
  }
  writer.varint(earlier_returns.size());
  for (const auto& earlier : earlier_returns) event::write_order(earlier, writer);
}

bool Order::decode(std::string_view bytes, Order& into) {
  base::ByteReader reader(bytes);
  const std::uint8_t version = reader.u8();
  if (version == 0 || version > kVersion || !event::read_order(reader, into.row)) return false;
  const std::uint8_t bits = reader.u8();
  if ((bits & ~(kUnknown | kIncomplete)) != 0) return false;
  into.unknown = (bits & kUnknown) != 0;
  into.incomplete = (bits & kIncomplete) != 0;
  const std::uint64_t lines = reader.varint();
  if (lines > reader.remaining()) return false;
  into.ordered.resize(lines);
  for (auto& line : into.ordered) {
    for (auto* text : {&line.product_id, &line.name, &line.category}) *text = reader.text();
    line.quantity = reader.zigzag();
    line.price.micros = reader.zigzag();
  }
  into.accepted_at.ms = reader.zigzag();
  OrderTelling last;
  last.content = reader.u64();
  last.at.ms = reader.zigzag();
  into.duplicates = static_cast<std::uint32_t>(reader.varint());
  const std::uint64_t count = reader.varint();
  if (count > kSightings) return false;
  into.sightings.resize(count);
  for (auto& sighting : into.sightings) {
    sighting.source = static_cast<std::uint16_t>(reader.varint());
    sighting.visitor_id = reader.text();
  }
  into.returned_by = version < 2 ? kNoSource : static_cast<std::uint32_t>(reader.varint());
  into.returned.micros = version < 2 ? 0 : reader.zigzag();
  if (version > 2) {
    last.returned_by = static_cast<std::uint32_t>(reader.varint());
    const std::uint64_t earlier = reader.varint();
    if (earlier >= kTellings) return false;
    into.tellings.resize(earlier);
    for (auto& telling : into.tellings) {
      telling.content = reader.u64();
      telling.at.ms = reader.zigzag();
      telling.returned_by = static_cast<std::uint32_t>(reader.varint());
    }
    const std::uint64_t returns = reader.varint();
    if (returns > kReturns) return false;
    into.earlier_returns.resize(returns);
    for (auto& each : into.earlier_returns) {
      if (!event::read_order(reader, each)) return false;
    }
  }
  into.tellings.push_back(last);
  return reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
