#include <algorithm>
#include <array>
#include <set>

#include "lake/faulty_object_store.h"
#include "lake/table_fixture.h"

// Writers that do not know of each other put the records of one journal into one table, over a store that
// refuses, times out after the effect or before it, and kills them between any two calls. The model is the
// journal itself: whatever happened, the table's files hold records [0, committed) of each partition, each
// exactly once.

namespace millrace::lake {
namespace {

constexpr std::uint32_t kPartitions = 2;
constexpr int kWriters = 2;
constexpr int kSteps = 24;

// Which records a data file holds; data files are never read here, so it stands for their content.
using Contents = std::map<std::string, std::vector<OffsetRange>>;

struct History {
  explicit History(std::uint64_t seed) : random(seed) {
    settings.snapshots_min = 1 + static_cast<int>(random.below(4));
    settings.snapshot_keep_ms = static_cast<std::int64_t>(random.below(2)) * 60'000;
    settings.metadata_versions_max = 1 + static_cast<int>(random.below(12));
    settings.manifests_merge_min = 2 + static_cast<int>(random.below(5));
    settings.manifest_target_bytes = random.chance(0.3) ? 9000 : 1 << 20;
    settings.orphan_age_ms = 3'600'000;
    settings.commit_attempts_max = 3;
    for (auto& end : journal_end) end = 0;
  }

  struct Writer {
    std::unique_ptr<FaultyObjectStore> store;
    std::unique_ptr<IcebergTable> table;
  };

  base::SeededRandom random;
  IcebergSettings settings;
  sim::SimClock clock;
  MemoryObjectStore objects;
  Contents contents;
  std::array<std::uint64_t, kPartitions> journal_end{};
  std::array<Writer, kWriters> writers;
  CommittedOffsets seen;      // The highest offsets any observer saw committed.
  CommittedOffsets promised;  // Those a writer was told are committed.

  FaultyObjectStore::Faults faults() {
    FaultyObjectStore::Faults chosen;
    if (random.chance(0.3)) return chosen;
    chosen.unavailable = random.unit() * 0.1;
    chosen.lost_request = random.unit() * 0.1;
    chosen.lost_response = random.unit() * 0.1;
    if (random.chance(0.3)) chosen.crash_after = static_cast<std::int64_t>(random.below(40));
    return chosen;
  }

  // A new process, or none this time.
  void restart(Writer& writer) {
    writer.table.reset();
    writer.store = std::make_unique<FaultyObjectStore>(objects, random, faults());
    auto opened = IcebergTable::open_or_create(*writer.store, sample_spec(), clock, random, settings);
    if (opened.ok()) writer.table = *std::move(opened);
  }

  OffsetRanges next_ranges(const IcebergTable& table) {
    OffsetRanges ranges;
    const auto state = table.state();
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      const JournalPartition source{event::Topic::events, p};
      const auto committed = state->offsets.find(source);
      const std::uint64_t from = committed == state->offsets.end() ? 0 : committed->second.value;
      if (from < journal_end[p] && !(p > 0 && random.chance(0.2)))
        ranges.push_back(events_range(p, from, journal_end[p]));
    }
    return ranges;
  }

  DataFile file_with(IcebergTable& table, std::vector<OffsetRange> ranges, std::int32_t day) {
    std::int64_t rows = 0;
    for (const OffsetRange& range : ranges)
      rows += static_cast<std::int64_t>(range.to.value - range.from.value);
    DataFile file = sample_file(table, rows, day);
    contents[file.object] = std::move(ranges);
    return file;
  }

  bool append(IcebergTable& table) {
    const OffsetRanges ranges = next_ranges(table);
    if (ranges.empty()) return true;
    std::vector<DataFile> files;
    for (const OffsetRange& range : ranges) {
      files.push_back(file_with(table, {range}, 20400 + static_cast<std::int32_t>(random.below(3))));
    }
    return attempt(table, ranges, [&] { return table.append(files, ranges); });
  }

  // Compaction: some files of one partition become one.
  bool compact(IcebergTable& table) {
    const auto state = table.state();
    std::vector<LiveFile> chosen;
    state->for_each_file([&](const LiveFile& file) {
      if (chosen.empty() || file.partition == chosen.front().partition) chosen.push_back(file);
    });
    if (chosen.size() < 2) return true;
    std::vector<std::string> old;
    std::vector<OffsetRange> ranges;
    for (const LiveFile& file : chosen) {
      old.push_back(file.object);
      ranges.insert(ranges.end(), contents[file.object].begin(), contents[file.object].end());
    }
    const DataFile merged = file_with(table, std::move(ranges), *chosen.front().partition.front().day);
    return attempt(table, {}, [&] { return table.replace_files(old, {merged}); });
  }

