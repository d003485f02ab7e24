#include "process/partition_owner.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "journal/memory_journal.h"
#include "process/crash_world.h"

namespace millrace::process {

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000;

std::string event_record(std::string_view visitor, std::string_view message, std::string_view name) {
  event::Event event;
  event[event::Text::anonymous_id] = visitor;
  event[event::Text::message_id] = message;
  event[event::Text::event_name] = name;
  event.received_at = event.event_time = {kStart};
  std::string payload;
  event::encode_event(event, payload);
  return payload;
}

// Keeps what it is given.
class RecordingSink final : public OutputSink {
 public:
  bool ready() override { return is_ready; }
  const base::Error* fault() override { return failure ? &*failure : nullptr; }
  std::uint32_t partitions(event::Topic) const override { return 4; }
  void emit(event::Topic topic, std::uint32_t partition, std::string_view payload) override {
    CHECK(partition < 4);
    CHECK(topic == event::Topic::facts);
    positions.push_back(*event::fact_position(payload));
  }
  void flush() override {}
  void sync_emissions() override { ++syncs; }
  bool emissions_durable() override { return durable; }
  void rows(RowBatch&& batch) override { batches.push_back(std::move(batch)); }
  void views(event::ViewGroup&& group) override { groups.push_back(std::move(group)); }
  void outcomes(std::vector<Outcome>&&) override {}

  bool is_ready = true;
  bool durable = true;
  int syncs = 0;
  std::optional<base::Error> failure;
  std::vector<event::SourcePosition> positions;
  std::vector<RowBatch> batches;
  std::vector<event::ViewGroup> groups;
};

// Emits twice for each record and once more a view; says what the record says about failing.
class TalkativeStage final : public Stage {
 public:
  base::Status restore(Outputs& out, const Publish& publish) override {
    out.views.emplace_back(event::FunnelCell{});
    publish();
    out.views.emplace_back(event::FunnelCell{});
    return base::Ok{};
  }
  base::Status on_record(const Position& position, std::string_view payload, Outputs& out) override {
    ++calls;
    out.emit(event::Topic::facts, 1, position.offset.value, event::ProductActivity{});
    out.emit(event::Topic::facts, 2, position.offset.value, event::ProductActivity{});
    out.views.emplace_back(event::FunnelCell{});
    event::Event event;
    TRY(event::decode_event(payload, event));
    const std::string_view name = event[event::Text::event_name];
    if (name == "poison") return base::Error(base::ErrorCode::invalid_argument, "poisoned");
    if (name == "io") return base::Error(base::ErrorCode::io, "disk gone");
    if (name == "throw") throw std::length_error("too long");
    return base::Ok{};
  }
  void on_batch_end(Outputs&) override {}
  void freeze() override {}
  bool drain(StateBatch&, std::size_t entries) override {
    left_to_drain -= std::min(left_to_drain, entries);
    return left_to_drain == 0;
  }
  void committed() override {}
  int calls = 0;
  std::size_t left_to_drain = 0;
};

// Cannot open its files while `without_files`.
class ScarceJournal final : public journal::Journal {
 public:
  using Journal::append;
  base::Result<journal::Offset> append(std::span<const journal::RecordBuffer* const> buffers) override {
    return kept.append(buffers);
  }
  base::Status sync() override { return kept.sync(); }
  base::Result<journal::RecordBatch> read(journal::Offset from, std::size_t max_bytes) const override {
    if (without_files) return base::Error(base::ErrorCode::exhausted, "too many open files");
    return kept.read(from, max_bytes);
  }
  journal::Offset begin() const override { return kept.begin(); }
  journal::Offset end() const override { return kept.end(); }
  journal::Offset durable_end() const override { return kept.durable_end(); }
  base::Status trim(journal::Offset before) override { return kept.trim(before); }
  journal::MemoryJournal kept;
  bool without_files = false;
};

struct Bench {
  explicit Bench(OwnerSettings settings = {}) : owner(journal, store, stage, sink, settings) {
    REQUIRE(owner.restore().ok());
  }
  void append(std::string_view payload) {
    journal::RecordBuffer records;
    records.add(payload);
    REQUIRE(journal.append(records).ok());
  }
  ScarceJournal journal;
  MemoryStateStore store;
  TalkativeStage stage;
  RecordingSink sink;
  PartitionOwner owner;
};

using Progress = PartitionOwner::Progress;

}  // namespace

TEST_CASE("events are read when they are durable, and what they emit carries their position") {
  Bench bench({.topic = event::Topic::events, .partition = 3});
  CHECK(bench.owner.step() == Progress::idle);
  bench.append(event_record("v", "1", "a"));
  bench.append(event_record("v", "2", "b"));
  CHECK(bench.owner.step() == Progress::idle);
  REQUIRE(bench.journal.sync().ok());
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.owner.position().value == 2);
  using event::SourcePosition;
  const auto events = event::Topic::events;
  CHECK(bench.sink.positions ==
        std::vector<SourcePosition>{
            {events, 3, 0, 0}, {events, 3, 0, 1}, {events, 3, 1, 0}, {events, 3, 1, 1}});
  CHECK(bench.sink.groups.back().offset == 1);
  CHECK(bench.sink.groups.back().epoch == 1);
  CHECK(bench.sink.groups.back().received_at.ms == kStart);
  CHECK(bench.sink.batches.back().to.value == 2);
}

