#include "collect/intake.h"

#include <utility>

#include "base/hash.h"
#include "collect/client_time.h"
#include "event/record.h"

namespace millrace::collect {

using event::Flag;
using event::Text;

void Intake::begin(base::WallTime received_at, std::size_t bytes_hint) {
  received_at_ = received_at;
  item_ = nullptr;
  kept_with_.clear();
  last_import_ = {};
  kept_out_ = 0;
  outcome_.received = outcome_.accepted = outcome_.quarantined = outcome_.refused = 0;
  outcome_.suppressed = outcome_.consent_dropped = 0;
  outcome_.items.clear();
  for (auto& buffer : buffers_) buffer.clear();
  full_.clear();
  counts_.clear();
  sent_.clear();
  // A record is its raw bytes and about half as much beside them.
  reserve_bytes_ = bytes_hint + bytes_hint / 2;
  reserve_bytes_ = bytes_hint < 4096 ? reserve_bytes_ + 256 : reserve_bytes_ / buffers_.size() * 5 / 4 + 512;
}

void Intake::begin(const http::Request& request, base::WallTime received_at, std::size_t bytes_hint) {
  begin(received_at, bytes_hint);
  for (const auto& gate : gates_) gate->begin(request);
}

base::Status Intake::finish() {
  for (const auto& gate : gates_) TRY(gate->finish());
  return base::Ok{};
}

journal::RecordBuffer& Intake::buffer_for(std::string_view key) {
  return buffers_[base::hash64(key) % buffers_.size()];
}

void Intake::finish_record(journal::RecordBuffer& buffer) {
  buffer.finish();
  if (buffer.bytes().size() < kShareBytes) return;
  full_.push_back({static_cast<std::size_t>(&buffer - buffers_.data()), std::move(buffer)});
  buffer = {};
}

std::vector<Intake::Share> Intake::take_shares() {
  std::vector<Share> shares = std::exchange(full_, {});
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    if (!buffers_[i].empty()) shares.push_back({i, std::exchange(buffers_[i], {})});
  }
  return shares;
}

void Intake::count(std::uint16_t source) {
  // Nearly always the source of the item before.
  for (std::size_t i = sent_.size(); i-- > 0;) {
    if (sent_[i].first != source) continue;
    ++sent_[i].second;
    return;
  }
  sent_.emplace_back(source, 1);
}

bool Intake::is_kept_out(std::uint16_t source) {
  if (elsewhere_ == nullptr || source >= elsewhere_->size() || !(*elsewhere_)[source]) [[likely]]
    return false;
  ++kept_out_;
  kept_out_source_ = source;
  refuse(kOtherRegion.code, kOtherRegion.message);
  return true;
}

void Intake::accept(event::Event& event) {
  if (is_kept_out(event.source)) return;
  count(event.source);
  if (event[Text::message_id].empty()) make_message_id(event);
  if (event.has(Flag::imported)) take_import_time(event);
  if (!gates_.empty() && !passes_gates(event)) return;
  if (watch_ != nullptr) watch_->accepted(event, received_at_);
  journal::RecordBuffer& buffer = buffer_for(event.partition_key());
  std::string& bytes = buffer.begin();
  if (buffer.empty()) bytes.reserve(reserve_bytes_);
  event::encode_event(event, bytes);
  finish_record(buffer);
  ++outcome_.received;
  ++outcome_.accepted;
}

void Intake::take_import_time(event::Event& event) {
  if (time_ == TimeSource::events) {
    event.received_at = last_import_ = event.event_time;
  } else if (event.event_time > event.received_at + kFutureMs) {
    // History is over.
    event.event_time = event.received_at + kFutureMs;
    event.set(Flag::time_clamped);
  }
}

bool Intake::passes_gates(event::Event& event) {
  event.purposes = {};
  event.bot_score = 0;
  event.bot_reasons = 0;
  const JsonTape* const item = std::exchange(item_, nullptr);
  for (const auto& gate : gates_) {
    if (item != nullptr) gate->laid_out(*item);
    const Decision decision = gate->inspect(event);
    if (decision.ruling == Ruling::pass) [[likely]]
      continue;
    turn_away(event, decision);
    return false;
  }
  for (const auto& gate : gates_) gate->stored(event);
  return true;
}

