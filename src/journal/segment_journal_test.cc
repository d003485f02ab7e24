#include "journal/segment_journal.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "journal/journal_contract.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

namespace millrace::journal {
namespace {

using base::ErrorCode;
using contract::read_all;
using contract::records;

constexpr std::string_view kFirstSegment = "topic/0/00000000000000000000.seg";

struct Fixture {
  base::Result<std::unique_ptr<SegmentJournal>> try_open() {
    disk.restart();
    return SegmentJournal::open(settings, disk, clock, random);
  }
  std::unique_ptr<SegmentJournal> open() {
    auto journal = try_open();
    REQUIRE_MESSAGE(journal.ok(), journal.error().message());
    return *std::move(journal);
  }
  // Where each batch of the first segment begins.
  std::vector<std::uint64_t> batches() {
    const auto bytes = disk::read_file(disk, kFirstSegment);
    REQUIRE(bytes.ok());
    const auto segment = decode_segment_header(*bytes);
    REQUIRE(segment.ok());
    std::vector<std::uint64_t> positions;
    for (std::uint64_t at = kSegmentHeaderBytes;;) {
      const auto header = decode_batch_header(base::as_bytes(*bytes).subspan(at), segment->salt);
      if (!header) return positions;
      positions.push_back(at);
      at += header->total_bytes();
    }
  }
  void damage(std::uint64_t position) { REQUIRE(disk.damage(kFirstSegment, position, std::byte{1})); }

  sim::SimDisk disk{1};
  sim::SimClock clock;
  base::SeededRandom random{2};
  SegmentJournalSettings settings{.directory = "topic/0", .compression = Compression::none};
};

struct SimFixture {
  static constexpr bool kSurvivesReopening = true;
  SimFixture() { fixture.settings.segment_bytes = 12'000; }
  std::unique_ptr<Journal> open() { return fixture.open(); }
  Fixture fixture;
};

void append(SegmentJournal& journal, const std::string& payload) {
  const auto first = journal.append(records({payload}));
  REQUIRE_MESSAGE(first.ok(), first.error().message());
}

void append_synced(SegmentJournal& journal, const std::string& payload) {
  append(journal, payload);
  REQUIRE(journal.sync().ok());
}

}  // namespace

TEST_CASE("segments on a simulated disk keep the contract") { contract::check<SimFixture>(); }

TEST_CASE("a torn tail is cut at the last whole batch") {
  Fixture fixture;
  {
    const auto journal = fixture.open();
    append_synced(*journal, "synced");
    append(*journal, "whole");
    append(*journal, "torn");
    append(*journal, "behind the torn one");
  }
  const auto batches = fixture.batches();
  REQUIRE(batches.size() == 5);
  fixture.damage(batches[3] + kBatchHeaderBytes + 4);
  const auto journal = fixture.open();
  CHECK(read_all(*journal, {0}) == std::vector<std::string>{"synced", "whole"});
  CHECK(journal->durable_end() == Offset{2});
}

TEST_CASE("what was cut off never comes back, even where new batches end at its border") {
  Fixture fixture;
  {
    const auto journal = fixture.open();
    append_synced(*journal, "kept");
    for (const char* payload : {"old 1", "old 2", "old 3"}) append(*journal, payload);
  }
  const auto batches = fixture.batches();
  fixture.damage(batches[2] + kBatchHeaderBytes + 4);
  {
    const auto journal = fixture.open();
    CHECK(journal->end() == Offset{1});
    append_synced(*journal, "new 1");
  }
  const auto journal = fixture.open();
  CHECK(read_all(*journal, {0}) == std::vector<std::string>{"kept", "new 1"});
}

TEST_CASE("a damaged record that had been synced is named, at the opening or when it is read") {
  Fixture fixture;
  {
    const auto journal = fixture.open();
    for (const char* payload : {"one", "two", "three"}) append_synced(*journal, payload);
  }
  const auto batches = fixture.batches();
  SUBCASE("its header") {
    fixture.damage(batches[2] + 20);
    const auto opened = fixture.try_open();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code() == ErrorCode::corrupt);
    CHECK(opened.error().message().find("partition 'topic/0', segment '00000000000000000000.seg', position " +
                                        std::to_string(batches[2])) != std::string::npos);
  }
  SUBCASE("its payload") {
    fixture.damage(batches[2] + kBatchHeaderBytes + 5);
    const auto journal = fixture.open();
    const auto before = journal->read({0}, 1);
    REQUIRE(before.ok());
    CHECK(before->payloads.front() == "one");
    const auto damaged = journal->read({1}, 1);
    REQUIRE_FALSE(damaged.ok());
    CHECK(damaged.error().code() == ErrorCode::corrupt);
    CHECK(damaged.error().message().find("position " + std::to_string(batches[2])) != std::string::npos);
    CHECK(journal->read({2}, 1)->payloads.front() == "three");
  }
  SUBCASE("the segment's header") {
    fixture.damage(30);
    const auto opened = fixture.try_open();
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code() == ErrorCode::corrupt);
  }
}

