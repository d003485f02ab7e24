#include "journal/group_commit.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "journal/memory_journal.h"
#include "sim/sim_clock.h"

namespace millrace::journal {
namespace {

using base::ErrorCode;

// A journal in memory that counts, and fails when told to.
class FlakyJournal final : public Journal {
 public:
  base::Result<Offset> append(std::span<const RecordBuffer* const> buffers) override {
    ++appends;
    if (append_error) return *append_error;
    return memory_.append(buffers);
  }
  base::Status sync() override {
    ++syncs;
    if (sync_error) return *sync_error;
    return memory_.sync();
  }
  base::Result<RecordBatch> read(Offset from, std::size_t max_bytes) const override {
    return memory_.read(from, max_bytes);
  }
  Offset begin() const override { return memory_.begin(); }
  Offset end() const override { return memory_.end(); }
  Offset durable_end() const override { return memory_.durable_end(); }
  base::Status trim(Offset before) override { return memory_.trim(before); }

  int appends = 0;
  int syncs = 0;
  std::optional<base::Error> append_error;
  std::optional<base::Error> sync_error;

 private:
  MemoryJournal memory_;
};

struct Fixture {
  explicit Fixture(std::size_t pending_bytes_max = 1 << 20) {
    commit = std::make_unique<GroupCommit>(journal, clock, GroupCommitSettings{pending_bytes_max});
  }
  static RecordBuffer records(std::size_t count, std::size_t bytes = 3) {
    RecordBuffer buffer;
    for (std::size_t i = 0; i < count; ++i) buffer.add(std::string(bytes, 'x'));
    return buffer;
  }
  // What became of a submission, in words, in order of completion.
  base::Status submit(RecordBuffer buffer, Durability durability, const std::string& name) {
    return commit->submit(std::move(buffer), durability, [this, name](base::Result<Offset> first) {
      const std::string outcome =
          first.ok() ? std::to_string(first->value) : std::string(base::to_string(first.error().code()));
      done.push_back(name + "=" + outcome + (journal.durable_end() == journal.end() ? " durable" : ""));
    });
  }
  FlakyJournal journal;
  sim::SimClock clock;
  std::vector<std::string> done;
  std::unique_ptr<GroupCommit> commit;
};

using Outcomes = std::vector<std::string>;

}  // namespace

TEST_CASE("one append and one sync serve all who wait") {
  Fixture fixture;
  CHECK_FALSE(fixture.commit->run_once());
  REQUIRE(fixture.submit(Fixture::records(2), Durability::synced, "a").ok());
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "b").ok());
  REQUIRE(fixture.submit(Fixture::records(3), Durability::synced, "c").ok());
  CHECK(fixture.done.empty());
  CHECK(fixture.commit->run_once());
  CHECK(fixture.done == Outcomes{"a=0 durable", "b=2 durable", "c=3 durable"});
  CHECK(fixture.journal.appends == 1);
  CHECK(fixture.journal.syncs == 1);
  CHECK_FALSE(fixture.commit->run_once());
  CHECK(fixture.commit->metrics().records.load() == 6);
  CHECK(fixture.commit->metrics().bytes.load() == 6 * 7);
  CHECK(fixture.commit->metrics().sync_ns.snapshot().count() == 1);
  CHECK(fixture.commit->metrics().group_records.snapshot().max() == 6);
}

TEST_CASE("who asks only for an append does not wait for the sync, nor cause one") {
  Fixture fixture;
  REQUIRE(fixture.submit(Fixture::records(1), Durability::appended, "a").ok());
  fixture.commit->run_once();
  CHECK(fixture.done == Outcomes{"a=0"});
  CHECK(fixture.journal.syncs == 0);
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "b").ok());
  REQUIRE(fixture.submit(Fixture::records(1), Durability::appended, "c").ok());
  fixture.commit->run_once();
  CHECK(fixture.done == Outcomes{"a=0", "c=2", "b=1 durable"});
  CHECK(fixture.journal.syncs == 1);
}

TEST_CASE("a submission without records is a barrier") {
  Fixture fixture;
  REQUIRE(fixture.submit(Fixture::records(2), Durability::appended, "a").ok());
  fixture.commit->run_once();
  REQUIRE(fixture.submit(RecordBuffer{}, Durability::synced, "barrier").ok());
  fixture.commit->run_once();
  CHECK(fixture.done == Outcomes{"a=0", "barrier=2 durable"});
}

TEST_CASE("past the limit of pending bytes submissions are refused until some are done") {
  Fixture fixture(100);
  REQUIRE(fixture.submit(Fixture::records(1, 50), Durability::synced, "a").ok());
  const auto refused = fixture.submit(Fixture::records(1, 50), Durability::synced, "b");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::exhausted);
  CHECK(fixture.commit->pending_bytes() == 54);
  fixture.commit->run_once();
  CHECK(fixture.commit->pending_bytes() == 0);
  CHECK(fixture.submit(Fixture::records(1, 50), Durability::synced, "c").ok());
  fixture.commit->run_once();
  CHECK(fixture.done == Outcomes{"a=0 durable", "c=1 durable"});
  CHECK(fixture.commit->metrics().submissions_refused.load() == 1);
}

