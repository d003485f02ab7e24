#include "collect/collector.h"

#include <string>
#include <utility>

#include "collect/answers.h"
#include "collect/endpoint_paths.h"
#include "collect/item_desk.h"

namespace millrace::collect {

using base::ErrorCode;

namespace {

constexpr std::string_view kVaultUnavailable = "vault_unavailable";

}  // namespace

struct Collector::Workbench {
  Workbench(std::unique_ptr<Reader> made, std::size_t partitions, TimeSource time,
            std::vector<std::unique_ptr<Gate>> gates, ItemWatch* watch,
            const std::optional<SourceTable>& table)
      : reader(std::move(made)), intake(partitions, time, std::move(gates), watch) {
    if (table) sources.emplace(*table);
  }
  std::unique_ptr<Reader> reader;
  Intake intake;
  std::optional<SourceView> sources;  // None: no quotas.
};

// As many workbenches as there are threads in collect() at once.
class Collector::Bench {
 public:
  Bench(const Dialect& dialect, std::size_t partitions, TimeSource time,
        const std::vector<const GateMaker*>& gates, ItemWatch* watch, const std::optional<SourceTable>& table)
      : dialect_(dialect),
        partitions_(partitions),
        time_(time),
        gates_(gates),
        watch_(watch),
        table_(table) {}

  const Dialect& dialect() const { return dialect_; }
  std::unique_ptr<Workbench> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        auto workbench = std::move(free_.back());
        free_.pop_back();
        return workbench;
      }
    }
    std::vector<std::unique_ptr<Gate>> gates;
    for (const GateMaker* maker : gates_) {
      gates.push_back(maker->gate());
      gates.back()->expect(dialect_.item_form());
    }
    return std::make_unique<Workbench>(dialect_.reader(), partitions_, time_, std::move(gates), watch_,
                                       table_);
  }
  void give_back(std::unique_ptr<Workbench> workbench) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(workbench));
  }

 private:
  const Dialect& dialect_;
  const std::size_t partitions_;
  const TimeSource time_;
  const std::vector<const GateMaker*>& gates_;
  ItemWatch* const watch_;
  const std::optional<SourceTable>& table_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workbench>> free_;
};

// Counts the partitions that have yet to say that they are durable; the last one answers. Until then the request's views
// hold, as its responder is unused.
class Collector::Receipt {
 public:
  Receipt(Collector& owner, const Dialect& dialect, int endpoint, const http::Request& request,
          http::Responder responder, base::Instant began, const Intake& intake, int waits)
      : owner_(owner),
        dialect_(dialect),
        endpoint_(endpoint),
        request_(request),
        responder_(std::move(responder)),
        began_(began),
        waits_(waits) {
    const auto& sent = intake.sent();
    if (!sent.empty()) source_ = sent.front().first;
    for (std::size_t i = 1; i < sent.size(); ++i) more_sources_.push_back(sent[i].first);
  }

  http::Response accepted;  // Sent when all goes well.

  // Full: the partition's queue would not take the records.
  enum class Result : std::uint8_t { durable, full, failed };
  void settle(Result result, const base::Error* error) {
    if (result != Result::durable && !settled_wrong_.exchange(true)) {
      result_ = result;
      error_code_ = error->code();
    }
    if (waits_.fetch_sub(1, std::memory_order_acq_rel) == 1) answer();
  }

 private:
  void answer() {
    CollectorCounters& counters = owner_.counters_;
    if (result_ == Result::durable) {
      counters.ack_ns.record(static_cast<std::uint64_t>(owner_.clock_.now() - began_));
      std::move(responder_).send(std::move(accepted));
      return;
    }
    const bool full = result_ == Result::full;
    (full ? counters.requests_overloaded : counters.requests_failed).fetch_add(1, std::memory_order_relaxed);
    const Refusal refusal = full ? overloaded() : failed();
    owner_.refusals_.count(source_, refusal.code);
    for (const std::uint16_t source : more_sources_) owner_.refusals_.count(source, refusal.code);
    std::move(responder_).send(dialect_.refuse(request_, endpoint_, refusal));
  }
  Refusal overloaded() const {
    return {429, "overloaded", "More events come in than the disk can take.", "Retry after the time given.",
            owner_.settings_.retry_after_s};
  }
  Refusal failed() const {
    const int seconds = owner_.settings_.retry_after_fault_s;
    if (error_code_ == ErrorCode::exhausted) {
      return {503, "disk_full", "The journal's disk is full.",
              "Retry after the time given; free space on the server.", seconds};
    }
    return {503, "journal_unavailable", "The journal cannot be written.",
            "Retry after the time given; see /readyz.", seconds};
  }

