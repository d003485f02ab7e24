#include "act/outbox.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace millrace::act {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kErrorBytesMax = 200;

void write_entry(base::ByteWriter& writer, std::uint64_t offset, const std::vector<DeliveryRecord>& records) {
  writer.varint(offset);
  for (const DeliveryRecord& record : records) {
    writer.u8(static_cast<std::uint8_t>(record.state));
    if (record.state == DeliveryState::none) continue;
    writer.varint(record.attempts);
    writer.zigzag(record.first_attempt.ms);
    writer.zigzag(record.next_attempt.ms);
    writer.zigzag(record.finished.ms);
    writer.text(record.last_error);
  }
}

}  // namespace

DeliveryState OutboxEntry::state() const {
  DeliveryState worst = DeliveryState::none;
  for (const DeliveryRecord& record : targets) {
    if (record.state == DeliveryState::pending) return DeliveryState::pending;
    worst = std::max(worst, record.state);
  }
  return worst;
}

Outbox::Outbox(std::vector<std::string> target_names, OutboxLimits limits, base::Random& random)
    : limits_(limits), random_(random) {
  for (std::string& name : target_names) targets_.push_back({std::move(name), {}, 0, 0, 0});
}

void Outbox::skip_to(std::uint64_t offset) {
  next_offset_ = std::max(next_offset_, offset);
  restored_.erase(restored_.begin(), restored_.lower_bound(offset));
}

bool Outbox::add(std::uint64_t offset, const event::Action& action, base::WallTime now) {
  if (offset < next_offset_) return false;
  next_offset_ = offset + 1;
  const auto known = restored_.find(offset);
  if (known == restored_.end() && offset < seen_before_) return false;  // Finished, and not listed any more.
  if (!ids_.insert(action.id).second) return false;
  OutboxEntry entry{offset, action, std::vector<DeliveryRecord>(targets_.size())};
  if (known != restored_.end()) {
    entry.targets = std::move(known->second);
    restored_.erase(known);
  } else {
    for (DeliveryRecord& record : entry.targets) record = {DeliveryState::pending, 0, {}, now, {}, {}};
  }
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (entry.targets[i].state == DeliveryState::pending)
      targets_[i].due.emplace(entry.targets[i].next_attempt.ms, offset);
  }
  if (entry.state() == DeliveryState::pending) {
    ++pending_;
  } else {
    finished_.insert(offset);
  }
  entries_.emplace(offset, std::move(entry));
  trim();
  return true;
}

std::optional<Attempt> Outbox::take(std::size_t target, base::WallTime now) {
  TargetState& state = targets_[target];
  if (state.in_flight >= limits_.in_flight_max || state.paused_until_ms > now.ms) return std::nullopt;
  if (state.due.empty() || state.due.begin()->first > now.ms) return std::nullopt;
  const std::uint64_t offset = state.due.begin()->second;
  state.due.erase(state.due.begin());
  ++state.in_flight;
  OutboxEntry& entry = entries_.at(offset);
  DeliveryRecord& record = entry.targets[target];
  if (record.attempts++ == 0) record.first_attempt = now;
  return Attempt{target, offset, entry.action};
}

std::int64_t Outbox::backoff_ms(std::uint32_t failures, std::int64_t max_ms) {
  const std::uint32_t doublings = std::min(failures > 0 ? failures - 1 : 0, 30u);
  const std::int64_t full = std::min(max_ms, limits_.first_retry_ms << doublings);
  // Between half and the whole, so that what failed together does not come back together.
  return full / 2 + static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(full / 2 + 1));
}

void Outbox::finish(const Attempt& attempt, const AttemptResult& result, base::WallTime now) {
  TargetState& target = targets_[attempt.target];
  OutboxEntry& entry = entries_.at(attempt.offset);
  DeliveryRecord& record = entry.targets[attempt.target];
  INVARIANT(target.in_flight > 0 && record.state == DeliveryState::pending);
  --target.in_flight;
  record.last_error = result.error.substr(0, kErrorBytesMax);
  if (result.kind == AttemptResult::Kind::unreachable) {
    target.paused_until_ms = now.ms + backoff_ms(++target.failures, limits_.target_pause_max_ms);
  } else {
    target.failures = 0;
    target.paused_until_ms = 0;
  }
  const bool too_old = now - record.first_attempt >= limits_.give_up_after_ms;
  if (result.kind == AttemptResult::Kind::delivered) {
    record.state = DeliveryState::delivered;
    record.last_error.clear();
  } else if (result.kind == AttemptResult::Kind::refused || too_old) {
    record.state = DeliveryState::failed;
  } else {
    record.next_attempt =
        now + std::max(backoff_ms(record.attempts, limits_.retry_max_ms), result.retry_after_ms);
    target.due.emplace(record.next_attempt.ms, attempt.offset);
    return;
  }
  record.finished = now;
  if (entry.state() != DeliveryState::pending) {
    --pending_;
    finished_.insert(attempt.offset);
    trim();
  }
}

