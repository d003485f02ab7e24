#include "lake/faulty_object_store.h"
#include "lake/table_fixture.h"

namespace millrace::lake {
namespace {

using base::ErrorCode;

struct Fixture {
  MemoryObjectStore store;
  sim::SimClock clock;
  base::SeededRandom random{7};
  IcebergSettings settings;

  std::unique_ptr<IcebergTable> open(TableSpec spec = sample_spec()) {
    return must(IcebergTable::open_or_create(store, std::move(spec), clock, random, settings));
  }
  std::vector<std::string> names(std::string_view ending) {
    std::vector<std::string> found;
    for (const std::string& name : must(store.list("conformed/events/"))) {
      if (name.ends_with(ending)) found.push_back(name);
    }
    return found;
  }
};

TEST_CASE("what is appended is there, with its offsets, for whoever opens the table next") {
  Fixture f;
  const auto table = f.open();
  CHECK(table->state()->version == 1);
  CHECK(table->state()->metadata.current_snapshot() == nullptr);
  const DataFile file = sample_file(*table, 10);
  const CommitReceipt receipt = must(table->append({file}, {events_range(0, 5, 15), events_range(3, 0, 2)}));
  CHECK(receipt.version == 2);
  CHECK(receipt.sequence_number == 1);

  const auto again = f.open();
  for (const auto& state : {table->state(), again->state()}) {
    CHECK(state->version == 2);
    CHECK(state->record_count == 10);
    CHECK(state->file_count == 1);
    CHECK(state->file_bytes == file.file_bytes);
    CHECK(state->offsets.at({event::Topic::events, 0}).value == 15);
    CHECK(state->offsets.at({event::Topic::events, 3}).value == 2);
    REQUIRE(state->manifests.size() == 1);
    REQUIRE(state->manifests[0]->files.size() == 1);
    CHECK(state->manifests[0]->files[0].object == file.object);
    CHECK(state->manifests[0]->files[0].partition == file.partition);
    CHECK(state->manifests[0]->files[0].sequence_number == 1);
    const Snapshot& snapshot = *state->metadata.current_snapshot();
    CHECK(snapshot.id == receipt.snapshot_id);
    CHECK(snapshot.operation == "append");
    CHECK(snapshot.summary.at("added-records") == "10");
    CHECK(snapshot.summary.at("millrace.offsets") == R"({"events/0":[5,15],"events/3":[0,2]})");
  }
  CHECK(must(f.store.read("conformed/events/metadata/version-hint.text")) == "2");
}

TEST_CASE("a row group that is committed already is refused, and the error names the committed offset") {
  Fixture f;
  const auto table = f.open();
  must(table->append({sample_file(*table, 10)}, {events_range(0, 0, 10)}));
  const auto repeated = table->append({sample_file(*table, 10)}, {events_range(0, 0, 10)});
  CHECK(code_of(repeated) == ErrorCode::conflict);
  CHECK(repeated.error().message().find("committed offset 10") != std::string::npos);
  CHECK(code_of(table->append({sample_file(*table, 5)}, {events_range(0, 8, 13)})) == ErrorCode::conflict);
  CHECK(code_of(table->append({sample_file(*table, 5)}, {events_range(0, 11, 13)})) ==
        ErrorCode::invalid_argument);
  CHECK(table->state()->record_count == 10);
}

TEST_CASE("a writer that has not seen the newest commit rebases its append on it") {
  Fixture f;
  const auto one = f.open();
  const auto two = f.open();
  must(one->append({sample_file(*one, 10)}, {events_range(0, 0, 10)}));
  must(two->append({sample_file(*two, 7)}, {events_range(1, 0, 7)}));
  must(two->append({sample_file(*two, 1)}, {events_range(0, 10, 11)}));
  CHECK(code_of(one->append({sample_file(*one, 1)}, {events_range(0, 10, 11)})) == ErrorCode::conflict);
  CHECK(one->state()->record_count == 18);  // The conflict made it look.
}

TEST_CASE("ranges without rows move the offsets on") {
  Fixture f;
  const auto table = f.open();
  must(table->append({}, {events_range(0, 0, 10)}));
  CHECK(table->state()->offsets.at({event::Topic::events, 0}).value == 10);
  CHECK(table->state()->record_count == 0);
  must(table->append({sample_file(*table, 3)}, {events_range(0, 10, 13)}));
  CHECK(f.open()->state()->record_count == 3);
  CHECK(code_of(table->append({}, {})) == ErrorCode::invalid_argument);
}

TEST_CASE("the same data file is never in the table twice, offsets or not") {
  Fixture f;
  const auto table = f.open();
  const DataFile file = sample_file(*table, 3);
  must(table->append({file}, {}));
  CHECK(code_of(table->append({file}, {})) == ErrorCode::conflict);
  CHECK(code_of(table->append({sample_file(*table, 1), file}, {})) == ErrorCode::conflict);
}

TEST_CASE("data files that do not belong to the table are refused") {
  Fixture f;
  const auto table = f.open();
  DataFile file = sample_file(*table, 3);
  file.object = "raw/events/data/x.parquet";
  CHECK(code_of(table->append({file}, {})) == ErrorCode::invalid_argument);
  file = sample_file(*table, 3);
  file.partition.pop_back();
  CHECK(code_of(table->append({file}, {})) == ErrorCode::invalid_argument);
  file = sample_file(*table, 3);
  std::swap(file.partition[0], file.partition[1]);
  CHECK(code_of(table->append({file}, {})) == ErrorCode::invalid_argument);
  CHECK(code_of(table->append({sample_file(*table, 0)}, {})) == ErrorCode::invalid_argument);
}

TEST_CASE("replacing partitions leaves the others alone") {
  Fixture f;
  const auto table = f.open();
  must(table->append(
      {sample_file(*table, 10, 1), sample_file(*table, 20, 2), sample_file(*table, 40, 2, "other")}, {}));
  must(table->append({sample_file(*table, 80, 2)}, {}));
  must(table->replace_partitions(*table->state(), {sample_partition(2, "page_viewed")},
                                 {sample_file(*table, 100, 2)}, {events_range(0, 0, 9)}));
  CHECK(table->state()->record_count == 150);
  const auto reread = f.open()->state();
  CHECK(reread->record_count == 150);
  CHECK(reread->offsets.at({event::Topic::events, 0}).value == 9);
  const Snapshot& snapshot = *reread->metadata.current_snapshot();
  CHECK(snapshot.operation == "overwrite");
  CHECK(snapshot.summary.at("deleted-records") == "100");
  CHECK(snapshot.summary.at("deleted-data-files") == "2");
  CHECK(snapshot.summary.at("total-data-files") == "3");

  SUBCASE("to nothing, too") {
    must(table->replace_partitions(*table->state(), {sample_partition(2, "page_viewed")}, {}, {}));
    CHECK(f.open()->state()->record_count == 50);
  }
  SUBCASE("and refuses files of a partition it does not replace") {
    CHECK(code_of(table->replace_partitions(*table->state(), {sample_partition(1, "page_viewed")},
                                            {sample_file(*table, 1, 2)}, {})) == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a partition that changed since its content was computed is not replaced") {
  Fixture f;
  const auto one = f.open();
  const auto two = f.open();
  must(one->append({sample_file(*one, 10, 1), sample_file(*one, 10, 2)}, {}));
  const auto base = one->state();
  must(two->append({sample_file(*two, 5, 1)}, {}));
  CHECK(code_of(one->replace_partitions(*base, {sample_partition(1, "page_viewed")},
                                        {sample_file(*one, 9, 1)}, {})) == ErrorCode::conflict);
  must(one->replace_partitions(*base, {sample_partition(2, "page_viewed")}, {sample_file(*one, 9, 2)}, {}));
  CHECK(one->state()->record_count == 24);
}

TEST_CASE("replacing files keeps the rows and checks that the old ones are live") {
  Fixture f;
  const auto table = f.open();
  const DataFile a = sample_file(*table, 1), b = sample_file(*table, 2), c = sample_file(*table, 4);
  must(table->append({a, b}, {}));
  must(table->append({c}, {}));
  must(table->replace_files({a.object, c.object}, {sample_file(*table, 5)}));
  CHECK(f.open()->state()->record_count == 7);
  CHECK(f.open()->state()->metadata.current_snapshot()->operation == "replace");
  CHECK(code_of(table->replace_files({a.object}, {sample_file(*table, 1)})) == ErrorCode::conflict);
  CHECK(code_of(table->replace_files({}, {sample_file(*table, 1)})) == ErrorCode::invalid_argument);
}

TEST_CASE("old snapshots expire, and what only they referred to is removed") {
  Fixture f;
  f.settings.snapshots_min = 2;
  f.settings.snapshot_keep_ms = 60'000;
  f.settings.metadata_versions_max = 3;
  const auto table = f.open();
  const DataFile first = sample_file(*table, 1), second = sample_file(*table, 2);
  for (const DataFile& file : {first, second}) must(f.store.create(file.object, "parquet"));
  must(table->append({first, second}, {}));
  const DataFile merged = sample_file(*table, 3);
  must(f.store.create(merged.object, "parquet"));
  must(table->replace_files({first.object, second.object}, {merged}));
  CHECK(f.names(".parquet").size() == 3);  // A reader of the first snapshot still finds its files.

  for (int i = 0; i < 8; ++i) {
    f.clock.advance_ms(50'000);
    const DataFile file = sample_file(*table, 1);
    must(f.store.create(file.object, "parquet"));
    must(table->append({file}, {}));
  }
  const auto state = table->state();
  CHECK(state->record_count == 11);
  CHECK(state->metadata.snapshots.size() == 3);  // The third from the end was current until 50 s ago.
  CHECK(state->metadata.snapshot_log.size() == 3);
  CHECK(state->metadata.metadata_log.size() == 3);
  CHECK(f.names(".parquet").size() == 9);
  CHECK_FALSE(f.store.read(first.object).ok());
  CHECK(f.names(".metadata.json").size() == 4);
  CHECK(f.names("-snap.avro").size() == 3);
  CHECK(f.names("-m.avro").size() == 9);
  CHECK(must(table->remove_orphans()).orphans_removed == 0);
}

TEST_CASE("a clock that was ahead for a moment does not keep snapshots without end") {
  Fixture f;
  f.settings.snapshots_max = 10;
  const auto table = f.open();
  const DataFile old = sample_file(*table, 1), merged = sample_file(*table, 1);
  for (const DataFile& file : {old, merged}) must(f.store.create(file.object, "parquet"));
  must(table->append({old}, {}));
  f.clock.advance_ms(365 * base::kDayMs);
  must(table->replace_files({old.object}, {merged}));
  f.clock.set_wall(f.clock.wall() - 365 * base::kDayMs);
  for (std::uint64_t i = 0; i < 30; ++i) must(table->append({}, {events_range(0, i, i + 1)}));
  CHECK(table->state()->metadata.snapshots.size() == 10);
  CHECK_FALSE(f.store.read(old.object).ok());
  CHECK(f.store.read(merged.object).ok());
}

TEST_CASE("a reader of what was current until a moment ago finds its files, however old they are") {
  Fixture f;
  f.settings.snapshots_min = 1;
  f.settings.snapshot_keep_ms = 60'000;
  const auto table = f.open();
  const DataFile old = sample_file(*table, 1), merged = sample_file(*table, 1);
  for (const DataFile& file : {old, merged}) must(f.store.create(file.object, "parquet"));
  must(table->append({old}, {}));
  const auto read = table->state();
  f.clock.advance_ms(3'600'000);  // A quiet hour.
  must(table->replace_files({old.object}, {merged}));
  CHECK(f.store.read(old.object).ok());
  CHECK(TableFiles(f.store, "conformed/events").load(read->version, nullptr).ok());
  f.clock.advance_ms(61'000);
  must(table->append({}, {events_range(0, 0, 1)}));
  CHECK_FALSE(f.store.read(old.object).ok());
}

TEST_CASE("many small manifests become one") {
  Fixture f;
  f.settings.manifests_merge_min = 5;
  f.settings.snapshots_min = 1;
  f.settings.snapshot_keep_ms = 0;
  const auto table = f.open();
  for (std::uint64_t i = 0; i < 23; ++i) {
    f.clock.advance_ms(1000);
    must(table->append({sample_file(*table, 1)}, {events_range(0, i, i + 1)}));
    CHECK(table->state()->manifests.size() <= 5);
  }
  const auto reread = f.open()->state();
  CHECK(reread->record_count == 23);
  CHECK(reread->manifests.size() <= 5);
  CHECK(f.names("-m.avro").size() == reread->manifests.size());
  // A merged file keeps the number of the commit that added it.
  std::set<std::int64_t> numbers;
  reread->for_each_file([&](const LiveFile& file) { numbers.insert(file.sequence_number); });
  CHECK(numbers.size() == 23);
}

TEST_CASE("orphans go when their name says they are old, and nothing else does") {
  Fixture f;
  const auto table = f.open();
  const DataFile live = sample_file(*table, 1);
  must(f.store.create(live.object, "parquet"));
  must(table->append({live}, {}));
  must(f.store.create(sample_file(*table, 1).object, "old orphan"));
  must(f.store.create("conformed/events/data/not-ours.parquet", "unknown name"));
  f.clock.advance_ms(f.settings.orphan_age_ms + 1);
  must(f.store.create(sample_file(*table, 1).object, "young orphan"));
  must(f.store.create("conformed/events/metadata/v0.metadata.json", "a late loser"));
  must(f.store.create("conformed/events/metadata/v99.metadata.json.tmp", "unknown name"));
  const auto report = must(table->remove_orphans());
  CHECK(report.orphans_removed == 2);
  CHECK(f.names(".parquet").size() == 3);
  CHECK(f.open()->state()->record_count == 1);
}

TEST_CASE("a commit whose answer was lost is found, not repeated") {
  Fixture f;
  must(f.open()->append({}, {events_range(0, 0, 1)}));
  for (const bool effect : {true, false}) {
    CAPTURE(effect);
    FaultyObjectStore faulty(f.store, f.random, {});
    const auto table =
        must(IcebergTable::open_or_create(faulty, sample_spec(), f.clock, f.random, f.settings));
    const auto before = table->state();
    FaultyObjectStore::Faults faults;
    (effect ? faults.lost_response : faults.lost_request) = 1;
    faulty.set_before_call([&](std::string_view name) {
      faulty.set_faults(name.ends_with(".metadata.json") ? faults : FaultyObjectStore::Faults{});
    });
    const std::uint64_t from = before->offsets.at({event::Topic::events, 0}).value;
    const auto receipt = table->append({sample_file(*table, 1)}, {events_range(0, from, from + 1)});
    if (effect) {
      CHECK(must(receipt).version == before->version + 1);
      CHECK(f.open()->state()->record_count == before->record_count + 1);
    } else {
      CHECK(code_of(receipt) == ErrorCode::io);
      CHECK(f.open()->state()->record_count == before->record_count);
    }
  }
}

TEST_CASE("a rival that commits in the last moment wins, and the loser's next attempt builds on it") {
  Fixture f;
  const auto rival = f.open();
  FaultyObjectStore slow(f.store, f.random, {});
  const auto table = must(IcebergTable::open_or_create(slow, sample_spec(), f.clock, f.random, f.settings));
  std::uint64_t rival_commits = 0;
  slow.set_before_call([&](std::string_view name) {
    if (!name.ends_with(".metadata.json") || rival_commits >= 3) return;
    ++rival_commits;
    must(rival->append({sample_file(*rival, 1)}, {events_range(1, rival_commits - 1, rival_commits)}));
  });
  const CommitReceipt receipt = must(table->append({sample_file(*table, 10)}, {events_range(0, 0, 10)}));
  CHECK(receipt.version == 5);
  const auto state = f.open()->state();
  CHECK(state->record_count == 13);
  CHECK(state->metadata.current_snapshot()->id == receipt.snapshot_id);
  // The added files' manifest was written once and carries the number of the attempt that won.
  state->for_each_file([&](const LiveFile& file) {
    if (file.record_count == 10) CHECK(file.sequence_number == receipt.sequence_number);
  });
  CHECK(f.names("-m.avro").size() == 4);

  SUBCASE("a rival that never stops makes it give up, with nothing done") {
    slow.set_before_call([&](std::string_view name) {
      if (!name.ends_with(".metadata.json") || name == "conformed/events/metadata/v") return;
      const auto next = rival->state()->offsets.at({event::Topic::events, 1}).value;
      must(rival->append({}, {events_range(1, next, next + 1)}));
    });
    CHECK(code_of(table->append({sample_file(*table, 1)}, {events_range(0, 10, 11)})) ==
          ErrorCode::unavailable);
    CHECK(f.open()->state()->record_count == 13);
  }
}

TEST_CASE("a writer so late that the name it wants was cleared away does not commit") {
  Fixture f;
  f.settings.metadata_versions_max = 2;
  const auto late = f.open();
  const auto busy = f.open();
  for (std::uint64_t i = 0; i < 6; ++i)
    must(busy->append({sample_file(*busy, 1)}, {events_range(0, i, i + 1)}));
  REQUIRE_FALSE(f.store.read("conformed/events/metadata/v2.metadata.json").ok());
  CHECK(late->state()->version == 1);
  CHECK(code_of(late->append({sample_file(*late, 1)}, {events_range(0, 0, 1)})) == ErrorCode::conflict);
  CHECK_FALSE(f.store.read("conformed/events/metadata/v2.metadata.json").ok());
  CHECK(late->state()->record_count == 6);
  must(late->append({sample_file(*late, 1)}, {events_range(0, 6, 7)}));
  CHECK(f.open()->state()->record_count == 7);
}

TEST_CASE("a clock that runs backwards does not make time in the table run backwards") {
  Fixture f;
  const auto table = f.open();
  must(table->append({sample_file(*table, 1)}, {}));
  const std::int64_t before = table->state()->metadata.last_updated_ms;
  f.clock.set_wall(f.clock.wall() - 100'000);
  must(table->append({sample_file(*table, 1)}, {}));
  CHECK(table->state()->metadata.last_updated_ms >= before);
}

TEST_CASE("a table that a newer version gave another column is not opened by an older one") {
  Fixture f;
  must(f.open()->append({}, {events_range(0, 0, 1)}));
  TableSpec newer = sample_spec();
  newer.columns.push_back({6, "country", ColumnType::string, false, ""});
  const auto table = f.open(newer);
  CHECK(table->state()->version == 3);
  CHECK(table->state()->metadata.schemas.size() == 2);
  CHECK(table->state()->metadata.current_schema().columns.size() == 6);
  CHECK(table->state()->offsets.size() == 1);
  must(table->append({sample_file(*table, 1)}, {}));
  CHECK(f.open(newer)->state()->version == 4);
  const auto older = IcebergTable::open_or_create(f.store, sample_spec(), f.clock, f.random, f.settings);
  CHECK(code_of(older) == ErrorCode::invalid_argument);
  CHECK(older.error().message().find("incompatible schema") != std::string::npos);
}

}  // namespace
}  // namespace millrace::lake
