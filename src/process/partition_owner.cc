#include "process/partition_owner.h"

#include <algorithm>
#include <exception>
#include <new>

#include "base/bytes.h"
#include "event/record.h"

namespace millrace::process {

namespace {

using base::ErrorCode;

// What the runtime itself keeps; docs/formats/state.md.
constexpr std::string_view kFormatKey = "!format";
constexpr std::string_view kPositionKey = "!position";
constexpr std::string_view kEpochKey = "!epoch";
constexpr std::string_view kSourcePrefix = "!source/";
constexpr std::uint64_t kFormat = 1;

// Records between expect() and on_record(): a few microseconds of work.
constexpr std::size_t kExpectAhead = 12;

std::string number(std::uint64_t value) {
  std::string bytes;
  base::ByteWriter(bytes).varint(value);
  return bytes;
}

base::Result<std::optional<std::uint64_t>> read_number(const StateStore& store, std::string_view key) {
  TRY_ASSIGN(const std::optional<std::string> stored, store.get(key));
  if (!stored) return std::optional<std::uint64_t>();
  base::ByteReader reader(*stored);
  const std::uint64_t value = reader.varint();
  if (!reader.ok() || !reader.at_end()) {
    return base::Error(ErrorCode::corrupt, "state entry cannot be decoded: " + std::string(key));
  }
  return std::optional<std::uint64_t>(value);
}

std::string source_key(event::Topic topic, std::uint32_t partition) {
  std::string key(kSourcePrefix);
  key.push_back(static_cast<char>(topic));
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(partition >> shift));
  return key;
}

}  // namespace

PartitionOwner::PartitionOwner(const journal::Journal& journal, StateStore& store, Stage& stage,
                               OutputSink& sink, OwnerSettings settings)
    : journal_(journal), store_(store), stage_(stage), sink_(sink), settings_(settings) {}

base::Status PartitionOwner::restore() {
  TRY(restore_position());
  TRY(take_epoch());
  std::uint32_t part = 0;
  const auto publish = [this, &part] {
    // Before the first record there is nothing to show, and no offset to show it as of.
    if (position_.value > 0) publish_views({}, part++);
  };
  TRY(stage_.restore(outputs_, publish));
  if (store_.fault()) return *store_.fault();
  INVARIANT(outputs_.emissions.empty() && outputs_.events.empty() && outputs_.outcomes.empty());
  publish();
  outputs_ = Outputs();
  return base::Ok{};
}

base::Status PartitionOwner::restore_position() {
  TRY_ASSIGN(const std::optional<std::uint64_t> format, read_number(store_, kFormatKey));
  if (format && *format != kFormat) {
    return base::Error(ErrorCode::corrupt, "state has format " + std::to_string(*format) +
                                               ", this program knows " + std::to_string(kFormat));
  }
  TRY_ASSIGN(const std::optional<std::uint64_t> position, read_number(store_, kPositionKey));
  position_ = committed_ = {position.value_or(0)};
  if (position_ < journal_.begin()) {
    return base::Error(ErrorCode::not_found, "state is at offset " + std::to_string(position_.value) +
                                                 ", but the journal begins at " +
                                                 std::to_string(journal_.begin().value));
  }
  if (position_ > journal_.end()) {
    return base::Error(ErrorCode::corrupt, "state is at offset " + std::to_string(position_.value) +
                                               ", past the journal's end at " +
                                               std::to_string(journal_.end().value));
  }
  base::Status outcome = base::Ok{};
  TRY(store_.scan(kSourcePrefix, [&](std::string_view key, std::string_view value) {
    base::ByteReader source(key.substr(kSourcePrefix.size()));
    const auto topic = static_cast<event::Topic>(source.u8());
    std::uint32_t partition = 0;
    for (int i = 0; i < 4; ++i) partition = partition << 8 | source.u8();
    base::ByteReader reader(value);
    Mark mark;
    mark.offset = reader.varint();
    mark.index = static_cast<std::uint32_t>(reader.varint());
    if (!source.ok() || !source.at_end() || !reader.ok() || !reader.at_end()) {
      outcome = base::Error(ErrorCode::corrupt, "high-water mark cannot be decoded");
      return false;
    }
    high_water_[{topic, partition}] = mark;
    return true;
  }));
  return outcome;
}

