#include "commerce/stock.h"

#include <algorithm>

#include "base/bytes.h"

namespace millrace::commerce {

namespace {
constexpr std::uint8_t kVersion = 1;
}  // namespace

std::int64_t StockItem::available() const { return std::max<std::int64_t>(0, on_hand - reserved - safety); }

bool StockItem::has_reference(std::uint64_t hash) const {
  return std::find(references.begin(), references.end(), hash) != references.end();
}

void StockItem::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  for (const std::int64_t count : {on_hand, reserved, safety, received, committed}) writer.zigzag(count);
  writer.u8(reference_next);
  // Most SKUs have few references: zeros at the end are not written.
  std::size_t used = kReferences;
  while (used > 0 && references[used - 1] == 0) --used;
  writer.varint(used);
  for (std::size_t i = 0; i < used; ++i) writer.u64(references[i]);
}

bool StockItem::decode(std::string_view bytes, StockItem& into) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return false;
  for (auto* count : {&into.on_hand, &into.reserved, &into.safety, &into.received, &into.committed}) {
    *count = reader.zigzag();
  }
  into.reference_next = reader.u8();
  const std::uint64_t used = reader.varint();
  if (used > kReferences || into.reference_next >= kReferences) return false;
  for (std::size_t i = 0; i < used; ++i) into.references[i] = reader.u64();
  return reader.ok() && reader.at_end();
}

void Reservation::encode(std::string& out) const {
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(state));
  writer.varint(sequence);
  writer.zigzag(expires_at.ms);
  writer.zigzag(ended_at.ms);
  writer.varint(lines.size());
  for (const auto& line : lines) {
    writer.text(line.sku);
    writer.varint(static_cast<std::uint64_t>(line.quantity));
  }
  writer.varint(shorts.size());
  for (const auto& line : shorts) {
    writer.text(line.sku);
    writer.zigzag(line.requested);
    writer.zigzag(line.available);
  }
}

bool Reservation::decode(std::string_view bytes, Reservation& into) {
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return false;
  const std::uint8_t state = reader.u8();
  if (state > static_cast<std::uint8_t>(ReservationState::late)) return false;
  into.state = static_cast<ReservationState>(state);
  into.sequence = reader.varint();
  into.expires_at.ms = reader.zigzag();
  into.ended_at.ms = reader.zigzag();
  const std::uint64_t lines = reader.varint();
  if (lines > reader.remaining()) return false;
  into.lines.resize(lines);
  for (auto& line : into.lines) {
    line.sku = reader.text();
    line.quantity = static_cast<std::int64_t>(reader.varint());
  }
  const std::uint64_t shorts = reader.varint();
  if (shorts > reader.remaining()) return false;
  into.shorts.resize(shorts);
  for (auto& line : into.shorts) {
    line.sku = reader.text();
    line.requested = reader.zigzag();
    line.available = reader.zigzag();
  }
  return reader.ok() && reader.at_end();
}

}  // namespace millrace::commerce
