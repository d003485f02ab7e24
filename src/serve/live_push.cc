#include "serve/live_push.h"

#include <algorithm>

#include "serve/json_writer.h"
#include "serve/routes.h"
#include "serve/view_json.h"

namespace millrace::serve {

namespace {

constexpr std::uint64_t kTicksPerSecond = 5;
constexpr std::size_t kRankedItems = 10;
constexpr std::size_t kSessionsAtFirst = 20;
constexpr std::int64_t kRateWindowNs = 1'000'000'000;

// One server-sent event; JSON has no line breaks of its own.
std::string event_text(std::string_view name, std::string_view json) {
  std::string text;
  text.reserve(name.size() + json.size() + 20);
  text.append("event: ").append(name).append("\ndata: ").append(json).append("\n\n");
  return text;
}

template <class Write>
std::string event_of(std::string_view name, Write write) {
  std::string body;
  JsonWriter json(body);
  write(json);
  return event_text(name, body);
}

std::string session_events(std::vector<RecentSessions::Change> changes) {
  std::string text;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
    text += event_of("session", [&](JsonWriter& json) { write_session(json, change->session); });
  }
  return text;
}

}  // namespace

double LivePush::events_per_s(std::uint64_t received) {
  const base::Instant now = clock_.now();
  received_.emplace_back(now, received);
  while (received_.size() > 2 && now - received_[1].first >= kRateWindowNs) received_.pop_front();
  const auto& [since, before] = received_.front();
  const std::int64_t elapsed_ns = now - since;
  return elapsed_ns <= 0 ? 0 : static_cast<double>(received - before) * 1e9 / static_cast<double>(elapsed_ns);
}

std::string LivePush::pulse() {
  const LedgerCounts total = views_.ledger().total();
  const double rate = events_per_s(total.received);
  const LiveFigures figures = sources_.live_figures ? sources_.live_figures() : LiveFigures{};
  return event_of("pulse", [&](JsonWriter& json) {
    json.begin_object().key("at").instant(clock_.wall());
    json.field("events_total", total.received)
        .field("events_per_s", rate)
        .field("sessions_open", views_.open_sessions())
        .field("ack_p50_ms", figures.ack.p50_ms)
        .field("ack_p99_ms", figures.ack.p99_ms)
        .field("visible_p50_ms", figures.visible.p50_ms)
        .field("visible_p99_ms", figures.visible.p99_ms);
    json.key("verdicts").begin_object();
    write_verdicts(json, total);
    json.end_object().key("lake").begin_object();
    json.field("rows_committed", figures.lake_rows_committed)
        .field("rows_tail", figures.lake_rows_tail)
        .key("last_commit_at")
        .time(figures.lake_last_commit_at)
        .field("commit_lag_s", figures.lake_commit_lag_s)
        .field("snapshots", figures.lake_snapshots);
    json.end_object().field("reservations_open", figures.reservations_open).end_object();
  });
}

std::string LivePush::trending() {
  return event_of("trending", [&](JsonWriter& json) { write_trending(json, views_, "", kRankedItems); });
}

std::string LivePush::products() const {
  return event_of("products", [&](JsonWriter& json) {
    write_top_products(json, views_, ProductOrder::revenue, kRankedItems);
  });
}

std::string LivePush::funnel() const {
  FunnelQuery query;
  query.to = views_.funnel().newest_end();
  query.from = {std::max<std::int64_t>(0, query.to.ms - base::kHourMs)};
  query.by.channel = true;
  return event_of("funnel",
                  [&](JsonWriter& json) { write_funnel(json, query, views_.funnel().query(query)); });
}

std::string LivePush::sessions() {
  auto changes = views_.recent_sessions().changed_after(session_sequence_, limits_.sessions_per_tick);
  if (!changes.empty()) session_sequence_ = changes.front().sequence;
  return session_events(std::move(changes));
}

std::string LivePush::actions() {
  std::string text;
  std::lock_guard lock(mutex_);
  for (const std::string& action : actions_) text += action;
  actions_.clear();
  return text;
}

void LivePush::subscribe(http::Responder responder) {
  if (clients() >= limits_.clients_max) {
    auto refusal = http::error_response(503, "too_many_clients", "Too many live pages are open.",
                                        "Close some, or try later.");
    refusal.headers.emplace_back("Retry-After", "10");
    std::move(responder).send(std::move(refusal));
    return;
  }
  http::Response head;
  head.content_type = "text/event-stream";
  head.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  const std::string first = "retry: 2000\n\n" + trending() + products() + funnel() +
                            session_events(views_.recent_sessions().changed_after(0, kSessionsAtFirst));
  auto stream = std::move(responder).stream(std::move(head));
  if (!stream || !stream->write(first)) return;
  std::lock_guard lock(mutex_);
  clients_.push_back(std::move(stream));
  clients_open_.store(clients_.size(), std::memory_order_relaxed);
}

void LivePush::publish(const event::Action& action) {
  if (clients() == 0) return;
  std::string text = event_of("action", [&](JsonWriter& json) {
    json.begin_object().key("id").id(action.id);
    json.field("kind", event::to_string(action.kind)).field("visitor_id", action.visitor_id);
    json.key("at")
        .time(action.at)
        .key("payload")
        .raw(action.payload.empty() ? "{}" : action.payload)
        .end_object();
  });
  std::lock_guard lock(mutex_);
  if (actions_.size() >= limits_.actions_waiting_max) actions_.pop_front();
  actions_.push_back(std::move(text));
}

void LivePush::tick() {
  std::string text = pulse();  // Also without clients: the rate needs its history.
  ++ticks_;
  if (clients() == 0) return;
  text += sessions();
  text += actions();
  if (ticks_ % kTicksPerSecond == 0) {
    const auto add_if_changed = [&text](std::string& last, std::string now) {
      if (now == last) return;
      text += now;
      last = std::move(now);
    };
    add_if_changed(last_trending_, trending());
    add_if_changed(last_products_, products());
    add_if_changed(last_funnel_, funnel());
  }
  broadcast(text);
}

void LivePush::broadcast(const std::string& text) {
  std::lock_guard lock(mutex_);
  const auto gone = std::erase_if(clients_, [&](const auto& client) { return !client->write(text); });
  dropped_.fetch_add(gone, std::memory_order_relaxed);
  clients_open_.store(clients_.size(), std::memory_order_relaxed);
}

void add_live_routes(RouteTable& table, LivePush& live) {
  table.later(http::Method::get, "/v1/live", [&live](const http::Request&, http::Responder responder) {
    live.subscribe(std::move(responder));
  });
}

}  // namespace millrace::serve
