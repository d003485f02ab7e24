#include "sim/sim_disk.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "base/bytes.h"

namespace millrace::sim {
namespace {

using base::ErrorCode;

std::unique_ptr<disk::WriteFile> created(SimDisk& disk, std::string_view path) {
  auto file = disk.create(path);
  REQUIRE(file.ok());
  return *std::move(file);
}

std::string content(const SimDisk& disk, std::string_view path) {
  const auto bytes = disk::read_file(disk, path);
  return bytes.ok() ? *bytes : "(absent)";
}

}  // namespace

TEST_CASE("what was synced survives every crash") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    SimDisk disk(seed);
    const auto file = created(disk, "a");
    REQUIRE(file->write_at(0, base::as_bytes(std::string(3000, 'x'))).ok());
    REQUIRE(file->sync().ok());
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(file->write_at(3000, base::as_bytes(std::string(3000, 'y'))).ok());
    disk.crash();
    const std::string found = content(disk, "a");
    REQUIRE(found.size() >= 3000);
    CHECK(found.substr(0, 3000) == std::string(3000, 'x'));
    CHECK(found.find_first_not_of(std::string("y\0", 2), 3000) == std::string::npos);
  }
}

TEST_CASE("unsynced sectors are lost, torn, kept, and kept behind lost ones") {
  int lost = 0;
  int kept = 0;
  int torn = 0;
  int holes = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SimDisk disk(seed);
    const auto file = created(disk, "a");
    REQUIRE(file->write_at(0, base::as_bytes(std::string(4096, '\0'))).ok());
    REQUIRE(file->sync().ok());
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(file->write_at(0, base::as_bytes(std::string(4096, 'y'))).ok());
    disk.crash();
    const std::string found = content(disk, "a");
    REQUIRE(found.size() == 4096);
    const std::size_t first_hole = found.find('\0');
    lost += found == std::string(4096, '\0') ? 1 : 0;
    kept += found == std::string(4096, 'y') ? 1 : 0;
    torn += first_hole != std::string::npos && first_hole % SimDisk::kSectorBytes != 0 ? 1 : 0;
    holes += first_hole != std::string::npos && found.find('y', first_hole) != std::string::npos ? 1 : 0;
  }
  CHECK(lost > 20);
  CHECK(kept > 20);
  CHECK(torn > 20);
  CHECK(holes > 20);
}

TEST_CASE("names need a directory sync to survive") {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk(seed);
    REQUIRE(created(disk, "old")->sync().ok());
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(disk.rename("old", "new").ok());
    REQUIRE(created(disk, "other")->sync().ok());
    disk.crash();
    std::string names;
    const auto listed = disk.list("");
    REQUIRE(listed.ok());
    for (const auto& name : *listed) names += name + " ";
    outcomes.insert(names);
  }
  CHECK(outcomes == std::set<std::string>{"new ", "new other ", "old ", "old other "});
}

TEST_CASE("a failed sync drops pages that the next sync does not bring back") {
  int dropped = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk(seed);
    const auto file = created(disk, "a");
    REQUIRE(disk.sync_directory("").ok());
    REQUIRE(file->write_at(0, base::as_bytes(std::string(4096, 'x'))).ok());
    disk.set_faults({.sync_fails = 1.0});
    CHECK(file->sync().error().code() == ErrorCode::io);
    disk.set_faults({});
    CHECK(file->sync().ok());
    CHECK(content(disk, "a") == std::string(4096, 'x'));
    disk.restart();
    CHECK(content(disk, "a") == std::string(4096, 'x'));
    disk.crash();
    dropped += content(disk, "a") != std::string(4096, 'x') ? 1 : 0;
  }
  CHECK(dropped > 40);
}

TEST_CASE("a full disk takes a part and says so") {
  SimDisk disk(3);
  disk.set_capacity(1000);
  const auto file = created(disk, "a");
  CHECK(file->write_at(0, base::as_bytes(std::string(600, 'x'))).ok());
  CHECK(file->write_at(600, base::as_bytes(std::string(600, 'x'))).error().code() == ErrorCode::exhausted);
  CHECK(file->write_at(0, base::as_bytes(std::string(600, 'y'))).ok());
  CHECK(*disk.free_bytes() <= 400);
  disk.set_capacity(10'000);
  CHECK(file->write_at(600, base::as_bytes(std::string(600, 'x'))).ok());
}

TEST_CASE("a cut stops everything until the disk is back, and kills open files") {
  SimDisk disk(4);
  const auto file = created(disk, "a");
  disk.cut_after(2);
  CHECK(file->write_at(0, base::as_bytes("x")).ok());
  CHECK_FALSE(file->write_at(1, base::as_bytes("x")).ok());
  CHECK(disk.is_cut());
  CHECK_FALSE(disk.list("").ok());
  CHECK_FALSE(disk.sync_directory("").ok());
  disk.restart();
  CHECK(content(disk, "a") == "x");
  CHECK_FALSE(file->write_at(1, base::as_bytes("x")).ok());
}

TEST_CASE("the same seed decides the same") {
  const auto run = [](std::uint64_t seed) {
    SimDisk disk(seed);
    disk.set_faults({.write_exhausted = 0.1, .sync_fails = 0.1});
    const auto file = created(disk, "a");
    REQUIRE(disk.sync_directory("").ok());
    for (std::uint64_t i = 0; i < 50; ++i) {
      (void)file->write_at(i * 300, base::as_bytes(std::string(400, static_cast<char>('a' + i % 26)))).ok();
      if (i % 7 == 0) (void)file->sync().ok();
    }
    disk.crash();
    return disk.digest();
  };
  CHECK(run(5) == run(5));
  CHECK(run(5) != run(6));
}

}  // namespace millrace::sim
