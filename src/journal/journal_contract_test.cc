#include "journal/journal_contract.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "base/random.h"
#include "disk/posix_disk.h"
#include "journal/memory_journal.h"
#include "journal/segment_journal.h"
#include "sim/sim_clock.h"

namespace millrace::journal {
namespace {

struct MemoryFixture {
  static constexpr bool kSurvivesReopening = false;
  std::unique_ptr<Journal> open() { return std::make_unique<MemoryJournal>(); }
};

template <Compression kCompression>
struct PosixFixture {
  static constexpr bool kSurvivesReopening = true;
  PosixFixture()
      : root((std::filesystem::temp_directory_path() / ("millrace-journal-" + std::to_string(::getpid())))
                 .string()) {
    std::filesystem::remove_all(root);
    disk = *disk::PosixDisk::open_root(root);
  }
  ~PosixFixture() { std::filesystem::remove_all(root); }
  std::unique_ptr<Journal> open() {
    auto journal = SegmentJournal::open(
        {.directory = "topic/0", .segment_bytes = 12'000, .compression = kCompression}, *disk, clock, random);
    REQUIRE_MESSAGE(journal.ok(), journal.error().message());
    return *std::move(journal);
  }
  std::string root;
  std::unique_ptr<disk::PosixDisk> disk;
  sim::SimClock clock;
  base::SeededRandom random{1};
};

}  // namespace

TEST_CASE("a memory journal keeps the contract") { contract::check<MemoryFixture>(); }
TEST_CASE("segments on a real disk keep the contract, with lz4") {
  contract::check<PosixFixture<Compression::lz4>>();
}
TEST_CASE("segments on a real disk keep the contract, with zstd") {
  contract::check<PosixFixture<Compression::zstd>>();
}
TEST_CASE("segments on a real disk keep the contract, uncompressed") {
  contract::check<PosixFixture<Compression::none>>();
}

}  // namespace millrace::journal