void Intake::turn_away(const event::Event& event, const Decision& decision) {
  event::Verdict verdict = event::Verdict::quarantined;
  switch (decision.ruling) {
    case Ruling::quarantine: {
      for (const auto& gate : gates_) gate->turned_away(event);
      // What was taken out of an event must not come back from what its batch gives to all.
      const bool nobodys = event.has(Flag::anonymised) || event.has(Flag::pseudonymised);
      return keep(
          {event.source, event.received_at, decision.reason, decision.pointer, decision.detail, event.raw},
          event.visitor_key(), nobodys ? std::string_view{} : kept_with_);
    }
    case Ruling::suppress:
      verdict = event::Verdict::suppressed;
      ++outcome_.suppressed;
      break;
    case Ruling::drop_no_consent:
      verdict = event::Verdict::consent_dropped;
      ++outcome_.consent_dropped;
      break;
    default: ++outcome_.quarantined; break;
  }
  journal::RecordBuffer& buffer = buffer_for(event.partition_key());
  event::encode_dropped({event.source, event.received_at, verdict, decision.reason}, buffer.begin());
  finish_record(buffer);
  if (watch_ != nullptr) {
    // Nothing of it is kept, and so nothing of it is shown.
    event::QuarantinedItem shown{event.source, event.received_at, decision.reason, {}, decision.detail, {}};
    for (const auto& gate : gates_) gate->cleanse(shown);
    shown.raw = {};
    watch_->turned_away(shown, verdict, received_at_);
  }
  reject(verdict, decision.reason, decision.pointer, decision.detail);
}

// The same item sent again makes the same id, so that a retried request is not counted twice. An item without any time of
// its own would then be a duplicate of every equal one, so the receipt time tells those apart.
void Intake::make_message_id(event::Event& event) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto content = base::hash128(event.raw);
  std::uint64_t high = base::mix(content.high, event.source);
  std::uint64_t low = base::mix(content.low, outcome_.received);
  if (event.has(Flag::time_missing)) low = base::mix(low, static_cast<std::uint64_t>(event.received_at.ms));
  for (std::size_t i = 0; i < 16; ++i) {
    message_id_[15 - i] = kHex[high & 15];
    message_id_[31 - i] = kHex[low & 15];
    high >>= 4;
    low >>= 4;
  }
  event[Text::message_id] = {message_id_.data(), message_id_.size()};
  event.set(Flag::message_id_made);
}

void Intake::quarantine(const event::QuarantinedItem& item, std::string_view visitor_key) {
  if (is_kept_out(item.source)) return;
  count(item.source);
  keep(item, visitor_key, kept_with_);
}

void Intake::keep(const event::QuarantinedItem& item, std::string_view visitor_key, std::string_view with) {
  const std::string anonymous = visitor_key.empty() ? "source:" + std::to_string(item.source) : std::string();
  journal::RecordBuffer& buffer = buffer_for(visitor_key.empty() ? std::string_view(anonymous) : visitor_key);
  event::QuarantinedItem stored = item;
  if (last_import_.ms != 0) stored.received_at = last_import_;
  if (!with.empty()) stored.raw = kept_item_.with(item.raw, with);
  for (const auto& gate : gates_) gate->cleanse(stored);
  event::encode_quarantined(stored, buffer.begin());
  finish_record(buffer);
  ++outcome_.quarantined;
  if (watch_ != nullptr) watch_->turned_away(stored, event::Verdict::quarantined, received_at_);
  reject(event::Verdict::quarantined, stored.reason, stored.pointer, stored.detail);
}

void Intake::refuse(std::string_view reason, std::string_view detail) {
  ++outcome_.refused;
  if (watch_ != nullptr) watch_->refused(reason, detail, received_at_);
  reject(event::Verdict::quarantined, reason, {}, detail);
}

void Intake::reject(event::Verdict verdict, std::string_view reason, std::string_view pointer,
                    std::string_view detail) {
  if (outcome_.items.size() < kRejectedItemsMax) {
    outcome_.items.push_back(
        {outcome_.received, verdict, std::string(reason), std::string(pointer), std::string(detail)});
  }
  ++outcome_.received;
}

}  // namespace millrace::collect