// An epoch is the number of times that the partition's state was opened: views of an earlier life are refused
// by it.
base::Status PartitionOwner::take_epoch() {
  TRY_ASSIGN(const std::optional<std::uint64_t> epoch, read_number(store_, kEpochKey));
  epoch_ = epoch.value_or(0) + 1;
  StateBatch batch;
  batch.put(kFormatKey, number(kFormat));
  batch.put(kEpochKey, number(epoch_));
  return store_.commit(batch);
}

journal::Offset PartitionOwner::readable_end() const {
  journal::Offset end = settings_.read_limit == ReadLimit::durable ? journal_.durable_end() : journal_.end();
  if (settings_.stop_at) end = std::min(end, *settings_.stop_at);
  return end;
}

PartitionOwner::Progress PartitionOwner::step() {
  if (stopped_by_) return Progress::stopped;
  if (const base::Error* fault = sink_.fault()) return stop(*fault);
  bool worked = release_held();
  worked |= advance_checkpoint();
  const journal::Offset end = readable_end();
  if (position_ >= end) {
    sink_.flush();
    return worked ? Progress::worked : Progress::idle;
  }
  if (held_.size() >= settings_.held_batches_max || !sink_.ready()) {
    sink_.flush();
    return worked ? Progress::worked : Progress::blocked;
  }
  auto read = journal_.read(position_, settings_.read_bytes_max);
  // No file can be opened now: others will be closed.
  if (!read.ok() && read.error().code() == ErrorCode::exhausted)
    return worked ? Progress::worked : Progress::blocked;
  if (!read.ok()) return stop(std::move(read).error());
  if (read->empty()) return worked ? Progress::worked : Progress::idle;
  INVARIANT(read->first == position_);
  const auto batch = std::make_shared<const journal::RecordBatch>(*std::move(read));
  const auto count =
      static_cast<std::size_t>(std::min<std::uint64_t>(batch->payloads.size(), end.value - position_.value));
  base::Status processed = process(batch, count);
  if (!processed.ok()) return stop(std::move(processed).error());
  return Progress::worked;
}

base::Status PartitionOwner::process(const std::shared_ptr<const journal::RecordBatch>& batch,
                                     std::size_t count) {
  for (std::size_t i = 0; i < std::min(kExpectAhead, count); ++i) stage_.expect(batch->payloads[i]);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kExpectAhead < count) stage_.expect(batch->payloads[i + kExpectAhead]);
    const Position position{settings_.partition, batch->first + i, static_cast<std::uint32_t>(i)};
    base::Status processed = process_record(position, batch->payloads[i]);
    if (!processed.ok()) {
      return std::move(processed).error().with_context("offset " + std::to_string(position.offset.value));
    }
    if (outputs_.bodies.size() >= settings_.output_bytes_max) count = i + 1;
  }
  stage_.on_batch_end(outputs_);
  if (store_.fault()) return *store_.fault();
  publish(batch, count);
  figures_.records += count;
  step_records_ = count;
  return base::Ok{};
}

base::Status PartitionOwner::process_record(const Position& position, std::string_view payload) {
  const auto repeated = is_repeated(payload);
  if (repeated.ok() && *repeated) {
    ++figures_.repeated_facts;
    return base::Ok{};
  }
  base::Status refused = repeated.ok() ? attempt(position, payload) : base::Status(repeated.error());
  if (!refused.ok() && repeated.ok() && refused.error().code() == ErrorCode::invalid_argument) {
    refused = attempt(position, payload);
  }
  if (refused.ok()) return base::Ok{};
  const bool poison = !repeated.ok() || refused.error().code() == ErrorCode::invalid_argument;
  if (!poison) return refused;
  ++figures_.poisoned;
  outputs_.poison.emplace_back(position.offset.value, refused.error().message());
  return base::Ok{};
}

