#include "tools/batch_sender.h"

#include <algorithm>
#include <charconv>
#include <memory>

namespace millrace::tools {

namespace {

constexpr int kAttemptsMax = 60;
constexpr std::int64_t kPauseMs = 500;
constexpr std::int64_t kPauseMsMax = 10'000;
constexpr int kSaidAfter = 4;  // Attempts: a restart is no news.
constexpr std::int64_t kNanosecondsPerMs = 1'000'000;

std::uint64_t field_of(std::string_view json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const std::size_t at = json.find(key);
  std::uint64_t value = 0;
  if (at != std::string_view::npos)
    std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
  return value;
}

}  // namespace

BatchSender::BatchSender(const Endpoint& to, std::string_view target, std::string_view write_key,
                         const base::Clock& clock)
    : clock_(clock), target_(target), write_key_(write_key), host_(to.authority), client_(to, 1) {}

void BatchSender::pause(std::int64_t ms) {
  const std::int64_t until = clock_.now().ns + ms * kNanosecondsPerMs;
  while (clock_.now().ns < until && !stopped())
    client_.poll(static_cast<int>(std::min<std::int64_t>(ms, 50)));
}

std::optional<BatchSender::Answer> BatchSender::ask(const std::string& request) {
  const auto answer = std::make_shared<Answer>();  // May come after it was given up.
  client_.send(request, [answer](const Reply& reply) {
    answer->status = reply.status;
    answer->body = reply.body;
    const auto after = reply.header("retry-after");
    std::from_chars(after.data(), after.data() + after.size(), answer->retry_after_s);
  });
  if (!client_.drain(stop_)) return std::nullopt;
  return *answer;
}

base::Result<BatchSender::Answer> BatchSender::ask_until_taken(const std::string& request) {
  std::int64_t pause_ms = kPauseMs;
  for (int attempt = 0; say_ || attempt < kAttemptsMax; ++attempt) {
    std::optional<Answer> asked = ask(request);
    if (!asked) break;
    Answer& answer = *asked;
    if (answer.status == 200) {
      if (say_ && attempt >= kSaidAfter) say_("the server takes it again");
      return std::move(answer);
    }
    if (answer.status == 0 && !client_.failure().empty())
      return base::Error(base::ErrorCode::invalid_argument, host_ + ": " + client_.failure());
    if (answer.status != 0 && answer.status != 429 && answer.status < 500) {
      return base::Error(
          base::ErrorCode::invalid_argument,
          "the server answered " + std::to_string(answer.status) + ": " + answer.body.substr(0, 300));
    }
    if (say_ && attempt + 1 == kSaidAfter) {
      say_((answer.status == 0
                ? "the server does not answer"
                : "the server answers " + std::to_string(answer.status) + ": " + answer.body.substr(0, 300)) +
           "; waiting for it");
    }
    ++report_.retries;
    pause(std::max<std::int64_t>(pause_ms, std::int64_t{answer.retry_after_s} * 1000));
    if (say_ && attempt >= kSaidAfter) pause_ms = std::min(2 * pause_ms, kPauseMsMax);
    if (stopped()) break;
  }
  return base::Error(base::ErrorCode::unavailable, "the server took nothing for a long time");
}

base::Status BatchSender::send(std::string_view items, std::uint64_t count) {
  std::string body = "{\"batch\":[";
  body += items;
  body += "]}";
  TRY_ASSIGN(const Answer answer,
             ask_until_taken(render_request("POST", target_, body, write_key_, {}, host_)));
  report_.items += count;
  report_.accepted += field_of(answer.body, "accepted");
  report_.quarantined += field_of(answer.body, "quarantined");
  return base::Ok{};
}

base::Status BatchSender::post(std::string_view target, std::string_view body) {
  TRY(ask_until_taken(render_request("POST", target, body, {}, {}, host_)));
  return base::Ok{};
}

}  // namespace millrace::tools