  Collector& owner_;
  const Dialect& dialect_;
  const int endpoint_;
  const http::Request& request_;
  http::Responder responder_;
  const base::Instant began_;
  std::optional<std::uint16_t> source_;
  std::vector<std::uint16_t> more_sources_;  // Hardly ever any.
  std::atomic<bool> settled_wrong_{false};
  Result result_ = Result::durable;  // Written by the first that went wrong, before it leaves waits_.
  ErrorCode error_code_ = ErrorCode::io;
  std::atomic<int> waits_;
};

Collector::Collector(CollectorSettings settings, std::vector<journal::GroupCommit*> partitions,
                     const base::Clock& clock, std::vector<const GateMaker*> gates)
    : settings_(settings), partitions_(std::move(partitions)), clock_(clock), gates_(std::move(gates)) {}

Collector::~Collector() = default;

void Collector::attach(const Dialect& dialect, http::Router& router) {
  benches_.push_back(
      std::make_unique<Bench>(dialect, partitions_.size(), settings_.time, gates_, watch_, sources_));
  Bench& bench = *benches_.back();
  for (const Dialect::Endpoint& endpoint : dialect.endpoints()) {
    const int id = endpoint.id;
    http::Route route = [this, &bench, id](const http::Request& request, http::Responder responder) {
      collect(bench, id, request, std::move(responder));
    };
    if (endpoint.role == Dialect::Endpoint::Role::informs) {
      route = [&dialect, id](const http::Request& request, http::Responder responder) {
        auto response = dialect.inform(request, id);
        std::move(responder).send(std::move(response));
      };
    }
    for (const std::string& path : paths_of(endpoint)) router.add(endpoint.method, path, route);
  }
}

// A batch is not split: its client would not know which part to send again.
std::optional<Collector::Charge> Collector::charge(Workbench& workbench) const {
  SourceView& sources = *workbench.sources;
  sources.refresh();
  for (const auto& [source, items] : workbench.intake.sent()) {
    Quota* const quota = sources->quota(source);
    if (quota == nullptr || quota->take(items)) continue;
    return Charge{not_admitted(Admission::over_quota, quota->retry_after_s(items)), source};
  }
  return std::nullopt;
}

void Collector::turn_away(const Bench& bench, int endpoint, const http::Request& request,
                          http::Responder responder, const Refusal& refusal,
                          std::optional<std::uint16_t> source, base::WallTime at) {
  refusals_.count(source, refusal.code);
  counters_.requests_refused.fetch_add(1, std::memory_order_relaxed);
  if (refusal.status == 429) {
    counters_.requests_over_quota.fetch_add(1, std::memory_order_relaxed);
    if (watch_ != nullptr) watch_->refused(refusal.code, refusal.message, at);
  }
  std::move(responder).send(bench.dialect().refuse(request, endpoint, refusal));
}

