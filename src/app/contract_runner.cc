#include "app/contract_runner.h"

#include <utility>

#include "collect/answers.h"

namespace millrace::app {

namespace {

constexpr std::int64_t kTurnMs = 2000;

// A request from within: holds what the request's views point to until it is answered.
class ReplayConnection final : public http::Responder::Connection {
 public:
  ReplayConnection(std::string_view path, std::string write_key, std::string body, contract::Respond respond)
      : path_(path), write_key_(std::move(write_key)), body_(std::move(body)), respond_(std::move(respond)) {
    request.method = http::Method::post;
    request.target = path_;
    request.path = path_;
    request.peer = "127.0.0.1";
    request.headers = {{"Content-Type", "application/json"},
                       {"X-Write-Key", write_key_},
                       {collect::kOutcomeHeader, "items"}};
    request.body = body_;
  }
  void send(http::Response response) override { respond_(std::move(response)); }
  std::shared_ptr<http::Stream> stream(http::Response head) override {
    respond_(std::move(head));
    return nullptr;
  }
  http::Request request;

 private:
  const std::string path_;
  const std::string write_key_;
  const std::string body_;
  const contract::Respond respond_;
};

}  // namespace

void post_again(const http::Router& router, std::string_view path, std::string write_key, std::string body,
                contract::Respond respond) {
  const auto connection =
      std::make_shared<ReplayConnection>(path, std::move(write_key), std::move(body), std::move(respond));
  http::Request& request = connection->request;
  // Held until dispatch() is done with the request, whoever answers first.
  router.dispatch(request, http::Responder(connection));
}

base::Result<std::unique_ptr<ContractRunner>> ContractRunner::open(
    disk::Disk& disk, std::vector<std::string> sources, const base::Clock& clock,
    contract::QuarantinePorts ports, std::function<std::string(std::string_view)> cleansed) {
  std::unique_ptr<ContractRunner> runner(new ContractRunner);
  TRY_ASSIGN(runner->registry_, contract::Registry::open(disk, std::move(sources)));
  TRY_ASSIGN(runner->discovery_, contract::Discovery::open(disk, *runner->registry_, runner->feed_, clock));
  runner->gates_ = std::make_unique<contract::ContractGateMaker>(*runner->registry_, runner->quality_,
                                                                 runner->feed_, clock);
  TRY_ASSIGN(runner->marks_, contract::QuarantineMarks::open(disk, clock));
  runner->quarantine_ =
      std::make_unique<contract::Quarantine>(*runner->registry_, *runner->marks_, std::move(ports));
  runner->api_ = std::make_unique<contract::ContractApi>(
      contract::ContractApi::Parts{disk, *runner->registry_, runner->quality_, *runner->discovery_,
                                   *runner->quarantine_, std::move(cleansed)});
  TRY(runner->api_->load());
  runner->worker_ = std::make_unique<Worker>("contracts", Priority::background, [raw = runner.get()] {
    raw->discovery_->turn();
    return kTurnMs;
  });
  return runner;
}

void ContractRunner::start() { worker_->start(); }

void ContractRunner::stop() {
  if (worker_) worker_->stop();
  if (discovery_) (void)discovery_->save().ok();  // What is lost is learnt again.
}

void ContractRunner::answer(std::string_view operation, const http::Request& request,
                            contract::Respond respond) {
  api_->answer(operation, request, std::move(respond));
}

void ContractRunner::collect(serve::MetricSamples& samples) const {
  const contract::ContractTally* last = nullptr;
  const auto rules = registry_->rules();
  for (const auto& [key, contract] : rules->contracts()) {
    const contract::ContractTally& tally = *contract->tally;
    if (&tally == last || tally.checked.load() == 0) continue;
    last = &tally;
    const std::string name = key.contract();
    samples.counter("millrace_contract_checked_total", "Values held to a contract.",
                    static_cast<double>(tally.checked.load()), {{"contract", name}});
    samples.counter("millrace_contract_violations_total", "Values that did not fit it.",
                    static_cast<double>(tally.violated.load()), {{"contract", name}});
  }
  const auto tallies = quality_.rules();
  for (const auto& tally : *tallies) {
    samples.counter("millrace_quality_breaches_total", "Events that broke a rule of quality.",
                    static_cast<double>(tally->broken.load()), {{"rule", tally->rule.name}});
  }
  samples.counter("millrace_contract_alerts_total", "Alerts of drift.",
                  static_cast<double>(discovery_->alerts()));
  samples.counter("millrace_discovery_missed_total", "Samples that discovery had no room for.",
                  static_cast<double>(feed_.missed()));
}

}  // namespace millrace::app