TEST_CASE("an orderly close vouches for the last records too") {
  Fixture fixture;
  {
    const auto journal = fixture.open();
    append(*journal, "last");
    REQUIRE(journal->close().ok());
    CHECK(journal->append(records({"late"})).error().code() == ErrorCode::unavailable);
  }
  const auto batches = fixture.batches();
  fixture.damage(batches[1] + 20);
  const auto opened = fixture.try_open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::corrupt);
}

TEST_CASE("a client cannot forge a batch inside its payload") {
  Fixture fixture;
  BatchHeader forged;
  forged.epoch = 100;
  forged.first = {1000};
  forged.durable_end = {1000};
  {
    const auto journal = fixture.open();
    append(*journal, "to be torn");
    // The payload begins behind a length of 4 bytes, so 4 more align the forgery as a batch would be.
    append(*journal, "1234" + encode(forged, 0) + encode(forged, 1));
  }
  fixture.damage(fixture.batches()[1] + 20);
  const auto journal = fixture.open();
  CHECK(journal->end() == Offset{0});
}

TEST_CASE("a full disk appends nothing, and once there is room the journal goes on") {
  Fixture fixture;
  const auto journal = fixture.open();
  append_synced(*journal, "before");
  fixture.disk.set_capacity(kSegmentHeaderBytes + 1000);
  const auto full = journal->append(records({std::string(600, 'a'), std::string(600, 'b')}));
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code() == ErrorCode::exhausted);
  CHECK(journal->end() == Offset{1});
  append_synced(*journal, "fits");
  fixture.disk.set_capacity(1 << 20);
  append_synced(*journal, std::string(2000, 'c'));
  CHECK(read_all(*journal, {0}).size() == 3);
}

TEST_CASE("a journal on a full disk opens and can be read") {
  Fixture fixture;
  { append_synced(*fixture.open(), "before"); }
  fixture.disk.set_capacity(1);
  const auto journal = fixture.open();
  CHECK(read_all(*journal, {0}) == std::vector<std::string>{"before"});
  CHECK(journal->append(records({"more"})).error().code() == ErrorCode::exhausted);
  fixture.disk.set_capacity(1 << 20);
  append_synced(*journal, "room again");
  CHECK(fixture.open()->end() == Offset{2});
}

TEST_CASE("a failed sync stops the journal until it is opened anew") {
  Fixture fixture;
  {
    const auto journal = fixture.open();
    append_synced(*journal, "durable");
    append(*journal, "unknown");
    fixture.disk.set_faults({.sync_fails = 1.0});
    CHECK(journal->sync().error().code() == ErrorCode::io);
    fixture.disk.set_faults({});
    CHECK(journal->sync().error().code() == ErrorCode::unavailable);
    CHECK(journal->append(records({"refused"})).error().code() == ErrorCode::unavailable);
    CHECK(journal->durable_end() == Offset{1});
    CHECK(read_all(*journal, {0}).size() == 2);
  }
  const auto journal = fixture.open();
  CHECK(journal->end() == Offset{2});
  append_synced(*journal, "after");
}

TEST_CASE("every opening begins a higher epoch") {
  Fixture fixture;
  std::uint64_t last = 0;
  for (int i = 0; i < 4; ++i) {
    const auto journal = fixture.open();
    CHECK(journal->epoch() > last);
    last = journal->epoch();
  }
}

