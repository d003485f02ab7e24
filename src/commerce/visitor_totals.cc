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
    &VisitorTotals::abandonments_withheld,
    &VisitorTotals::bots,
    &VisitorTotals::visitors_forgotten,
});
// Those behind are written as far as the last that is not zero: who never met them keeps the bytes of old.
constexpr std::size_t kFirstFields = 11;

}  // namespace

base::Status StoredTotals::restore() {
  TRY_ASSIGN(const auto stored, store_.get(key_));
  if (!stored) return base::Ok{};
  base::ByteReader reader(*stored);
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    live_.*kFields[i] = i >= kFirstFields && reader.at_end() ? 0 : reader.varint();
  }
  if (!reader.ok()) return base::Error(base::ErrorCode::corrupt, "visitor totals cannot be decoded");
  return base::Ok{};
}

bool StoredTotals::drain(process::StateBatch& batch, std::size_t) {
  std::string value;
  base::ByteWriter writer(value);
  std::size_t count = kFields.size();
  while (count > kFirstFields && frozen_.*kFields[count - 1] == 0) --count;
  for (std::size_t i = 0; i < count; ++i) writer.varint(frozen_.*kFields[i]);
  batch.put(key_, value);
  return true;
}

}  // namespace millrace::commerce
