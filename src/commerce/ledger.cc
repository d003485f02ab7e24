#include "commerce/ledger.h"

#include "base/bytes.h"

namespace millrace::commerce {

namespace {

// Minute above source. Receipt is wall time, so it is never before 1970.
std::uint64_t key_of(std::uint16_t source, base::WallTime received_at) {
  const std::int64_t minute = received_at.ms > 0 ? received_at.ms / base::kMinuteMs : 0;
  return static_cast<std::uint64_t>(minute) << 16 | source;
}

}  // namespace

Ledger::Ledger(const process::StateStore& store, std::string prefix, std::size_t entries_max)
    : cells_(store, std::move(prefix), entries_max) {}

void Ledger::Counts::encode(std::string& out) const {
  base::ByteWriter writer(out);
  for (const auto count : verdicts) writer.varint(count);
}

bool Ledger::Counts::decode(std::string_view bytes, Counts& into) {
  base::ByteReader reader(bytes);
  for (auto& count : into.verdicts) count = reader.varint();
  return reader.ok() && reader.at_end();
}

void Ledger::count(std::uint16_t source, base::WallTime received_at, event::Verdict verdict) {
  const std::uint64_t key = key_of(source, received_at);
  Counts& counts = cells_.edit(key);
  ++counts.verdicts[static_cast<std::size_t>(verdict)];
  if (counts.listed) return;
  counts.listed = true;
  changed_.push_back(key);
}

event::LedgerCell Ledger::cell(std::uint64_t key, const Counts& counts) {
  event::LedgerCell cell;
  cell.minute_ms = static_cast<std::int64_t>(key >> 16) * base::kMinuteMs;
  cell.source = static_cast<std::uint16_t>(key);
  cell.verdicts = counts.verdicts;
  for (const auto count : counts.verdicts) cell.received += count;
  return cell;
}

void Ledger::take_changed(std::vector<event::ViewUpdate>& out) {
  for (const auto key : changed_) {
    const Counts* counts = cells_.find(key);
    INVARIANT(counts != nullptr);
    counts->listed = false;
    out.emplace_back(cell(key, *counts));
  }
  changed_.clear();
}

base::Status Ledger::restore(const process::StateStore& store, const std::string& prefix,
                             std::vector<event::ViewUpdate>& out) {
  base::Status outcome = base::Ok{};
  TRY(store.scan(prefix, [&](std::string_view stored, std::string_view value) {
    std::uint64_t key = 0;
    Counts counts;
    if (!process::NumberKey::parse(stored.substr(prefix.size()), key) || !Counts::decode(value, counts)) {
      outcome = base::Error(base::ErrorCode::corrupt, "ledger cell cannot be decoded");
      return false;
    }
    out.emplace_back(cell(key, counts));
    return true;
  }));
  return outcome;
}

}  // namespace millrace::commerce
