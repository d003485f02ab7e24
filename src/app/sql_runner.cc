#include "app/sql_runner.h"

#include <fmt/format.h>

#include "serve/sql_answer.h"

namespace millrace::app {

namespace {

constexpr std::size_t kWaitingMax = 64;
constexpr std::int64_t kIdleMs = 1000;
constexpr std::int64_t kWatchMs = 50;

http::Response busy(std::string why) {
  auto response = http::error_response(429, "sql_busy", why, "Try again in a moment.");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

SqlRunner::SqlRunner(lake::Lake& lake, query::SqlSettings settings, const base::Clock& clock)
    : clock_(clock), wait_ms_max_(settings.timeout_ms), engine_(lake, clock, settings) {
  for (std::uint32_t i = 0; i < settings.concurrent_max; ++i) {
    workers_.push_back(std::make_unique<Worker>(fmt::format("sql-{}", i), Priority::background,
                                                [this] { return answer_next(); }));
  }
  watchdog_ = std::make_unique<Worker>("sql-watch", Priority::normal, [this]() -> std::int64_t {
    engine_.interrupt_expired();
    return engine_.running() > 0 ? kWatchMs : kIdleMs;
  });
}

void SqlRunner::start() {
  for (auto& worker : workers_) worker->start();
  watchdog_->start();
}

void SqlRunner::stop() {
  for (auto& worker : workers_) worker->stop();
  watchdog_->stop();
}

void SqlRunner::submit(std::string statement, query::Asker asker, Respond respond) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kWaitingMax) {
      waiting_.push_back({std::move(statement), asker, std::move(respond), clock_.now()});
      respond = nullptr;
    }
  }
  if (respond) return respond(busy(fmt::format("{} statements are waiting already.", kWaitingMax)));
  for (auto& worker : workers_) worker->wake();
  watchdog_->wake();
}

std::int64_t SqlRunner::answer_next() {
  Question question;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return kIdleMs;
    question = std::move(waiting_.front());
    waiting_.pop_front();
  }
  const std::int64_t waited_ms = (clock_.now() - question.asked_at) / 1'000'000;
  if (waited_ms > wait_ms_max_) {
    question.respond(busy(fmt::format("The statement waited {} ms for its turn.", waited_ms)));
    return 0;
  }
  question.respond(serve::sql_answer(engine_.run(question.statement, {}, question.asker)));
  return 0;
}

}  // namespace millrace::app