// True when the record is a fact that was seen before; otherwise its position is the new high-water mark of
// its source. An error says that the payload is no record.
base::Result<bool> PartitionOwner::is_repeated(std::string_view payload) {
  TRY_ASSIGN(const event::RecordKind kind, event::record_kind(payload));
  if (kind != event::RecordKind::fact) return false;
  TRY_ASSIGN(const event::SourcePosition source, event::fact_position(payload));
  const Mark mark{source.offset, source.index};
  const auto key = std::pair(source.topic, source.partition);
  const auto [known, is_new] = high_water_.try_emplace(key, mark);
  if (!is_new && mark <= known->second) return true;
  known->second = mark;
  changed_high_water_[key] = mark;
  return false;
}

// One call of the stage. What a refused record added to the outputs is taken back. An exception is a refusal
// too, but final: the state may have been touched, and a second attempt would touch it twice.
base::Status PartitionOwner::attempt(const Position& position, std::string_view payload) {
  const Outputs::Sizes before = outputs_.sizes();
  base::Status status = base::Ok{};
  try {
    status = stage_.on_record(position, payload, outputs_);
  } catch (const std::bad_alloc&) {
    base::check_failed("out of memory in a stage", __FILE__, __LINE__);
  } catch (const std::exception& exception) {
    outputs_.truncate(before);
    ++figures_.poisoned;
    outputs_.poison.emplace_back(position.offset.value, std::string("exception: ") + exception.what());
    return base::Ok{};
  }
  if (store_.fault()) return *store_.fault();
  if (!status.ok()) outputs_.truncate(before);
  return status;
}

void PartitionOwner::publish(const std::shared_ptr<const journal::RecordBatch>& batch, std::size_t count) {
  const journal::Offset from = position_;
  position_ = from + count;
  if (!outputs_.views.empty() || !outputs_.visitors.empty()) publish_views(newest_receipt(*batch, count));
  if (!outputs_.outcomes.empty()) sink_.outcomes(std::move(outputs_.outcomes));
  Held held;
  held.rows = RowBatch{settings_.topic,
                       settings_.partition,
                       from,
                       position_,
                       batch,
                       std::move(outputs_.events),
                       std::move(outputs_.sessions),
                       std::move(outputs_.orders),
                       std::move(outputs_.funnel),
                       std::move(outputs_.poison)};
  held.emissions = std::move(outputs_.emissions);
  held.bodies = std::move(outputs_.bodies);
  held_.push_back(std::move(held));
  std::vector<event::ViewUpdate> views = std::move(outputs_.views);
  event::VisitorViews visitors = std::move(outputs_.visitors);
  outputs_ = Outputs();
  outputs_.views = std::move(views);
  outputs_.visitors = std::move(visitors);
  outputs_.emissions = std::move(spare_emissions_);
  outputs_.bodies = std::move(spare_bodies_);
  release_held();
}

// A sink that only reads the group leaves its memory to be used again.
void PartitionOwner::publish_views(base::WallTime received_at, std::uint32_t part) {
  if (outputs_.views.empty() && outputs_.visitors.empty()) return;
  event::ViewGroup group;
  group.topic = static_cast<std::uint8_t>(settings_.topic);
  group.partition = settings_.partition;
  group.epoch = epoch_;
  group.offset = position_.value > 0 ? position_.value - 1 : 0;
  group.part = part;
  group.received_at = received_at;
  group.updates = std::move(outputs_.views);
  group.visitors = std::move(outputs_.visitors);
  group.cells_from = outputs_.cells_from;
  sink_.views(std::move(group));
  outputs_.views = std::move(group.updates);
  outputs_.views.clear();
  outputs_.visitors = std::move(group.visitors);
  outputs_.visitors.truncate(0);
}

