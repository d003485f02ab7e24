#include "commerce/ledger.h"

#include <algorithm>

#include "base/bytes.h"

namespace millrace::commerce {

namespace {

// Minute above source. Receipt is wall time, so it is never before 1970.
std::uint64_t key_of(std::uint16_t source, base::WallTime received_at) {
  const std::int64_t minute = received_at.ms > 0 ? received_at.ms / base::kMinuteMs : 0;
  return static_cast<std::uint64_t>(minute) << 16 | source;
}

// Above every minute.
constexpr std::uint64_t kEarlierMinute = 0xffff'ffff'ffff;
std::uint64_t earlier_key(std::uint64_t key) { return kEarlierMinute << 16 | (key & 0xffff); }

std::int64_t minute_of(std::uint64_t key) {
  const std::uint64_t minute = key >> 16;
  if (minute == kEarlierMinute) return event::LedgerCell::kEarlier;
  return static_cast<std::int64_t>(minute) * base::kMinuteMs;
}

std::string queue_key(std::uint64_t key) {
  std::string bytes;
  process::NumberKey::append(key, bytes);
  return bytes;
}

}  // namespace

Ledger::Ledger(const process::StateStore& store, const CellSettings& settings)
    : retention_ms_(settings.retention_ms),
      cells_(store, settings.prefix, settings.entries_max),
      queue_(store, settings.queue_prefix),
      parts_({&cells_, &queue_}) {}

void Ledger::Counts::encode(std::string& out) const {
  base::ByteWriter writer(out);
  for (const auto count : verdicts) writer.varint(count);
  if ((pseudonymised | anonymised) == 0) return;
  writer.varint(pseudonymised);
  writer.varint(anonymised);
}

bool Ledger::Counts::empty() const {
  return std::all_of(verdicts.begin(), verdicts.end(), [](std::uint64_t count) { return count == 0; });
}

bool Ledger::Counts::decode(std::string_view bytes, Counts& into) {
  base::ByteReader reader(bytes);
  for (auto& count : into.verdicts) count = reader.varint();
  if (reader.ok() && reader.at_end()) return true;
  into.pseudonymised = reader.varint();
  into.anonymised = reader.varint();
  return reader.ok() && reader.at_end();
}

Ledger::Counts& Ledger::counted(std::uint16_t source, base::WallTime received_at, event::Verdict verdict,
                                base::WallTime now) {
  const std::uint64_t key = key_of(source, received_at);
  Counts& counts = cells_.edit(key);
  if (counts.empty())
    queue_.push(queue_key(key), std::max(now, base::WallTime{minute_of(key)}) + retention_ms_);
  ++counts.verdicts[static_cast<std::size_t>(verdict)];
  if (counts.listed) return counts;
  counts.listed = true;
  changed_.push_back(key);
  return counts;
}

void Ledger::count(std::uint16_t source, base::WallTime received_at, event::Verdict verdict,
                   base::WallTime now) {
  counted(source, received_at, verdict, now);
}

void Ledger::count(const event::Event& event, event::Verdict verdict, base::WallTime now) {
  Counts& counts = counted(event.source, event.received_at, verdict, now);
  counts.pseudonymised += event.has(event::Flag::pseudonymised) ? 1 : 0;
  counts.anonymised += event.has(event::Flag::anonymised) ? 1 : 0;
}

void Ledger::forget(base::WallTime now, int limit) {
  for (; limit > 0; --limit) {
    const auto queued = queue_.pop(now);
    if (!queued) return;
    std::uint64_t key = 0;
    INVARIANT(process::NumberKey::parse(*queued, key));
    if (minute_of(key) + retention_ms_ > now.ms) {
      queue_.push(*queued, now + retention_ms_);
      continue;
    }
    const Counts* counts = cells_.find(key);
    if (counts == nullptr) continue;  // The store could not be read; the owner stops at its fault.
    const Counts old = *counts;
    cells_.erase(key);
    Counts& earlier = cells_.edit(earlier_key(key));
    for (std::size_t i = 0; i < old.verdicts.size(); ++i) earlier.verdicts[i] += old.verdicts[i];
    earlier.pseudonymised += old.pseudonymised;
    earlier.anonymised += old.anonymised;
  }
}

event::LedgerCell Ledger::cell(std::uint64_t key, const Counts& counts) {
  event::LedgerCell cell;
  cell.minute_ms = minute_of(key);
  cell.source = static_cast<std::uint16_t>(key);
  cell.verdicts = counts.verdicts;
  for (const auto count : counts.verdicts) cell.received += count;
  cell.pseudonymised = counts.pseudonymised;
  cell.anonymised = counts.anonymised;
  return cell;
}

void Ledger::take_changed(std::vector<event::ViewUpdate>& out) {
  for (const auto key : changed_) {
    const Counts* counts = cells_.find(key);
    if (counts == nullptr) continue;  // Forgotten since.
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