std::optional<base::WallTime> Outbox::next_due(std::size_t target) const {
  const TargetState& state = targets_[target];
  if (state.due.empty() || state.in_flight >= limits_.in_flight_max) return std::nullopt;
  return base::WallTime{std::max(state.due.begin()->first, state.paused_until_ms)};
}

void Outbox::trim() {
  while (finished_.size() > limits_.listed_max) {
    const auto entry = entries_.find(*finished_.begin());
    ids_.erase(entry->second.action.id);
    entries_.erase(entry);
    finished_.erase(finished_.begin());
  }
}

std::vector<OutboxEntry> Outbox::list(std::size_t n, std::optional<DeliveryState> state) const {
  std::vector<OutboxEntry> found;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && found.size() < n; ++entry) {
    if (!state || entry->second.state() == *state) found.push_back(entry->second);
  }
  return found;
}

std::string Outbox::encode() const {
  std::string out;
  base::ByteWriter writer(out);
  writer.u8(kVersion);
  writer.varint(std::max(next_offset_, seen_before_));
  writer.varint(targets_.size());
  for (const TargetState& target : targets_) writer.text(target.name);
  // What was restored and not read again yet is as much part of the state.
  writer.varint(entries_.size() + restored_.size());
  for (const auto& [offset, entry] : entries_) write_entry(writer, offset, entry.targets);
  for (const auto& [offset, records] : restored_) write_entry(writer, offset, records);
  writer.u32(base::crc32c(base::as_bytes(out)));
  return out;
}

base::Status Outbox::restore(std::string_view bytes) {
  const base::Error damaged(base::ErrorCode::corrupt, "outbox state is damaged");
  if (bytes.size() < 5) return damaged;
  const std::string_view content = bytes.substr(0, bytes.size() - 4);
  if (base::ByteReader(bytes.substr(content.size())).u32() != base::crc32c(base::as_bytes(content)))
    return damaged;
  base::ByteReader reader(content);
  if (const std::uint8_t version = reader.u8(); version != kVersion) {
    return base::Error(base::ErrorCode::corrupt, "outbox state has version " + std::to_string(version) +
                                                     ", this program knows " + std::to_string(kVersion));
  }
  seen_before_ = next_offset_ = reader.varint();
  // Where each recorded target is now; one that is configured no more is dropped, a new one has no record.
  std::vector<std::size_t> positions;
  for (std::uint64_t n = reader.varint(); n > 0 && reader.ok(); --n) {
    const std::string_view name = reader.text();
    const auto found = std::find_if(targets_.begin(), targets_.end(),
                                    [&](const auto& target) { return target.name == name; });
    positions.push_back(static_cast<std::size_t>(found - targets_.begin()));
  }
  for (std::uint64_t n = reader.varint(); n > 0 && reader.ok(); --n) {
    const std::uint64_t offset = reader.varint();
    std::vector<DeliveryRecord> records(targets_.size());
    for (const std::size_t position : positions) {
      DeliveryRecord record;
      record.state = static_cast<DeliveryState>(reader.u8() & 3);
      if (record.state != DeliveryState::none) {
        record.attempts = static_cast<std::uint32_t>(reader.varint());
        record.first_attempt.ms = reader.zigzag();
        record.next_attempt.ms = reader.zigzag();
        record.finished.ms = reader.zigzag();
        record.last_error = reader.text();
      }
      if (position < records.size()) records[position] = std::move(record);
    }
    next_offset_ = std::min(next_offset_, offset);
    restored_.emplace(offset, std::move(records));
  }
  if (!reader.ok() || !reader.at_end()) return damaged;
  return base::Ok{};
}

}  // namespace millrace::act
