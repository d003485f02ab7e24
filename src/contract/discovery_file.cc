#include <bit>
#include <iterator>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "contract/discovery.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kFile = "contracts/learnt";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSourcesMax = 50;

void write_rate(base::ByteWriter& writer, double value) { writer.u64(std::bit_cast<std::uint64_t>(value)); }
double read_rate(base::ByteReader& reader) { return std::bit_cast<double>(reader.u64()); }

}  // namespace

base::Status Discovery::save() {
  const std::lock_guard lock(mutex_);
  return is_changed_ || has_news_ ? save_locked() : base::Ok{};
}

base::Status Discovery::save_locked() {
  std::string bytes;
  base::ByteWriter writer(bytes);
  writer.u8(kVersion);
  writer.varint(alerts_raised_);
  writer.varint(alerts_.size());
  for (const DriftAlert& alert : alerts_) {
    writer.zigzag(alert.at.ms);
    for (const auto* text : {&alert.event, &alert.kind, &alert.field, &alert.detail}) writer.text(*text);
  }
  writer.varint(events_.size());
  for (const auto& [name, watched] : events_) {
    writer.text(name);
    writer.text(watched.shown);
    writer.u8(watched.has_contract ? 1 : 0);
    writer.zigzag(watched.first_seen.ms);
    writer.zigzag(watched.last_seen.ms);
    writer.varint(watched.sources.size());
    for (const std::string& source : watched.sources) writer.text(source);
    watched.profile.encode(writer);
    writer.varint(watched.trends.size());
    for (const auto& [field, trend] : watched.trends) {
      writer.text(field);
      write_rate(writer, trend.present_rate);
      writer.varint(trend.missing_run);
      std::uint64_t kinds = trend.vanished ? 1 : 0;
      for (const FieldProfile::Kind kind : trend.kinds)
        kinds |= std::uint64_t{2} << static_cast<unsigned>(kind);
      writer.varint(kinds);
    }
    write_rate(writer, watched.mean);
    write_rate(writer, watched.deviation);
    writer.varint(static_cast<std::uint64_t>(watched.windows));
  }
  writer.u32(base::crc32c(base::as_bytes(bytes)));
  TRY(disk::write_file_atomically(disk_, kFile, bytes));
  is_changed_ = has_news_ = false;
  return base::Ok{};
}

base::Status Discovery::load_learnt() {
  auto bytes = disk::read_file(disk_, kFile);
  if (bytes.ok()) {
    restore(*bytes);
  } else if (bytes.error().code() != base::ErrorCode::not_found) {
    return std::move(bytes).error();
  }
  return base::Ok{};
}

// Bytes that are damaged or of another version are as none: what they say is learnt again.
void Discovery::restore(std::string_view bytes) {
  constexpr std::size_t kChecksumBytes = 4;
  if (bytes.size() <= kChecksumBytes) return;
  base::ByteReader checksum(bytes.substr(bytes.size() - kChecksumBytes));
  bytes.remove_suffix(kChecksumBytes);
  if (checksum.u32() != base::crc32c(base::as_bytes(bytes))) return;
  base::ByteReader reader(bytes);
  if (reader.u8() != kVersion) return;
  const std::uint64_t raised = reader.varint();
  std::deque<DriftAlert> alerts;
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    DriftAlert& alert = alerts.emplace_back();
    alert.at.ms = reader.zigzag();
    for (auto* text : {&alert.event, &alert.kind, &alert.field, &alert.detail}) *text = reader.text();
  }
  std::map<std::string, Watched> events;
  std::size_t room = kFieldsMax;
  for (std::uint64_t left = reader.varint(); left > 0; --left) {
    if (!reader.ok() || events.size() == kEventsMax) return;
    Watched& watched = events[std::string(reader.text())];
    watched.shown = reader.text();
    watched.has_contract = reader.u8() != 0;
    watched.first_seen.ms = reader.zigzag();
    watched.last_seen.ms = reader.zigzag();
    const std::uint64_t sources = reader.varint();
    if (sources > kSourcesMax) return;
    for (std::uint64_t i = 0; i < sources; ++i) watched.sources.emplace(reader.text());
    if (!FieldProfile::decode(reader, watched.profile, 0, room)) return;
    const std::uint64_t trends = reader.varint();
    if (trends > FieldProfile::kChildrenMax) return;
    for (std::uint64_t i = 0; i < trends; ++i) {
      Trend& trend = watched.trends[std::string(reader.text())];
      trend.present_rate = read_rate(reader);
      trend.missing_run = reader.varint();
      const std::uint64_t kinds = reader.varint();
      trend.vanished = (kinds & 1) != 0;
      for (unsigned kind = 0; kind < FieldProfile::kKindCount; ++kind) {
        if ((kinds >> (kind + 1)) & 1u) trend.kinds.insert(static_cast<FieldProfile::Kind>(kind));
      }
    }
    watched.mean = read_rate(reader);
    watched.deviation = read_rate(reader);
    watched.windows = static_cast<int>(reader.varint());
  }
  if (!reader.ok() || !reader.at_end()) return;
  events_ = std::move(events);
  alerts_ = std::move(alerts);
  alerts_raised_ = raised;
  room_ = room;
}

}  // namespace millrace::contract
