#include "app/sql_runner.h"

#include <doctest/doctest.h>

#include <condition_variable>

#include "app/system_clock.h"
#include "lake/lake_fixture.h"

using namespace millrace;
using namespace millrace::app;

namespace {

// The answers' statuses in the order in which they came.
class Answers {
 public:
  SqlRunner::Respond next() {
    return [this](const http::Response& response) {
      const std::lock_guard lock(mutex_);
      statuses_.push_back(response.status);
      came_.notify_one();
    };
  }
  std::vector<int> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return statuses_.size() >= count; });
    return statuses_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<int> statuses_;
};

}  // namespace

TEST_CASE("a statement that takes all its time does not hold up the next one") {
  lake::LakeFixture fixture("sql-runner");
  const SystemClock clock;
  SqlRunner runner(fixture.lake(), {.timeout_ms = 1000, .concurrent_max = 2}, clock);
  Answers answers;
  runner.start();
  runner.submit(
      "SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c WHERE a.range + b.range = "
      "c.range + 1",
      query::Asker::analyst, answers.next());
  runner.submit("SELECT count(*) FROM conformed.events", query::Asker::analyst, answers.next());
  CHECK(answers.wait_for(2) == std::vector<int>{200, 408});
  runner.stop();
}

TEST_CASE("statements whose turn comes too late are answered that it is busy, and hold up nobody") {
  lake::LakeFixture fixture("sql-runner-late");
  SqlRunner runner(fixture.lake(), {.timeout_ms = 1000, .concurrent_max = 1}, fixture.clock());
  Answers answers;
  for (int i = 0; i < 3; ++i)
    runner.submit("SELECT count(*) FROM range(100000000000)", query::Asker::analyst, answers.next());
  fixture.clock().advance_ms(1001);
  runner.submit("SELECT 1", query::Asker::analyst, answers.next());
  runner.start();
  CHECK(answers.wait_for(4) == std::vector<int>{429, 429, 429, 200});
  runner.stop();
}
