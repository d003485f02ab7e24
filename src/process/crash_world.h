#pragma once

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "event/fact.h"
#include "journal/group_commit.h"
#include "journal/journal.h"
#include "process/emission_writer.h"
#include "process/memory_state_store.h"
#include "process/output_sink.h"
#include "process/partition_owner.h"
#include "process/toy_stages.h"

// A small world for tests of the runtime: journals that lose their unsynced end in a power cut, a lake that
// drops what it has, and two stages, on one thread that a seed drives.
namespace millrace::process {

class StillClock final : public base::Clock {
 public:
  base::Instant now() const override { return {}; }
  base::WallTime wall() const override { return {}; }
};

class CrashJournal final : public journal::Journal {
 public:
  using Journal::append;
  base::Result<journal::Offset> append(std::span<const journal::RecordBuffer* const> buffers) override {
    const journal::Offset first = end();
    for (const auto* buffer : buffers) {
      std::string_view rest = buffer->bytes();
      while (!rest.empty()) {
        const auto size = base::ByteReader(rest).u32();
        records_.emplace_back(rest.substr(4, size));
        rest.remove_prefix(4 + size);
      }
    }
    return first;
  }
  base::Status sync() override {
    durable_ = records_.size();
    return base::Ok{};
  }
  base::Result<journal::RecordBatch> read(journal::Offset from, std::size_t max_bytes) const override {
    journal::RecordBatch batch;
    batch.first = from;
    std::size_t bytes = 0;
    for (std::size_t i = from.value; i < records_.size() && (bytes == 0 || bytes < max_bytes); ++i) {
      bytes += records_[i].size();
      const auto record = std::make_shared<const std::string>(records_[i]);
      batch.payloads.push_back(*record);
      batch.owners.push_back(record);
    }
    return batch;
  }
  journal::Offset begin() const override { return begin_; }
  journal::Offset end() const override { return {records_.size()}; }
  journal::Offset durable_end() const override { return {durable_}; }
  base::Status trim(journal::Offset before) override {
    begin_ = before;
    return base::Ok{};
  }
  void cut_power(std::uint64_t keep) { records_.resize(std::max<std::size_t>(durable_, keep)); }
  const std::vector<std::string>& records() const { return records_; }

 private:
  std::vector<std::string> records_;
  std::size_t durable_ = 0;
  journal::Offset begin_;
};

// What the lake has of one partition: a row is (offset, text). Commits survive crashes.
struct ToyLake {
  std::uint64_t committed = 0;
  std::uint64_t tail_end = 0;
  std::vector<std::pair<std::uint64_t, std::string>> rows, tail;

  void add(const RowBatch& batch) {
    const auto keep = [&](std::uint64_t offset, std::string row) {
      if (offset >= committed) tail.emplace_back(offset, std::move(row));
    };
    for (const auto& event : batch.events) {
      keep(batch.records->first.value + event.index, "event " +
                                                         std::to_string(static_cast<int>(event.verdict)) +
                                                         " " + std::to_string(event.session_id));
    }
    for (const auto& session : batch.sessions) {
      keep(session.offset, "session " + session.visitor_id + " " + std::to_string(session.events));
    }
    for (const auto& order : batch.orders) keep(order.offset, "order");
    for (const auto& [offset, reason] : batch.poison) keep(offset, "poison " + reason);
    REQUIRE((tail_end == 0 || batch.from.value == tail_end));
    tail_end = batch.to.value;
  }
  void commit() {
    rows.insert(rows.end(), tail.begin(), tail.end());
    tail.clear();
    committed = std::max(committed, tail_end);
  }
  void crash() {
    tail.clear();
    tail_end = 0;
  }
};

class ToySink final : public OutputSink {
 public:
  ToySink(EmissionWriter::Journals journals, ToyLake& lake)
      : writer_(std::move(journals), {.pending_bytes_max = 2000}, nullptr), lake_(lake) {}
  bool ready() override { return writer_.ready(); }
  const base::Error* fault() override { return writer_.fault(); }
  std::uint32_t partitions(event::Topic topic) const override { return writer_.partitions(topic); }
  void emit(event::Topic topic, std::uint32_t partition, std::string_view payload) override {
    writer_.emit(topic, partition, payload);
  }
  void flush() override { writer_.flush(); }
  void sync_emissions() override { writer_.sync(); }
  bool emissions_durable() override { return writer_.durable(); }
  void rows(RowBatch&& batch) override { lake_.add(batch); }
  void views(event::ViewGroup&& group) override { views_.push_back(std::move(group)); }
  void outcomes(std::vector<Outcome>&&) override {}
  std::vector<event::ViewGroup> views_;

 private:
  EmissionWriter writer_;
  ToyLake& lake_;
};

// One partition: its store and lake outlive crashes, its stage, owner and sink do not.
template <class ToyStage>
struct ToyPartition {
  ToyPartition(const CrashJournal& input, OwnerSettings owner_settings)
      : journal(input), settings(owner_settings) {}
  void start(EmissionWriter::Journals journals) {
    stage = std::make_unique<ToyStage>(store);
    sink = std::make_unique<ToySink>(std::move(journals), lake);
    owner = std::make_unique<PartitionOwner>(journal, store, *stage, *sink, settings);
    const base::Status restored = owner->restore();
    REQUIRE(restored.ok());
  }
  void crash() {
    owner.reset();
    sink.reset();
    stage.reset();
    lake.crash();
  }
  // Commits a prepared checkpoint that the lake has reached; false when there is none.
  bool commit() {
    if (!owner->checkpoint_prepared() || lake.committed < owner->checkpoint_barrier().value) return false;
    REQUIRE(store.commit(owner->checkpoint_batch()).ok());
    return true;
  }
  const CrashJournal& journal;
  OwnerSettings settings;
  MemoryStateStore store;
  ToyLake lake;
  std::unique_ptr<ToyStage> stage;
  std::unique_ptr<ToySink> sink;
  std::unique_ptr<PartitionOwner> owner;
};

}  // namespace millrace::process
