#include "app/action_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace millrace::app {

namespace {

constexpr std::int64_t kReadIdleMs = 200;
constexpr std::int64_t kReadErrorMs = 5000;
constexpr std::int64_t kSendIdleMs = 200;

serve::DeliveryState state_of(act::DeliveryState state) {
  switch (state) {
    case act::DeliveryState::none: return serve::DeliveryState::none;
    case act::DeliveryState::pending: return serve::DeliveryState::pending;
    case act::DeliveryState::delivered: return serve::DeliveryState::delivered;
    case act::DeliveryState::failed: return serve::DeliveryState::failed;
  }
  return serve::DeliveryState::none;
}

act::DeliveryState state_of(serve::DeliveryState state) {
  switch (state) {
    case serve::DeliveryState::none: return act::DeliveryState::none;
    case serve::DeliveryState::pending: return act::DeliveryState::pending;
    case serve::DeliveryState::delivered: return act::DeliveryState::delivered;
    case serve::DeliveryState::failed: return act::DeliveryState::failed;
  }
  return act::DeliveryState::none;
}

}  // namespace

base::Result<std::unique_ptr<ActionRunner>> ActionRunner::open(const WebhookSettings& settings,
                                                               disk::Disk& disk,
                                                               const journal::Journal& journal,
                                                               const base::Clock& clock,
                                                               base::Random& random) {
  std::unique_ptr<ActionRunner> runner(new ActionRunner);
  std::vector<act::Target> targets;
  if (!settings.url.empty()) {
    if (auto url = act::parse_url(settings.url); !url.ok())
      return std::move(url).error().with_context("webhook.url");
    targets.push_back({"webhook", settings.url, settings.secret});
  }
  runner->deliverer_ = std::make_unique<act::Deliverer>(journal, disk, std::move(targets), runner->transport_,
                                                        clock, random, act::DelivererSettings{});
  TRY(runner->deliverer_->open());
  // It knows the actions themselves once it has read them again; those that are new to it come to the observer.
  if (const auto read = runner->deliverer_->pump(); !read.ok())
    spdlog::error("actions: {}", read.error().message());
  // Newest first, as it lists them.
  const auto known = runner->deliverer_->list(OfferBoard::kVisitorsMax, std::nullopt);
  for (auto entry = known.rbegin(); entry != known.rend(); ++entry) runner->offers_.apply(entry->action);
  runner->deliverer_->on_action(
      [self = runner.get()](const event::Action& action) { self->offers_.apply(action); });
  runner->reader_ = std::make_unique<Worker>("actions", Priority::background,
                                             [self = runner.get()] { return self->read(); });
  const std::size_t threads = act::OutboxLimits{}.in_flight_max;
  for (std::size_t target = 0; target < runner->deliverer_->targets(); ++target) {
    for (std::size_t i = 0; i < threads; ++i) {
      runner->senders_.push_back(std::make_unique<Worker>(fmt::format("webhook-{}", i), Priority::background,
                                                          [self = runner.get(), target]() -> std::int64_t {
                                                            return self->deliverer_->deliver_one(target)
                                                                       ? 0
                                                                       : kSendIdleMs;
                                                          }));
    }
  }
  return runner;
}

void ActionRunner::start() {
  reader_->start();
  for (auto& sender : senders_) sender->start();
}

// Also of one that could not be opened, which has no threads yet.
void ActionRunner::stop() {
  if (!reader_) return;
  for (auto& sender : senders_) sender->announce_stop();
  for (auto& sender : senders_) sender->stop();
  reader_->stop();
  if (const auto saved = deliverer_->save(); !saved.ok())
    spdlog::warn("actions: save: {}", saved.error().message());
}

std::int64_t ActionRunner::read() {
  const auto read = deliverer_->pump();
  if (!read.ok()) {
    spdlog::error("actions: {}", read.error().message());
    return kReadErrorMs;
  }
  return *read > 0 ? 0 : kReadIdleMs;
}

std::vector<serve::ActionEntry> ActionRunner::list(const serve::ActionQuery& query) const {
  std::optional<act::DeliveryState> state;
  if (query.state) state = state_of(*query.state);
  std::vector<serve::ActionEntry> list;
  for (auto& entry : deliverer_->list(query.n, state)) {
    serve::ActionEntry listed;
    listed.state = state_of(entry.state());
    if (!entry.targets.empty()) {
      const auto& target = entry.targets.front();
      listed.attempts = target.attempts;
      listed.last_error = target.last_error;
      if (target.state == act::DeliveryState::delivered) listed.delivered_at = target.finished;
    }
    listed.action = std::move(entry.action);
    list.push_back(std::move(listed));
  }
  return list;
}

void ActionRunner::collect(serve::MetricSamples& samples) const {
  const auto figures = deliverer_->figures();
  samples.counter("millrace_action_attempts_total", "Deliveries tried.",
                  static_cast<double>(figures.attempts));
  samples.counter("millrace_actions_delivered_total", "Actions delivered.",
                  static_cast<double>(figures.delivered));
  samples.counter("millrace_actions_failed_total", "Actions given up.", static_cast<double>(figures.failed));
  samples.counter("millrace_action_errors_total", "Attempts that did not deliver.",
                  static_cast<double>(figures.errors));
  samples.gauge("millrace_actions_pending", "Actions on their way.", static_cast<double>(figures.pending));
}

}  // namespace millrace::app