TEST_CASE("a journal that can open no file for a while is read when it can") {
  Bench bench;
  bench.append(event_record("v", "1", "a"));
  REQUIRE(bench.journal.sync().ok());
  bench.journal.without_files = true;
  CHECK(bench.owner.step() == Progress::blocked);
  CHECK(bench.owner.stopped_by() == nullptr);
  bench.journal.without_files = false;
  CHECK(bench.owner.step() == Progress::worked);
  CHECK(bench.owner.position().value == 1);
}

TEST_CASE("a step ends with the record that made it emit too much, and the next goes on behind it") {
  Bench bench({.topic = event::Topic::events, .output_bytes_max = 1});
  for (const char* name : {"a", "throw", "b"}) bench.append(event_record("v", name, name));
  REQUIRE(bench.journal.sync().ok());
  for (std::uint64_t position : {1, 3}) {  // What was refused emitted nothing.
    CHECK(bench.owner.step() == Progress::worked);
    CHECK(bench.owner.position().value == position);
    CHECK(bench.sink.batches.back().to.value == position);
    CHECK(bench.sink.groups.back().offset == position - 1);
  }
  CHECK(bench.sink.batches.back().from.value == 1);
  CHECK(bench.sink.positions.size() == 4);
  CHECK(bench.sink.positions.back() == event::SourcePosition{event::Topic::events, 0, 2, 1});
}

TEST_CASE("views of unsynced facts leave at once, their rows and emissions when they are durable") {
  Bench bench({.topic = event::Topic::facts, .read_limit = ReadLimit::appended});
  bench.append(event_record("v", "1", "a"));
  CHECK(bench.owner.step() == Progress::worked);
  CHECK(bench.sink.groups.size() == 1);
  CHECK(bench.sink.batches.empty());
  CHECK(bench.sink.positions.empty());
  REQUIRE(bench.owner.begin_checkpoint().has_value());
  CHECK(bench.owner.step() == Progress::worked);
  CHECK(bench.owner.step() == Progress::idle);
  CHECK(bench.sink.syncs == 0);
  REQUIRE(bench.journal.sync().ok());
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.sink.batches.size() == 1);
  CHECK(bench.sink.positions.size() == 2);
  CHECK(bench.sink.syncs == 1);
  CHECK(bench.owner.checkpoint_prepared());
}

TEST_CASE("a record that is refused twice is poison and its neighbours are not") {
  Bench bench;
  bench.append(event_record("v", "1", "a"));
  bench.append(event_record("v", "2", "poison"));
  bench.append("\x7fgarbage");
  bench.append(event_record("v", "3", "throw"));
  bench.append(event_record("v", "4", "b"));
  REQUIRE(bench.journal.sync().ok());
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.owner.position().value == 5);
  CHECK(bench.stage.calls == 5);  // The poisonous one twice, the garbage never.
  CHECK(bench.owner.figures().poisoned == 3);
  CHECK(bench.sink.positions.size() == 4);
  CHECK(bench.sink.groups.back().updates.size() + bench.sink.groups.size() >= 3);
  std::vector<std::pair<std::uint64_t, std::string>> poison;
  for (const RowBatch& batch : bench.sink.batches)
    poison.insert(poison.end(), batch.poison.begin(), batch.poison.end());
  REQUIRE(poison.size() == 3);
  CHECK(poison[0] == std::pair<std::uint64_t, std::string>(1, "poisoned"));
  CHECK(poison[1].first == 2);
  CHECK(poison[2] == std::pair<std::uint64_t, std::string>(3, "exception: too long"));
}

TEST_CASE(
    "another error of a stage stops its partition, by name, before anything of the batch is published") {
  Bench bench({.topic = event::Topic::events, .partition = 2});
  bench.append(event_record("v", "1", "a"));
  bench.append(event_record("v", "2", "io"));
  REQUIRE(bench.journal.sync().ok());
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.owner.step() == Progress::stopped);
  REQUIRE(bench.owner.stopped_by() != nullptr);
  CHECK(bench.owner.stopped_by()->message() == "partition events/2: offset 1: disk gone");
  for (const RowBatch& batch : bench.sink.batches) CHECK(batch.to.value <= 1);
  CHECK_FALSE(bench.owner.begin_checkpoint().has_value());
}

