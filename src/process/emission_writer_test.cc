#include "process/emission_writer.h"

#include <doctest/doctest.h>

#include "process/crash_world.h"

namespace millrace::process {

namespace {

// Refuses appends for lack of space while `full`, fails syncs for good when `broken`.
class FullJournal final : public journal::Journal {
 public:
  using Journal::append;
  base::Result<journal::Offset> append(std::span<const journal::RecordBuffer* const> buffers) override {
    if (full) return base::Error(base::ErrorCode::exhausted, "disk full");
    return kept.append(buffers);
  }
  base::Status sync() override {
    if (broken) return base::Error(base::ErrorCode::io, "sync failed");
    ++syncs;
    return kept.sync();
  }
  base::Result<journal::RecordBatch> read(journal::Offset from, std::size_t max_bytes) const override {
    return kept.read(from, max_bytes);
  }
  journal::Offset begin() const override { return kept.begin(); }
  journal::Offset end() const override { return kept.end(); }
  journal::Offset durable_end() const override { return kept.durable_end(); }
  base::Status trim(journal::Offset before) override { return kept.trim(before); }
  CrashJournal kept;
  bool full = false;
  bool broken = false;
  int syncs = 0;
};

struct Fixture {
  Fixture() : commit(journal, clock, {}) {
    EmissionWriter::Journals journals;
    journals[1] = {&commit};
    writer = std::make_unique<EmissionWriter>(journals, EmissionSettings{.pending_bytes_max = 20},
                                              [this] { ++wakes; });
  }
  FullJournal journal;
  StillClock clock;
  journal::GroupCommit commit;
  std::unique_ptr<EmissionWriter> writer;
  int wakes = 0;
  void run() {
    while (commit.run_once()) {
    }
  }
};

}  // namespace

TEST_CASE("emissions keep their order through a disk that was full for a while") {
  Fixture fixture;
  fixture.journal.full = true;
  fixture.writer->emit(event::Topic::facts, 0, "one");
  fixture.writer->flush();
  fixture.writer->emit(event::Topic::facts, 0, "two");
  fixture.run();
  CHECK(fixture.writer->fault() == nullptr);
  CHECK(fixture.writer->ready());
  fixture.writer->emit(event::Topic::facts, 0, "a longer one");
  CHECK_FALSE(fixture.writer->ready());
  fixture.journal.full = false;
  fixture.writer->flush();
  fixture.run();
  CHECK(fixture.journal.kept.records() == std::vector<std::string>{"one", "two", "a longer one"});
  CHECK(fixture.writer->ready());
  CHECK(fixture.wakes >= 2);
}

TEST_CASE("a sync covers what was emitted before it") {
  Fixture fixture;
  CHECK(fixture.writer->durable());
  fixture.writer->emit(event::Topic::facts, 0, "one");
  fixture.writer->flush();
  fixture.writer->sync();
  CHECK_FALSE(fixture.writer->durable());
  fixture.run();
  CHECK(fixture.writer->durable());
  CHECK(fixture.journal.durable_end().value == 1);
  fixture.writer->emit(event::Topic::facts, 0, "two");
  fixture.writer->flush();
  fixture.run();
  CHECK(fixture.journal.durable_end().value == 1);
  CHECK(fixture.writer->durable());
  const int syncs = fixture.journal.syncs;
  fixture.writer->sync();
  fixture.run();
  CHECK(fixture.writer->durable());
  CHECK(fixture.journal.syncs == syncs + 1);
}

TEST_CASE("more than a journal appends in one piece goes out in several, in order, with one sync") {
  Fixture fixture;
  fixture.writer->emit(event::Topic::facts, 0, "first");
  fixture.writer->flush();  // Is under way while all else comes, as when one tick closes all sessions.
  std::vector<std::string> expected{"first"};
  for (char c = 'a'; c <= 'z'; ++c) {
    expected.emplace_back(std::size_t{512} << 10, c);
    fixture.writer->emit(event::Topic::facts, 0, expected.back());
  }
  fixture.writer->flush();
  CHECK_FALSE(fixture.writer->ready());
  fixture.run();
  CHECK(fixture.writer->fault() == nullptr);
  CHECK(fixture.journal.kept.records() == expected);
  CHECK(fixture.writer->ready());
  for (int i = 0; i < 20; ++i) {
    expected.push_back(expected[1]);
    fixture.writer->emit(event::Topic::facts, 0, expected.back());
  }
  fixture.writer->sync();
  fixture.run();
  CHECK(fixture.journal.kept.records() == expected);
  CHECK(fixture.writer->durable());
  CHECK(fixture.journal.syncs == 1);
}

TEST_CASE("a failed sync is a fault") {
  Fixture fixture;
  fixture.journal.broken = true;
  fixture.writer->emit(event::Topic::facts, 0, "one");
  fixture.writer->sync();
  fixture.run();
  REQUIRE(fixture.writer->fault() != nullptr);
  CHECK_FALSE(fixture.writer->durable());
}

TEST_CASE("a submission that completes after the writer is gone harms nobody") {
  Fixture fixture;
  fixture.writer->emit(event::Topic::facts, 0, "one");
  fixture.writer->flush();
  fixture.writer.reset();
  fixture.run();
  CHECK(fixture.journal.kept.records().size() == 1);
  CHECK(fixture.wakes == 0);
}

}  // namespace millrace::process
