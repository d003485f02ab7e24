#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/worker.h"
#include "http/http.h"
#include "query/sql_engine.h"

namespace millrace::app {

// Runs statements on threads of its own, a bounded queue in front of them, and stops those that take too long.
class SqlRunner {
 public:
  using Respond = std::function<void(http::Response)>;

  SqlRunner(lake::Lake& lake, query::SqlSettings settings, const base::Clock& clock);
  ~SqlRunner() { stop(); }

  // Before start().
  base::Status add(const query::SideTable& table) { return engine_.add(table); }
  void start();
  void stop();
  // `respond` runs on one of the threads, or at once with 429 when too many wait. A statement whose turn comes later than it may
  // run is answered 429 as well: who asked has mostly gone, and those behind it have not.
  void submit(std::string statement, query::Asker asker, Respond respond);

 private:
  struct Question {
    std::string statement;
    query::Asker asker;
    Respond respond;
    base::Instant asked_at;
  };
  std::int64_t answer_next();

  const base::Clock& clock_;
  const std::int64_t wait_ms_max_;
  query::SqlEngine engine_;
  std::mutex mutex_;
  std::deque<Question> waiting_;  // Guarded by mutex_.
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Worker> watchdog_;
};

}  // namespace millrace::app
