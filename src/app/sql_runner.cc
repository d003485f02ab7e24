#include "app/sql_runner.h"

#include <fmt/format.h>

namespace millrace::app {

namespace {

constexpr std::size_t kWaitingMax = 64;
constexpr std::int64_t kIdleMs = 1000;
constexpr std::int64_t kWatchMs = 50;

http::Response refusal(const base::Error& error) {
  switch (error.code()) {
    case base::ErrorCode::invalid_argument:
      if (error.message().find("allowed") != std::string::npos) {
        return http::error_response(
            400, "sql_not_allowed", error.message(),
            "One SELECT over the tables of raw, conformed and curated; nothing that writes, sets or opens.");
      }
      return http::error_response(400, "sql_error", error.message(), "Correct the statement.");
    case base::ErrorCode::unavailable:
      return http::error_response(408, "sql_timeout", error.message(),
                                  "Ask for less, or raise sql.timeout_ms.");
    case base::ErrorCode::exhausted: {
      auto response = http::error_response(429, "sql_busy", error.message(), "Try again, or ask for less.");
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    default:
      return http::error_response(500, "sql_failed", error.message(), "The server's log may say more.");
  }
}

}  // namespace

http::Response sql_response(const base::Result<query::SqlResult>& result) {
  if (!result.ok()) return refusal(result.error());
  http::Response response;
  response.body = query::to_json(*result);
  return response;
}

SqlRunner::SqlRunner(lake::Lake& lake, query::SqlSettings settings, const base::Clock& clock)
    : engine_(lake, clock, settings) {
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

void SqlRunner::submit(std::string statement, Respond respond) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kWaitingMax) {
      waiting_.push_back({std::move(statement), std::move(respond)});
      respond = nullptr;
    }
  }
  if (respond) {
    auto response =
        http::error_response(429, "sql_busy", fmt::format("{} statements are waiting already.", kWaitingMax),
                             "Try again in a moment.");
    response.headers.emplace_back("Retry-After", "1");
    return respond(std::move(response));
  }
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
  question.respond(sql_response(engine_.run(question.statement)));
  return 0;
}

}  // namespace millrace::app