void Collector::collect(Bench& bench, int endpoint, const http::Request& request, http::Responder responder) {
  const base::Instant began = clock_.now();
  counters_.requests.fetch_add(1, std::memory_order_relaxed);
  counters_.bytes.fetch_add(request.body.size(), std::memory_order_relaxed);
  auto workbench = bench.take();
  Intake& intake = workbench->intake;
  const base::WallTime received_at = clock_.wall();
  intake.keep_out(settings_.elsewhere);
  intake.begin(request, received_at, request.body.size());
  const Dialect& dialect = bench.dialect();
  if (const auto refusal = workbench->reader->read(request, endpoint, received_at, intake)) {
    const auto sender = workbench->reader->sender();
    bench.give_back(std::move(workbench));
    return turn_away(bench, endpoint, request, std::move(responder), *refusal, sender, received_at);
  }
  if (workbench->sources) {
    if (const auto charged = charge(*workbench)) {
      bench.give_back(std::move(workbench));
      return turn_away(bench, endpoint, request, std::move(responder), charged->refusal, charged->source,
                       received_at);
    }
  }
  if (const std::uint32_t kept_out = intake.kept_out(); kept_out > 0) {
    counters_.items_elsewhere.fetch_add(kept_out, std::memory_order_relaxed);
    if (kept_out == intake.outcome().received) {
      const std::uint16_t source = intake.kept_out_source();
      bench.give_back(std::move(workbench));
      return turn_away(bench, endpoint, request, std::move(responder), kOtherRegion, source, received_at);
    }
  }
  if (const auto kept = intake.finish(); !kept.ok()) {
    counters_.requests_failed.fetch_add(1, std::memory_order_relaxed);
    for (const auto& [source, items] : intake.sent()) refusals_.count(source, kVaultUnavailable);
    bench.give_back(std::move(workbench));
    const Refusal not_kept{
        503, kVaultUnavailable, "What must be kept beside the journal cannot be: " + kept.error().message(),
        "Retry after the time given; see the server's log.", settings_.retry_after_fault_s};
    std::move(responder).send(dialect.refuse(request, endpoint, not_kept));
    return;
  }
  const Outcome& outcome = intake.outcome();
  counters_.items_received.fetch_add(outcome.received, std::memory_order_relaxed);
  counters_.items_accepted.fetch_add(outcome.accepted, std::memory_order_relaxed);
  counters_.items_quarantined.fetch_add(outcome.quarantined, std::memory_order_relaxed);
  if ((outcome.suppressed | outcome.consent_dropped) != 0) {
    counters_.items_suppressed.fetch_add(outcome.suppressed, std::memory_order_relaxed);
    counters_.items_consent_dropped.fetch_add(outcome.consent_dropped, std::memory_order_relaxed);
  }
  if (outcome.refused != 0) counters_.items_refused.fetch_add(outcome.refused, std::memory_order_relaxed);
  auto shares = intake.take_shares();
  const auto counts = stock_ ? intake.take_counts() : std::vector<event::SetStock>{};
  // One is our own, so that nobody answers before all is submitted.
  const int waits = 1 + static_cast<int>(shares.size() + counts.size());
  const auto receipt = std::make_shared<Receipt>(*this, dialect, endpoint, request, std::move(responder),
                                                 began, intake, waits);
  receipt->accepted = dialect.answer(request, endpoint, outcome);
  if (!request.header(kOutcomeHeader).empty()) {
    receipt->accepted.status = 200;
    receipt->accepted.content_type = "application/json";
    receipt->accepted.body = outcome_json(outcome);
  }
  bench.give_back(std::move(workbench));
  for (Intake::Share& share : shares) {
    const auto submitted = partitions_[share.partition]->submit(
        std::move(share.records), journal::Durability::synced,
        [receipt](const base::Result<journal::Offset>& first) {
          receipt->settle(first.ok() ? Receipt::Result::durable : Receipt::Result::failed,
                          first.ok() ? nullptr : &first.error());
        });
    if (!submitted.ok()) {
      const bool full = submitted.error().code() == ErrorCode::exhausted;
      receipt->settle(full ? Receipt::Result::full : Receipt::Result::failed, &submitted.error());
    }
  }
  for (const event::SetStock& count : counts) {
    const auto settle = [receipt](const base::Status& status) {
      const bool full = !status.ok() && status.error().code() == ErrorCode::exhausted;
      receipt->settle(status.ok() ? Receipt::Result::durable
                      : full      ? Receipt::Result::full
                                  : Receipt::Result::failed,
                      status.ok() ? nullptr : &status.error());
    };
    if (const auto submitted = stock_(count, settle); !submitted.ok()) settle(submitted);
  }
  counters_.parse_ns.record(static_cast<std::uint64_t>(clock_.now() - began));
  receipt->settle(Receipt::Result::durable, nullptr);
}

}  // namespace millrace::collect