  // Copy on write of one partition, with new records put into it.
  bool overwrite(IcebergTable& table) {
    const auto state = table.state();
    const auto partition = sample_partition(20400, "page_viewed");
    OffsetRanges ranges = next_ranges(table);
    std::vector<OffsetRange> all = ranges;
    state->for_each_file([&](const LiveFile& file) {
      if (file.partition == partition)
        all.insert(all.end(), contents[file.object].begin(), contents[file.object].end());
    });
    if (all.empty()) return true;
    const DataFile file = file_with(table, std::move(all), 20400);
    return attempt(table, ranges,
                   [&] { return table.replace_partitions(*state, {partition}, {file}, ranges); });
  }

  // Returns false when the process must be replaced.
  template <class Commit>
  bool attempt(IcebergTable& table, const OffsetRanges& ranges, Commit&& commit) {
    const auto receipt = commit();
    if (receipt.ok()) {
      for (const OffsetRange& range : ranges)
        promised[range.source] = std::max(promised[range.source], range.to);
      return true;
    }
    // As a caller would: after anything but success, look before doing more.
    return table.refresh().ok() || random.chance(0.5);
  }

  void step() {
    clock.advance_ms(static_cast<std::int64_t>(random.below(30'000)));
    journal_end[random.below(kPartitions)] += 1 + random.below(5);
    Writer& writer = writers[random.below(kWriters)];
    if (!writer.table || writer.store->crashed()) {
      restart(writer);
      return;
    }
    if (random.chance(0.2)) writer.store->set_faults(faults());
    const std::uint64_t choice = random.below(10);
    bool alive = true;
    if (choice < 6) {
      alive = append(*writer.table);
    } else if (choice < 8) {
      alive = compact(*writer.table);
    } else if (choice < 9) {
      alive = overwrite(*writer.table);
    } else {
      clock.advance_ms(static_cast<std::int64_t>(random.below(2)) * 3'600'000);
      alive = writer.table->remove_orphans().ok() || random.chance(0.5);
    }
    if (!alive || writer.store->crashed()) writer.table.reset();
  }

  // Empty when all is well.
  std::string check() {
    MemoryObjectStore& store = objects;
    auto opened = IcebergTable::open_or_create(store, sample_spec(), clock, random, settings);
    if (!opened.ok()) return "a new reader cannot open: " + opened.error().message();
    const auto state = (*opened)->state();
    for (const auto& [source, next] : seen) {
      const auto now = state->offsets.find(source);
      if (now == state->offsets.end() || now->second < next) return "offsets went backwards";
    }
    for (const auto& [source, next] : promised) {
      const auto now = state->offsets.find(source);
      if (now == state->offsets.end() || now->second < next) return "an acknowledged commit is not there";
    }
    seen = state->offsets;
    std::map<JournalPartition, std::vector<int>> times;
    std::int64_t rows = 0;
    state->for_each_file([&](const LiveFile& file) {
      rows += file.record_count;
      for (const OffsetRange& range : contents[file.object]) {
        auto& counts = times[range.source];
        counts.resize(std::max<std::size_t>(counts.size(), range.to.value));
        for (std::uint64_t i = range.from.value; i < range.to.value; ++i) counts[i] += 1;
      }
    });
    std::uint64_t expected = 0;
    for (const auto& [source, next] : state->offsets) {
      expected += next.value;
      const auto& counts = times[source];
      if (counts.size() != next.value) return "rows beyond the committed offset, or missing at the end";
      if (std::any_of(counts.begin(), counts.end(), [](int n) { return n != 1; }))
        return "a record not exactly once";
    }
    if (rows != static_cast<std::int64_t>(expected)) return "row counts differ";
    return summary_of(*state, rows);
  }

  std::string summary_of(const TableState& state, std::int64_t rows) {
    const Snapshot* snapshot = state.metadata.current_snapshot();
    if (snapshot == nullptr) return rows == 0 ? "" : "rows without a snapshot";
    if (snapshot->summary.at("total-records") != std::to_string(rows)) return "the summary's total is wrong";
    if (snapshot->id >= std::int64_t{1} << 53) return "a snapshot id no double can hold";
    // Every snapshot that is still named can be read in full.
    const TableFiles files(objects, "conformed/events");
    for (const Snapshot& kept : state.metadata.snapshots) {
      const auto manifests = files.read_manifest_list(kept.manifest_list);
      if (!manifests.ok()) return "a kept snapshot lost its manifest list: " + manifests.error().message();
      for (const ManifestFile& manifest : *manifests) {
        if (!files.read_manifest(manifest, state.metadata.default_spec()).ok())
          return "a kept snapshot lost a manifest";
      }
    }
    return "";
  }
};

std::string run(std::uint64_t seed) {
  History history(seed);
  for (int i = 0; i < kSteps; ++i) {
    history.step();
    if (i % 6 == 5) {
      if (std::string fault = history.check(); !fault.empty()) return fault;
    }
  }
  return "";
}

TEST_CASE("whatever fails and whoever races, a table holds every committed record exactly once") {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const std::string fault = run(seed);
    INFO("seed ", seed);
    REQUIRE(fault == "");
  }
}

}  // namespace
}  // namespace millrace::lake