TEST_CASE("an unreadable state entry stops the partition") {
  MemoryStateStore store;
  StateBatch damage;
  damage.put("v/v", "\xff");
  REQUIRE(store.commit(damage).ok());
  journal::MemoryJournal journal;
  journal::RecordBuffer records;
  records.add(event_record("v", "1", "a"));
  REQUIRE(journal.append(records).ok());
  REQUIRE(journal.sync().ok());
  ToyVisitors stage(store);
  RecordingSink sink;
  PartitionOwner owner(journal, store, stage, sink, {});
  REQUIRE(owner.restore().ok());
  CHECK(owner.step() == Progress::stopped);
  CHECK(owner.stopped_by()->code() == base::ErrorCode::corrupt);
  CHECK(sink.batches.empty());
}

TEST_CASE("a sink that is not ready holds the partition, one that failed stops it") {
  Bench bench;
  bench.append(event_record("v", "1", "a"));
  REQUIRE(bench.journal.sync().ok());
  bench.sink.is_ready = false;
  CHECK(bench.owner.step() == Progress::blocked);
  CHECK(bench.owner.position().value == 0);
  bench.sink.is_ready = true;
  CHECK(bench.owner.step() == Progress::worked);
  bench.sink.failure = base::Error(base::ErrorCode::io, "emit");
  CHECK(bench.owner.step() == Progress::stopped);
}

TEST_CASE("what waits for durability is bounded") {
  Bench bench({.topic = event::Topic::facts,
               .read_limit = ReadLimit::appended,
               .read_bytes_max = 1,
               .held_batches_max = 3});
  for (int i = 0; i < 10; ++i) bench.append(event_record("v", std::to_string(i), "a"));
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.owner.step() == Progress::blocked);
  CHECK(bench.owner.position().value == 3);
  CHECK(bench.owner.released().value == 0);
}

TEST_CASE("a checkpoint waits for its emissions and a restart resumes from its barrier in a new epoch") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.append(event_record("v", std::to_string(i), "a"));
  REQUIRE(bench.journal.sync().ok());
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.owner.begin_checkpoint()->value == 3);
  CHECK_FALSE(bench.owner.begin_checkpoint().has_value());
  bench.sink.durable = false;
  bench.append(event_record("v", "9", "a"));
  REQUIRE(bench.journal.sync().ok());
  while (bench.owner.step() == Progress::worked) {
  }
  CHECK(bench.owner.position().value == 4);
  CHECK_FALSE(bench.owner.checkpoint_prepared());
  bench.sink.durable = true;
  while (bench.owner.step() == Progress::worked) {
  }
  REQUIRE(bench.owner.checkpoint_prepared());
  REQUIRE(bench.store.commit(bench.owner.checkpoint_batch()).ok());
  bench.owner.finish_checkpoint();
  CHECK(bench.owner.committed().value == 3);

  TalkativeStage stage;
  RecordingSink sink;
  PartitionOwner again(bench.journal, bench.store, stage, sink, {});
  REQUIRE(again.restore().ok());
  CHECK(again.epoch() == 2);
  CHECK(again.position().value == 3);
  REQUIRE(sink.groups.size() == 2);
  for (std::uint32_t part = 0; part < 2; ++part) {
    CHECK(sink.groups[part].part == part);
    CHECK(sink.groups[part].offset == 2);
    CHECK(sink.groups[part].updates.size() == 1);
  }
}

TEST_CASE("a checkpoint is drained no slower than records come") {
  for (const std::size_t records : {10, 1000}) {
    CAPTURE(records);
    Bench bench;
    const auto step_of_many = [&] {
      for (std::size_t i = 0; i < records; ++i) bench.append(event_record("v", std::to_string(i), "a"));
      REQUIRE(bench.journal.sync().ok());
      const auto before = bench.owner.position();
      CHECK(bench.owner.step() == Progress::worked);
      REQUIRE(bench.owner.position().value == before.value + records);
    };
    step_of_many();
    constexpr std::size_t kEntries = 8000;
    bench.stage.left_to_drain = kEntries;
    REQUIRE(bench.owner.begin_checkpoint().has_value());
    const std::size_t slice = std::max<std::size_t>(256, 4 * records);
    for (std::size_t drained = 0; drained < kEntries; drained += slice) {
      CHECK(bench.stage.left_to_drain == kEntries - drained);
      step_of_many();
    }
    CHECK(bench.stage.left_to_drain == 0);
  }
}

TEST_CASE("a state that does not fit its journal is not used") {
  MemoryStateStore store;
  StateBatch batch;
  std::string position;
  base::ByteWriter(position).varint(7);
  batch.put("!position", position);
  REQUIRE(store.commit(batch).ok());
  TalkativeStage stage;
  RecordingSink sink;
  CrashJournal journal;
  PartitionOwner past(journal, store, stage, sink, {});
  const base::Status outcome = past.restore();
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code() == base::ErrorCode::corrupt);
  REQUIRE(journal.trim({8}).ok());
  PartitionOwner behind(journal, store, stage, sink, {});
  const base::Status trimmed = behind.restore();
  REQUIRE_FALSE(trimmed.ok());
  CHECK(trimmed.error().code() == base::ErrorCode::not_found);
}

}  // namespace millrace::process
