#include "tools/stock_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <queue>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "tools/processor_time.h"

namespace millrace::tools {

namespace {

constexpr std::int64_t kMillisecondNs = 1'000'000;
constexpr std::int64_t kRetryNs = 20 * kMillisecondNs;
constexpr int kPollMs = 1;
constexpr std::uint64_t kQuantityMax = 3;
constexpr int kTtlS = 6 * 3600;  // No attempt may fail because it took long.

bool answered_for_good(int status) { return status != 0 && status != 429 && status < 500; }

class StockLoad {
 public:
  StockLoad(const StockLoadSettings& settings, const base::Clock& clock)
      : settings_(settings),
        clock_(clock),
        client_(settings.to, settings.connections),
        random_(settings.seed),
        answers_(settings.attempts) {}

  base::Result<StockLoadReport> run() {
    if (!settings_.answers_file.empty()) {
      file_.reset(std::fopen(settings_.answers_file.c_str(), "w"));
      if (!file_) return base::Error(base::ErrorCode::io, "cannot write " + settings_.answers_file);
    }
    const double cpu_before = processor_seconds();
    const base::Instant began = clock_.now();
    heard_ = began;
    while (report_.attempts < settings_.attempts) {
      if (clock_.now() - heard_ > settings_.give_up_ms * kMillisecondNs) break;
      send_again();
      while (running_ < settings_.connections && started_ < settings_.attempts) begin();
      client_.poll(kPollMs);
    }
    report_.unfinished = settings_.attempts - report_.attempts;
    report_.seconds = static_cast<double>(clock_.now() - began) / 1e9;
    report_.cpu_seconds = processor_seconds() - cpu_before;
    report_.latency_us = latency_us_.snapshot();
    return report_;
  }

 private:
  enum class Step : std::uint8_t { reserve, finish, repeat };
  struct Command {
    std::uint64_t attempt = 0;
    Step step = Step::reserve;
    base::Instant first_sent;
  };
  struct Retry {
    base::Instant due;
    Command command;
    bool operator>(const Retry& other) const { return due > other.due; }
  };
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  // What an attempt is follows from its number, so that a repeat is the same request.
  std::uint64_t draw(std::uint64_t attempt, std::uint64_t what) const {
    return base::mix(base::mix(settings_.seed, attempt), what);
  }
  double share(std::uint64_t attempt, std::uint64_t what) const {
    return static_cast<double>(draw(attempt, what) >> 11) * 0x1p-53;
  }
  std::string id(std::uint64_t attempt) const { return fmt::format("load-{}-{}", settings_.seed, attempt); }
  std::uint64_t quantity(std::uint64_t attempt) const { return 1 + draw(attempt, 1) % kQuantityMax; }
  bool releases(std::uint64_t attempt) const { return share(attempt, 2) < settings_.released_share; }

  std::string request(const Command& command) const {
    const std::string path = "/v1/stock/reservations";
    if (command.step != Step::finish) {
      return render_request(
          "POST", path,
          fmt::format(R"({{"id":"{}","lines":[{{"sku":"{}","quantity":{}}}],"ttl_s":{}}})",
                      id(command.attempt), settings_.sku, quantity(command.attempt), kTtlS));
    }
    const std::string target = path + "/" + id(command.attempt);
    return releases(command.attempt) ? render_request("DELETE", target, "")
                                     : render_request("POST", target + "/commit", "");
  }

  void begin() {
    ++running_;
    send({started_++, Step::reserve, clock_.now()});
  }

  void send(Command command) {
    client_.send(request(command), [this, command](const Reply& reply) { answered(command, reply); });
  }

  void send_again() {
    while (!retries_.empty() && retries_.top().due <= clock_.now()) {
      const Command command = retries_.top().command;
      retries_.pop();
      send(command);
    }
  }

  void answered(const Command& command, const Reply& reply) {
    if (reply.status != 0) heard_ = clock_.now();
    if (!answered_for_good(reply.status)) {
      ++report_.retries;
      retries_.push({{clock_.now().ns + kRetryNs}, command});
      return;
    }
    latency_us_.record(static_cast<std::uint64_t>((clock_.now() - command.first_sent) / 1000));
    switch (command.step) {
      case Step::reserve: return after_reserve(command, reply);
      case Step::finish: return after_finish(command, reply);
      case Step::repeat: return after_repeat(command, reply);
    }
  }

  void after_reserve(const Command& command, const Reply& reply) {
    const std::uint64_t hash = stock_answer_hash(reply.status, reply.body);
    answers_[command.attempt] = hash;
    if (file_) {
      std::fprintf(file_.get(), "%s %llu %d %016llx\n", id(command.attempt).c_str(),
                   static_cast<unsigned long long>(quantity(command.attempt)), reply.status,
                   static_cast<unsigned long long>(hash));
    }
    if (reply.status == 201) {
      ++report_.reserved;
      return send({command.attempt, Step::finish, clock_.now()});
    }
    if (reply.status == 409 && reply.body.find("\"stock_short\"") != std::string_view::npos) {
      ++report_.refused;
    } else {
      ++report_.unexpected[reply.status];
    }
    finish(command.attempt);
  }

  void after_finish(const Command& command, const Reply& reply) {
    if (reply.status != 200) {
      ++report_.lost;
    } else if (releases(command.attempt)) {
      ++report_.released;
    } else {
      ++report_.committed;
      report_.committed_units += quantity(command.attempt);
    }
    finish(command.attempt);
  }

  void after_repeat(const Command& command, const Reply& reply) {
    ++report_.repeated;
    if (stock_answer_hash(reply.status, reply.body) != answers_[command.attempt]) ++report_.mismatches;
    end();
  }

  // Now and then an attempt is followed by the question what an earlier one was answered.
  void finish(std::uint64_t attempt) {
    if (share(attempt, 3) >= settings_.repeated_share) return end();
    const std::uint64_t earlier = random_.below(attempt + 1);
    if (answers_[earlier] == 0) return end();  // Still under way.
    send({earlier, Step::repeat, clock_.now()});
  }

  void end() {
    ++report_.attempts;
    --running_;
  }

  const StockLoadSettings& settings_;
  const base::Clock& clock_;
  HttpClient client_;
  base::SeededRandom random_;
  std::vector<std::uint64_t> answers_;  // Hash of the first answer of each attempt; 0 before it.
  std::unique_ptr<std::FILE, Closer> file_;
  std::priority_queue<Retry, std::vector<Retry>, std::greater<>> retries_;
  std::uint64_t started_ = 0;
  std::size_t running_ = 0;
  base::Instant heard_;
  base::Histogram latency_us_;
  StockLoadReport report_;
};

}  // namespace

std::uint64_t stock_answer_hash(int status, std::string_view body) {
  return base::mix(base::hash64(body), static_cast<std::uint64_t>(status)) | 1;
}

base::Result<StockLoadReport> run_stock_load(const StockLoadSettings& settings, const base::Clock& clock) {
  if (settings.attempts == 0 || settings.connections == 0 || settings.sku.empty()) {
    return base::Error(base::ErrorCode::invalid_argument,
                       "attempts and connections must be above 0, the SKU not empty");
  }
  return std::make_unique<StockLoad>(settings, clock)->run();
}

}  // namespace millrace::tools
