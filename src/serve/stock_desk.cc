#include "serve/stock_desk.h"

#include <utility>
#include <vector>

#include "serve/routes.h"

namespace millrace::serve {

namespace {

http::Response refused(const base::Error& error) {
  http::Response response;
  if (error.code() == base::ErrorCode::exhausted) {
    response = http::error_response(429, "overloaded", "Too many stock commands are waiting.",
                                    "Repeat the request with the same id after the time in Retry-After.");
  } else if (error.code() == base::ErrorCode::invalid_argument) {
    return http::error_response(400, "invalid_command", error.message(), "Correct the request.");
  } else {
    response =
        http::error_response(503, "unavailable", "The command could not be made durable: " + error.message(),
                             "Repeat the request with the same id; nothing is done twice.");
  }
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

void StockDesk::submit(const event::StockCommand& command, http::Responder responder) {
  if (!sources_.submit_stock) {
    std::move(responder).send(not_available("Stock"));
    return;
  }
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= limits_.waiting_max) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    std::move(responder).send(refused(base::Error(base::ErrorCode::exhausted, "waiting_max")));
    return;
  }
  auto waiter = std::make_shared<Waiter>(std::move(responder));
  waiter->deadline = {clock_.now().ns + limits_.answer_timeout_ms * 1'000'000};
  {
    std::lock_guard lock(mutex_);
    by_deadline_.push_back(waiter);
  }
  const auto status = sources_.submit_stock(command, [this, waiter](int code, std::string body) {
    http::Response response = json_response(std::move(body), code);
    if (code == 503) response.headers.emplace_back("Retry-After", "1");
    answer(*waiter, std::move(response));
  });
  if (!status.ok()) answer(*waiter, refused(status.error()));
}

bool StockDesk::answer(Waiter& waiter, http::Response response) {
  if (waiter.answered.exchange(true)) return false;
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  std::move(waiter.responder).send(std::move(response));
  return true;
}

void StockDesk::tick() {
  std::vector<std::shared_ptr<Waiter>> late;
  {
    const base::Instant now = clock_.now();
    std::lock_guard lock(mutex_);
    while (!by_deadline_.empty()) {
      auto waiter = by_deadline_.front().lock();
      if (waiter && !waiter->answered && waiter->deadline > now) break;
      if (waiter && !waiter->answered) late.push_back(std::move(waiter));
      by_deadline_.pop_front();
    }
  }
  for (const auto& waiter : late) {
    auto response = http::error_response(
        503, "outcome_unknown", "The command was taken but its outcome is not known yet.",
        "Repeat the request with the same id: the first outcome is answered.");
    response.headers.emplace_back("Retry-After", "1");
    if (answer(*waiter, std::move(response))) timed_out_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace millrace::serve
