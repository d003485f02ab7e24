#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "disk/posix_disk.h"
#include "lake/local_object_store.h"
#include "lake/object_store_contract.h"
#include "lake/table_fixture.h"
#include "sim/sim_disk.h"

namespace millrace::lake {
namespace {

using base::ErrorCode;

TEST_CASE("objects in memory keep the contract") {
  MemoryObjectStore store;
  check_object_store(store, [&]() -> ObjectStore& { return store; });
}

TEST_CASE("objects on a simulated disk keep the contract") {
  sim::SimDisk disk(1);
  sim::SimClock clock;
  base::SeededRandom random(1), other_random(2);
  const auto store = must(LocalObjectStore::open(disk, "/warehouse/", clock, random));
  std::unique_ptr<LocalObjectStore> other;
  check_object_store(*store, [&]() -> ObjectStore& {
    other = must(LocalObjectStore::open(disk, "/warehouse", clock, other_random));
    return *other;
  });
  CHECK(store->location("a/b.c") == "file:///warehouse/a/b.c");
  CHECK(must(disk.list(".staging")).empty());
}

TEST_CASE("objects on a real disk keep the contract") {
  const std::string root =
      (std::filesystem::temp_directory_path() / ("millrace-object-store-" + std::to_string(::getpid())))
          .string();
  {
    const auto disk = must(disk::PosixDisk::open_root(root));
    sim::SimClock clock;
    base::SeededRandom random(1), other_random(2);
    const auto store = must(LocalObjectStore::open(*disk, root, clock, random));
    std::unique_ptr<LocalObjectStore> other;
    check_object_store(*store, [&]() -> ObjectStore& {
      other = must(LocalObjectStore::open(*disk, root, clock, other_random));
      return *other;
    });
  }
  std::filesystem::remove_all(root);
}

TEST_CASE("a local store refuses names it could not list or that leave its root") {
  sim::SimDisk disk(1);
  sim::SimClock clock;
  base::SeededRandom random(1);
  const auto store = must(LocalObjectStore::open(disk, "/warehouse", clock, random));
  for (const char* name : {"", "a", "a/b", "a.b/c", "a.b/c.d", "/a.b", "a//b.c", "../a.b", "a/../b.c",
                           ".staging/x.y", "a/.hidden"}) {
    CAPTURE(name);
    CHECK(code_of(store->create(name, "x")) == ErrorCode::invalid_argument);
    CHECK(code_of(store->read(name)) == ErrorCode::invalid_argument);
    CHECK_FALSE(store->remove(name).ok());
  }
  CHECK(code_of(LocalObjectStore::open(disk, "relative", clock, random)) == ErrorCode::invalid_argument);
}

TEST_CASE("temporary files of dead processes are removed, those of living ones are not") {
  sim::SimDisk disk(1);
  sim::SimClock clock;
  base::SeededRandom random(1);
  REQUIRE(disk.make_directory(".staging").ok());
  const std::int64_t now = clock.wall().ms;
  REQUIRE(disk.create(".staging/" + std::to_string(now - 2 * base::kHourMs) + "-1.tmp").ok());
  REQUIRE(disk.create(".staging/" + std::to_string(now - 1000) + "-2.tmp").ok());
  must(LocalObjectStore::open(disk, "/warehouse", clock, random));
  CHECK(must(disk.list(".staging")).size() == 1);
}

// A writer, a power cut at any operation, another writer: what create() acknowledged is there and whole, what
// it refused was there, and nothing is there in part.
std::string run_store(std::uint64_t seed) {
  base::SeededRandom random(seed);
  sim::SimDisk disk(seed);
  sim::SimClock clock;
  std::map<std::string, std::set<std::string>> tried;
  std::map<std::string, std::string> acknowledged;
  for (int life = 0; life < 4; ++life) {
    disk.cut_after(random.below(60));
    auto store = LocalObjectStore::open(disk, "/w", clock, random);
    for (int i = 0; store.ok() && i < 8; ++i) {
      const std::string name = "t/m/v" + std::to_string(random.below(12)) + ".json";
      const std::string bytes = std::string(random.below(3000), 'x') +
                                std::to_string(seed * 100 + tried.size()) + "/" + std::to_string(i);
      tried[name].insert(bytes);
      const auto created = (*store)->create(name, bytes);
      if (created.ok() && *created == Created::yes) {
        if (acknowledged.contains(name)) return "two writers were told yes for " + name;
        acknowledged[name] = bytes;
      }
    }
    disk.crash();
    auto reader = LocalObjectStore::open(disk, "/w", clock, random);
    if (!reader.ok()) return "does not open: " + reader.error().message();
    const auto names = (*reader)->list("");
    if (!names.ok()) return "does not list";
    for (const std::string& name : *names) {
      const auto bytes = (*reader)->read(name);
      if (!bytes.ok() || !tried[name].contains(*bytes)) return "holds part of an object: " + name;
    }
    for (const auto& [name, bytes] : acknowledged) {
      const auto found = (*reader)->read(name);
      if (!found.ok() || *found != bytes) return "lost an acknowledged object: " + name;
    }
  }
  return "";
}

TEST_CASE("an acknowledged object survives a power cut whole, and no other is there in part") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed ", seed);
    REQUIRE(run_store(seed) == "");
  }
}

// The table's promise on a disk that loses everything it may: an acknowledged commit is still there after the
// power cut.
std::string run_table(std::uint64_t seed) {
  base::SeededRandom random(seed);
  sim::SimDisk disk(seed);
  sim::SimClock clock;
  IcebergSettings settings;
  settings.snapshots_min = 1 + static_cast<int>(random.below(3));
  settings.snapshot_keep_ms = 0;
  settings.metadata_versions_max = 2;
  settings.manifests_merge_min = 3;
  std::uint64_t promised = 0;
  for (int life = 0; life < 4; ++life) {
    disk.cut_after(random.below(250));
    auto store = LocalObjectStore::open(disk, "/w", clock, random);
    if (store.ok()) {
      auto table = IcebergTable::open_or_create(**store, sample_spec(), clock, random, settings);
      for (int i = 0; table.ok() && i < 6; ++i) {
        clock.advance_ms(1000);
        const auto committed = (*table)->state()->offsets;
        const std::uint64_t from = committed.empty() ? 0 : committed.begin()->second.value;
        if ((*table)->append({sample_file(**table, 1)}, {events_range(0, from, from + 1)}).ok())
          promised = from + 1;
      }
    }
    disk.crash();
    store = LocalObjectStore::open(disk, "/w", clock, random);
    if (!store.ok()) return "the store does not open: " + store.error().message();
    const auto table = IcebergTable::open_or_create(**store, sample_spec(), clock, random, settings);
    if (!table.ok()) return "the table does not open: " + table.error().message();
    const auto state = (*table)->state();
    const std::uint64_t committed = state->offsets.empty() ? 0 : state->offsets.begin()->second.value;
    if (committed < promised) return "lost an acknowledged commit";
    if (static_cast<std::uint64_t>(state->record_count) != committed) return "rows and offsets differ";
    promised = committed;
  }
  return "";
}

TEST_CASE("an acknowledged commit survives a power cut") {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    INFO("seed ", seed);
    REQUIRE(run_table(seed) == "");
  }
}

}  // namespace
}  // namespace millrace::lake
