#include "disk/disk_contract.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "disk/posix_disk.h"
#include "sim/sim_disk.h"

namespace millrace::disk {
namespace {

struct PosixFixture {
  PosixFixture()
      : root((std::filesystem::temp_directory_path() / ("millrace-disk-" + std::to_string(::getpid())))
                 .string()) {
    std::filesystem::remove_all(root);
    posix = *PosixDisk::open_root(root);
  }
  ~PosixFixture() { std::filesystem::remove_all(root); }
  Disk& disk() { return *posix; }
  std::string root;
  std::unique_ptr<PosixDisk> posix;
};

struct SimFixture {
  Disk& disk() { return simulated; }
  sim::SimDisk simulated{1};
};

}  // namespace

TEST_CASE("a real disk keeps the contract") { contract::check<PosixFixture>(); }
TEST_CASE("a simulated disk keeps the contract") { contract::check<SimFixture>(); }

TEST_CASE("a root that cannot be made is refused") {
  PosixFixture fixture;
  contract::put(fixture.disk(), "file", "x");
  CHECK_FALSE(PosixDisk::open_root(fixture.root + "/file/below").ok());
  CHECK(PosixDisk::open_root(fixture.root + "/new/deep/root").ok());
}

TEST_CASE("a root has one owner at a time") {
  PosixFixture fixture;
  REQUIRE(fixture.posix->lock().ok());
  const auto second = PosixDisk::open_root(fixture.root);
  REQUIRE(second.ok());
  CHECK(contract::failed_with((*second)->lock(), base::ErrorCode::conflict));
  fixture.posix.reset();
  CHECK((*second)->lock().ok());
}

TEST_CASE("a full device is exhausted") {
  const auto devices = PosixDisk::open_root("/dev");
  REQUIRE(devices.ok());
  const auto full = (*devices)->open_for_write("full");
  if (!full.ok()) {
    MESSAGE("skipped: this machine has no /dev/full");
    return;
  }
  CHECK(contract::failed_with((*full)->write_at(0, base::as_bytes("x")), base::ErrorCode::exhausted));
}

}  // namespace millrace::disk