base::WallTime PartitionOwner::newest_receipt(const journal::RecordBatch& batch, std::size_t count) {
  for (std::size_t i = count; i > 0; --i) {
    const std::string_view payload = batch.payloads[i - 1];
    const auto kind = event::record_kind(payload);
    if (!kind.ok() || *kind != event::RecordKind::event) continue;
    if (event::decode_event(payload, event_).ok()) return event_.received_at;
  }
  return {};
}

bool PartitionOwner::release_held() {
  if (held_.empty()) return false;
  const journal::Offset durable = settings_.stop_at ? position_ : journal_.durable_end();
  bool released = false;
  while (!held_.empty() && held_.front().rows.to <= durable) {
    emit(held_.front());
    spare_emissions_ = std::move(held_.front().emissions);
    spare_emissions_.clear();
    spare_bodies_ = std::move(held_.front().bodies);
    spare_bodies_.clear();
    sink_.rows(std::move(held_.front().rows));
    held_.pop_front();
    released = true;
  }
  if (released) sink_.flush();
  return released;
}

void PartitionOwner::emit(const Held& held) {
  event::SourcePosition position{settings_.topic, settings_.partition, 0, 0};
  bool first = true;
  std::size_t body_begin = 0;
  for (const Emission& emission : held.emissions) {
    position.index = !first && emission.offset == position.offset ? position.index + 1 : 0;
    INVARIANT(first || emission.offset >= position.offset);
    position.offset = emission.offset;
    first = false;
    payload_.clear();
    event::encode_fact_position(position, payload_);
    payload_.append(held.bodies, body_begin, emission.body_end - body_begin);
    body_begin = emission.body_end;
    const std::uint32_t partitions = sink_.partitions(emission.topic);
    INVARIANT(partitions > 0);
    sink_.emit(emission.topic, static_cast<std::uint32_t>(emission.key_hash % partitions), payload_);
  }
}

std::optional<journal::Offset> PartitionOwner::begin_checkpoint() {
  if (stopped_by_ || checkpoint_under_way() || position_ == committed_) return std::nullopt;
  checkpoint_.phase = Checkpoint::Phase::draining;
  checkpoint_.barrier = position_;
  checkpoint_.batch.put(kPositionKey, number(position_.value));
  std::string value;
  for (const auto& [source, mark] : changed_high_water_) {
    value.clear();
    base::ByteWriter writer(value);
    writer.varint(mark.offset);
    writer.varint(mark.index);
    checkpoint_.batch.put(source_key(source.first, source.second), value);
  }
  changed_high_water_.clear();
  stage_.freeze();
  return position_;
}

std::size_t PartitionOwner::drain_entries() const {
  return std::max(settings_.drain_entries, settings_.drain_per_record * step_records_);
}

bool PartitionOwner::advance_checkpoint() {
  using Phase = Checkpoint::Phase;
  switch (checkpoint_.phase) {
    case Phase::none:
    case Phase::prepared: return false;
    case Phase::draining:
      if (stage_.drain(checkpoint_.batch, drain_entries())) checkpoint_.phase = Phase::releasing;
      return true;
    case Phase::releasing:
      // What the records below the barrier emitted must be on its way before it can be synced.
      if (released() < checkpoint_.barrier) return false;
      sink_.sync_emissions();
      checkpoint_.phase = Phase::syncing;
      return true;
    case Phase::syncing:
      if (!sink_.emissions_durable()) return false;
      checkpoint_.phase = Phase::prepared;
      return true;
  }
  return false;
}

void PartitionOwner::finish_checkpoint() {
  INVARIANT(checkpoint_prepared());
  stage_.committed();
  committed_ = checkpoint_.barrier;
  checkpoint_ = Checkpoint();
  ++figures_.checkpoints;
}

PartitionOwner::Progress PartitionOwner::stop(base::Error error) {
  stopped_by_ = std::move(error).with_context("partition " + std::string(event::to_string(settings_.topic)) +
                                              "/" + std::to_string(settings_.partition));
  return Progress::stopped;
}

}  // namespace millrace::process
