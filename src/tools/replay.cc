#include "tools/replay.h"

#include <charconv>

#include "base/iso_time.h"

namespace millrace::tools {

namespace {

constexpr int kAttemptsMax = 60;
constexpr int kPauseMs = 500;
constexpr std::int64_t kNanosecondsPerMs = 1'000'000;

std::uint64_t field_of(std::string_view json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  const std::size_t at = json.find(key);
  std::uint64_t value = 0;
  if (at != std::string_view::npos)
    std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value);
  return value;
}

// Lets `ms` pass on an idle connection.
void pause(HttpClient& client, const base::Clock& clock, std::int64_t ms) {
  const std::int64_t until = clock.now().ns + ms * kNanosecondsPerMs;
  while (clock.now().ns < until) client.poll(static_cast<int>(std::min<std::int64_t>(ms, 50)));
}

struct Answer {
  int status = 0;
  std::string body;
  int retry_after_s = 0;
};

Answer ask(HttpClient& client, const std::string& request) {
  Answer answer;
  client.send(request, [&](const Reply& reply) {
    answer.status = reply.status;
    answer.body = reply.body;
    const auto after = reply.header("retry-after");
    std::from_chars(after.data(), after.data() + after.size(), answer.retry_after_s);
  });
  client.drain();
  return answer;
}

base::Result<Answer> ask_until_taken(HttpClient& client, const base::Clock& clock, const std::string& request,
                                     ReplayReport& report) {
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    Answer answer = ask(client, request);
    if (answer.status == 200) return answer;
    if (answer.status != 0 && answer.status != 429 && answer.status < 500) {
      return base::Error(
          base::ErrorCode::invalid_argument,
          "the server answered " + std::to_string(answer.status) + ": " + answer.body.substr(0, 300));
    }
    ++report.retries;
    pause(client, clock, std::max(kPauseMs, answer.retry_after_s * 1000));
  }
  return base::Error(base::ErrorCode::unavailable, "the server took nothing for a long time");
}

}  // namespace

base::Result<ReplayReport> replay(const std::vector<ReplayItem>& items, const ReplaySettings& settings,
                                  const base::Clock& clock,
                                  const std::function<void(std::uint64_t)>& progress) {
  HttpClient client(settings.to, 1);
  ReplayReport report;
  const std::int64_t started_ns = clock.now().ns;
  for (std::size_t at = 0; at < items.size();) {
    const std::size_t begin = at;
    std::string body = "{\"batch\":[";
    for (; at < items.size() && at - begin < settings.batch_items; ++at) {
      if (settings.speed > 0) {
        const double data_ms = static_cast<double>(items[at].at_ms - items.front().at_ms) / settings.speed;
        const double passed_ms = static_cast<double>(clock.now().ns - started_ns) / kNanosecondsPerMs;
        if (data_ms > passed_ms) {
          if (at > begin) break;
          pause(client, clock, static_cast<std::int64_t>(data_ms - passed_ms) + 1);
        }
      }
      if (at > begin) body += ',';
      body += items[at].json;
    }
    body += "]}";
    TRY_ASSIGN(const Answer answer,
               ask_until_taken(client, clock, render_request("POST", "/v1/import", body, settings.write_key),
                               report));
    report.items += at - begin;
    report.accepted += field_of(answer.body, "accepted");
    report.quarantined += field_of(answer.body, "quarantined");
    progress(report.items);
  }
  if (settings.finish == ReplaySettings::Finish::advance_clock && !items.empty()) {
    std::string to;
    base::append_iso_time(to, {items.back().at_ms + base::kDayMs});
    TRY(ask_until_taken(client, clock, render_request("POST", "/v1/clock", "{\"advance_to\":\"" + to + "\"}"),
                        report));
  }
  return report;
}

}  // namespace millrace::tools