TEST_CASE("a prepared segment is used as soon as the active one would have to grow") {
  Fixture fixture;
  fixture.settings.segment_bytes = 3 << 20;
  const auto journal = fixture.open();
  append(*journal, "in a segment that grows");
  const std::uint64_t left = *journal->prepare_next();
  CHECK(left < 3 << 20);
  CHECK(left > 0);
  append(*journal, "the spare is not ready yet");
  CHECK(journal->segments() == 1);
  while (*journal->prepare_next() > 0) {
  }
  append(*journal, "in the prepared segment");
  CHECK(journal->segments() == 2);
  const std::uint64_t bytes = journal->bytes();
  for (int i = 0; i < 5; ++i) append(*journal, std::string(400'000, 'x'));
  CHECK(journal->bytes() == bytes);
  CHECK(read_all(*journal, {0}).size() == 8);
}

TEST_CASE("segments are filled ahead twice as fast as they are used, each twice as large as the one before") {
  Fixture fixture;
  fixture.settings.compression = Compression::none;
  fixture.settings.segment_bytes = 16 << 20;
  const auto journal = fixture.open();
  const auto prepare = [&] {
    while (*journal->prepare_next() > 0) {
    }
    return fixture.disk.open("topic/0/next.spare").ok() ? *(*fixture.disk.open("topic/0/next.spare"))->size()
                                                        : 0;
  };
  append(*journal, "in a segment that grows");
  CHECK(prepare() == kFirstFilledBytes);
  append(*journal, std::string(1 << 20, 'x'));
  REQUIRE(journal->segments() == 2);
  const std::uint64_t quarter = prepare();
  CHECK(quarter > kFirstFilledBytes);
  CHECK(quarter < kFirstFilledBytes + (64 << 10));
  append(*journal, std::string(1 << 20, 'x'));
  CHECK(prepare() == 2 * kFirstFilledBytes);
  for (int i = 0; i < 3; ++i) append(*journal, std::string(1 << 20, 'x'));
  REQUIRE(journal->segments() == 3);
  for (int i = 0; i < 8; ++i) {
    prepare();
    append(*journal, std::string(1 << 20, 'x'));
  }
  REQUIRE(journal->segments() == 4);
  append(*journal, std::string(5 << 20, 'x'));
  CHECK(prepare() == fixture.settings.segment_bytes);
}

TEST_CASE("a spare that does not fit gives its space back") {
  Fixture fixture;
  const auto journal = fixture.open();
  fixture.disk.set_capacity(2'500'000);
  base::Result<std::uint64_t> full = std::uint64_t{0};
  for (int i = 0; i < 20 && full.ok(); ++i) full = journal->prepare_next();
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code() == ErrorCode::exhausted);
  append_synced(*journal, std::string(2'000'000, 'x'));
}

TEST_CASE("retention counts whole segments by bytes and by age, and keeps the newest") {
  Fixture fixture;
  fixture.settings.segment_bytes = 8192;
  const auto journal = fixture.open();
  std::vector<base::WallTime> appended;
  for (int i = 0; i < 8; ++i) {
    appended.push_back(fixture.clock.wall());
    append(*journal, std::string(3000, 'x'));
    fixture.clock.advance_ms(1000);
  }
  REQUIRE(journal->segments() == 8);
  CHECK(journal->retained_from({}) == Offset{0});
  CHECK(journal->retained_from({.bytes = 3 * 7300}) == Offset{5});
  CHECK(journal->retained_from({.bytes = 1}) == Offset{7});
  CHECK(journal->retained_from({.age_ms = 3500}) == Offset{4});
  CHECK(journal->retained_from({.age_ms = 1}) == Offset{7});
  CHECK(journal->offset_at(appended[3]) == Offset{3});
  CHECK(journal->offset_at(appended[3] - 1) == Offset{2});
  CHECK(journal->offset_at({0}) == Offset{0});
  REQUIRE(journal->trim(journal->retained_from({.age_ms = 3500})).ok());
  CHECK(journal->begin() == Offset{4});
  CHECK(fixture.disk.list("topic/0")->size() == 4);
}

TEST_CASE("batches of a newer format are refused, not cut off") {
  Fixture fixture;
  { append_synced(*fixture.open(), "old"); }
  const std::string before = *disk::read_file(fixture.disk, kFirstSegment);
  BatchHeader newer;
  newer.version = kFormatVersion + 1;
  newer.first = {1};
  {
    const auto file = fixture.disk.open_for_write(kFirstSegment);
    const std::string header = encode(newer, decode_segment_header(before)->salt);
    REQUIRE((*file)->write_at(before.size(), base::as_bytes(header)).ok());
  }
  const auto opened = fixture.try_open();
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code() == ErrorCode::invalid_argument);
  CHECK(disk::read_file(fixture.disk, kFirstSegment)->size() == before.size() + kBatchHeaderBytes);
}

TEST_CASE("many readers follow the writer") {
  Fixture fixture;
  fixture.settings.segment_bytes = 30'000;
  fixture.settings.compression = Compression::lz4;
  const auto journal = fixture.open();
  constexpr std::uint64_t kRecords = 3000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      const std::size_t max_bytes = i == 0 ? 1 : 20'000;
      for (Offset next; next.value < kRecords;) {
        const auto batch = journal->read(next, max_bytes);
        if (!batch.ok()) {
          ++wrong;
          return;
        }
        for (const auto payload : batch->payloads) {
          wrong += payload.starts_with("record " + std::to_string(next.value) + " ") ? 0 : 1;
          next = next + 1;
        }
      }
    });
  }
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    append(*journal, "record " + std::to_string(i) + " " + std::string(i % 200, 'x'));
    if (i % 10 == 0) CHECK(journal->sync().ok());
  }
  for (auto& reader : readers) reader.join();
  CHECK(wrong == 0);
  CHECK(journal->segments() > 3);
}

}  // namespace millrace::journal