TEST_CASE("that the disk is full is known until an append finds room, or somebody else did") {
  Fixture fixture;
  fixture.journal.append_error = base::Error(ErrorCode::exhausted, "disk full");
  CHECK_FALSE(fixture.commit->disk_full());
  REQUIRE(fixture.submit(Fixture::records(2), Durability::synced, "a").ok());
  fixture.commit->run_once();
  CHECK(fixture.commit->disk_full());
  CHECK_FALSE(fixture.commit->stopped());
  // A barrier writes nothing, so it says nothing.
  fixture.journal.append_error.reset();
  REQUIRE(fixture.submit({}, Durability::synced, "barrier").ok());
  fixture.commit->run_once();
  CHECK(fixture.commit->disk_full());
  // Nor does what would have fitted all the time.
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "tick").ok());
  fixture.commit->run_once();
  CHECK(fixture.commit->disk_full());
  REQUIRE(fixture.submit(Fixture::records(2), Durability::synced, "b").ok());
  fixture.commit->run_once();
  CHECK_FALSE(fixture.commit->disk_full());
}

TEST_CASE("when a record became durable is known for a while") {
  Fixture fixture;
  CHECK_FALSE(fixture.commit->durable_since({0}));
  std::vector<base::Instant> synced_at;
  for (int i = 0; i < 3000; ++i) {
    fixture.clock.advance_ms(5);
    synced_at.push_back(fixture.clock.now());
    REQUIRE(fixture.submit(Fixture::records(2), Durability::synced, "x").ok());
    fixture.commit->run_once();
  }
  REQUIRE(fixture.commit->durable_since({5999}));
  CHECK(*fixture.commit->durable_since({5999}) == synced_at[2999]);
  CHECK(*fixture.commit->durable_since({5998}) == synced_at[2999]);
  CHECK(*fixture.commit->durable_since({5997}) == synced_at[2998]);
  CHECK_FALSE(fixture.commit->durable_since({6000}));
  CHECK_FALSE(fixture.commit->durable_since({100}));
}

TEST_CASE("a full disk fails the group that met it and nobody else") {
  Fixture fixture;
  fixture.journal.append_error = base::Error(ErrorCode::exhausted, "disk full");
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "a").ok());
  REQUIRE(fixture.submit(Fixture::records(1), Durability::appended, "b").ok());
  fixture.commit->run_once();
  fixture.journal.append_error.reset();
  CHECK_FALSE(fixture.commit->stopped());
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "c").ok());
  fixture.commit->run_once();
  CHECK(fixture.done == Outcomes{"a=exhausted durable", "b=exhausted durable", "c=0 durable"});
  CHECK(fixture.commit->metrics().submissions_failed.load() == 2);
}

TEST_CASE("a failed sync answers io to all who waited and refuses the rest") {
  Fixture fixture;
  fixture.journal.sync_error = base::Error(ErrorCode::io, "sync failed");
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "a").ok());
  REQUIRE(fixture.submit(Fixture::records(1), Durability::appended, "b").ok());
  fixture.commit->run_once();
  CHECK(fixture.done == Outcomes{"b=1", "a=io"});
  CHECK(fixture.commit->stopped());
  const auto refused = fixture.submit(Fixture::records(1), Durability::synced, "c");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::unavailable);
}

TEST_CASE("a group larger than one append may be is appended in several, and synced once") {
  Fixture fixture(64 << 20);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(fixture.submit(Fixture::records(1, 2 << 20), Durability::synced, std::to_string(i)).ok());
  }
  fixture.commit->run_once();
  CHECK(fixture.done.size() == 10);
  CHECK(fixture.done.back() == "9=9 durable");
  CHECK(fixture.journal.appends == 5);
  CHECK(fixture.journal.syncs == 1);
  const auto refused = fixture.submit(Fixture::records(1, kAppendBytesMax), Durability::synced, "large");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::invalid_argument);
}

TEST_CASE("observers hear of appends and of syncs") {
  Fixture fixture;
  std::vector<std::uint64_t> durable;
  fixture.commit->on_progress([&] { durable.push_back(fixture.journal.durable_end().value); });
  REQUIRE(fixture.submit(Fixture::records(2), Durability::synced, "a").ok());
  fixture.commit->run_once();
  CHECK(durable == std::vector<std::uint64_t>{0, 2});
}

TEST_CASE("whoever is pending at the end is told so") {
  Fixture fixture;
  REQUIRE(fixture.submit(Fixture::records(1), Durability::synced, "a").ok());
  fixture.commit.reset();
  CHECK(fixture.done == Outcomes{"a=unavailable durable"});
}

TEST_CASE("submissions of many threads are all done, each thread's in order") {
  Fixture fixture;
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::vector<std::uint64_t>> offsets(kThreads);
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&, t] {
      for (int i = 0; i < kEach;) {
        const auto submitted = fixture.commit->submit(
            Fixture::records(1), Durability::synced, [&, t](base::Result<Offset> first) {
              offsets[static_cast<std::size_t>(t)].push_back(first->value);
            });
        i += submitted.ok() ? 1 : 0;
      }
    });
  }
  while (fixture.commit->metrics().records.load() < kThreads * kEach) {
    fixture.commit->wait(1000);
    fixture.commit->run_once();
  }
  for (auto& producer : producers) producer.join();
  for (const auto& mine : offsets) {
    CHECK(mine.size() == kEach);
    CHECK(std::is_sorted(mine.begin(), mine.end()));
  }
  CHECK(fixture.journal.durable_end() == Offset{kThreads * kEach});
}

TEST_CASE("wake ends a wait") {
  Fixture fixture;
  std::thread waker([&] { fixture.commit->wake(); });
  fixture.commit->wait(60'000);
  waker.join();
  fixture.commit->wait(0);
}

}  // namespace millrace::journal
