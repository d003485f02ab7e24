#include "commerce/visitor_totals.h"

#include <array>

#include "base/bytes.h"

namespace millrace::commerce {

namespace {

constexpr auto kFields = std::to_array<std::uint64_t VisitorTotals::*>({
    &VisitorTotals::events,
    &VisitorTotals::late_events,
    &VisitorTotals::visitors,
    &VisitorTotals::sessions,
    &VisitorTotals::sessions_joined,
    &VisitorTotals::session_rows,
    &VisitorTotals::orders,
    &VisitorTotals::carts_abandoned,
    &VisitorTotals::carts_purchased_in_time,
    &VisitorTotals::carts_silenced,
    &VisitorTotals::abandonments_cancelled,
});

}  // namespace

base::Status StoredTotals::restore() {
  TRY_ASSIGN(const auto stored, store_.get(key_));
  if (!stored) return base::Ok{};
  base::ByteReader reader(*stored);
  for (const auto field : kFields) live_.*field = reader.varint();
  if (!reader.ok()) return base::Error(base::ErrorCode::corrupt, "visitor totals cannot be decoded");
  return base::Ok{};
}

bool StoredTotals::drain(process::StateBatch& batch, std::size_t) {
  std::string value;
  base::ByteWriter writer(value);
  for (const auto field : kFields) writer.varint(frozen_.*field);
  batch.put(key_, value);
  return true;
}

}  // namespace millrace::commerce
