#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "tools/http_client.h"

namespace millrace::tools {

struct SendReport {
  std::uint64_t items = 0;
  std::uint64_t accepted = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t retries = 0;  // Batches sent again after 429, 503 or a lost connection.
};

// Posts items over one connection, in order. A batch that the server was too busy for, or whose answer was lost, is sent
// again: message ids make that harmless. What send() returned ok for is durable.
class BatchSender {
 public:
  // `target`: "/v1/import" takes times as they are, "/v1/batch" corrects them. `clock` must outlive this.
  BatchSender(const Endpoint& to, std::string_view target, std::string_view write_key,
              const base::Clock& clock);

  // Asks for as long as the server is away or too busy, at last every ten seconds, and hands `say` a sentence when that begins and
  // ends. Without it, half a minute.
  void wait_for_server(std::function<void(const std::string&)> say) { say_ = std::move(say); }
  // Asked some ten times a second while an answer is waited for, or the time to ask again: true gives up.
  void stop_when(std::function<bool()> stop) { stop_ = std::move(stop); }

  // `items`: JSON objects with commas between. unavailable when the server stays away, or when it was given up.
  base::Status send(std::string_view items, std::uint64_t count);
  base::Status post(std::string_view target, std::string_view body);
  // Lets `ms` pass on the idle connection.
  void pause(std::int64_t ms);
  const SendReport& report() const { return report_; }

 private:
  struct Answer {
    int status = 0;
    std::string body;
    int retry_after_s = 0;
  };
  bool stopped() const { return stop_ && stop_(); }
  // None when it was given up.
  std::optional<Answer> ask(const std::string& request);
  base::Result<Answer> ask_until_taken(const std::string& request);

  const base::Clock& clock_;
  const std::string target_;
  const std::string write_key_;
  const std::string host_;
  HttpClient client_;
  std::function<bool()> stop_;
  std::function<void(const std::string&)> say_;  // Set: never gives up by itself.
  SendReport report_;
};

}  // namespace millrace::tools
