#include "app/action_runner.h"

#include <spdlog/spdlog.h>

#include "event/fact.h"

namespace millrace::app {

namespace {
constexpr std::size_t kReadBytes = 1 << 20;
constexpr std::size_t kListedMax = 10'000;
constexpr std::int64_t kIdleMs = 1000;
}  // namespace

ActionRunner::ActionRunner(const journal::Journal& journal)
    : journal_(journal), next_(journal.begin()), worker_("actions", Priority::background, [this] { return turn(); }) {}

base::Result<std::unique_ptr<ActionRunner>> ActionRunner::open(const WebhookSettings&, disk::Disk&,
                                                               const journal::Journal& journal, const base::Clock&,
                                                               base::Random&) {
  return std::unique_ptr<ActionRunner>(new ActionRunner(journal));
}

std::int64_t ActionRunner::turn() {
  if (next_ >= journal_.durable_end()) return kIdleMs;
  const auto batch = journal_.read(next_, kReadBytes);
  if (!batch.ok()) {
    spdlog::error("actions/0: {}", batch.error().message());
    return kIdleMs;
  }
  for (const auto payload : batch->payloads) {
    const auto fact = event::decode_fact(payload);
    const auto* action = fact.ok() ? std::get_if<event::Action>(&fact->fact) : nullptr;
    if (!action) continue;
    if (observer_) observer_(*action);
    const std::lock_guard lock(mutex_);
    entries_.push_front({*action, serve::DeliveryState::none, 0, "", {}});
    if (entries_.size() > kListedMax) entries_.pop_back();
  }
  next_ = batch->end();
  delivered_ = next_.value;
  return 0;
}

std::vector<serve::ActionEntry> ActionRunner::list(const serve::ActionQuery& query) const {
  std::vector<serve::ActionEntry> list;
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (list.size() == query.n) break;
    if (!query.state || *query.state == entry.state) list.push_back(entry);
  }
  return list;
}

void ActionRunner::collect(serve::MetricSamples&) const {}

}  // namespace millrace::app
