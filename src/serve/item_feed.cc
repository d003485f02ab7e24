#include "serve/item_feed.h"

#include <charconv>
#include <string>

#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/routes.h"

namespace millrace::serve {

namespace {

constexpr std::size_t kContainsBytesMax = 128;
constexpr std::int64_t kItemsMax = 500;
constexpr std::string_view kVerdicts[] = {"accepted",   "duplicate", "quarantined",
                                          "suppressed", "bot",       "consent_dropped"};

void write_item(JsonWriter& json, const RecentItem& item, const std::vector<std::string>& names) {
  json.begin_object().field("sequence", item.sequence).key("source");
  if (item.source < names.size()) {
    json.value(std::string_view(names[item.source]));
  } else {
    json.null();
  }
  json.field("verdict", item.refused ? std::string_view("refused") : event::to_string(item.verdict));
  json.key("at").instant(item.at);
  json.field("reason", item.reason).field("pointer", item.pointer).field("detail", item.detail);
  json.field("event", item.event_name)
      .field("visitor_id", item.visitor_id)
      .field("message_id", item.message_id)
      .field("raw", item.raw);
  json.key("canonical");
  if (item.canonical.empty()) {
    json.null();
  } else {
    json.raw(item.canonical);
  }
  json.end_object();
}

std::vector<std::string> names_of(const Sources& sources) {
  return sources.source_names ? sources.source_names() : std::vector<std::string>{};
}

// A number that was not given yet is of the process before: all is new to who has seen that.
std::uint64_t since_start(const Sources& sources, std::uint64_t after) {
  return sources.recent_items != nullptr && after > sources.recent_items->newest() ? 0 : after;
}

// The last event that a stream showed to a client that comes back: it repeats the address it began with.
std::uint64_t last_shown(const http::Request& request, std::uint64_t preset) {
  const std::string_view id = request.header("last-event-id");
  std::uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
  return error == std::errc{} && end == id.data() + id.size() ? sequence : preset;
}

// 400 or 404 when the question makes no sense.
std::optional<http::Response> read_query(const http::Request& request, const Sources& sources,
                                         RecentItemQuery& query) {
  Parameters parameters(request);
  const std::string source(parameters.text("source"));
  const std::size_t any = std::size(kVerdicts);
  const std::size_t verdict = parameters.choice("verdict", kVerdicts, any);
  query.contains = parameters.text("contains", kContainsBytesMax);
  query.after = since_start(sources, static_cast<std::uint64_t>(parameters.number("after", 0, 0, INT64_MAX)));
  query.n = static_cast<std::size_t>(parameters.number("n", 50, 1, kItemsMax));
  if (auto refusal = parameters.refusal()) return refusal;
  if (verdict != any) query.verdict = static_cast<event::Verdict>(verdict);
  if (source.empty()) return std::nullopt;
  const auto names = names_of(sources);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == source) query.source = static_cast<std::uint16_t>(i);
  }
  if (query.source) return std::nullopt;
  return http::error_response(404, "unknown_source", "There is no source of this name.",
                              "The names are in /v1/status.");
}

http::Response recent(const http::Request& request, const Sources& sources) {
  RecentItemQuery query;
  if (auto refusal = read_query(request, sources, query)) return *std::move(refusal);
  if (sources.recent_items == nullptr) return not_available("The list of recent items");
  const auto names = names_of(sources);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("items").begin_array();
  for (const auto& item : sources.recent_items->find(query)) write_item(json, *item, names);
  json.end_array().field("newest", sources.recent_items->newest());
  json.field("skipped", sources.recent_items->skipped()).end_object();
  http::Response response = json_response(std::move(body));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

void ItemFeed::subscribe(RecentItemQuery query, http::Responder responder) {
  if (clients() >= limits_.clients_max) {
    auto refusal = http::error_response(503, "too_many_clients", "Too many people watch the items.",
                                        "Close a page, or try later.");
    refusal.headers.emplace_back("Retry-After", "10");
    std::move(responder).send(std::move(refusal));
    return;
  }
  http::Response head;
  head.content_type = "text/event-stream";
  head.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  Client client{std::move(query), std::move(responder).stream(std::move(head)), clock_.now()};
  if (!client.stream || !client.stream->write("retry: 2000\n\n")) return;
  const std::lock_guard lock(mutex_);
  if (!feed(client, sources_.recent_items->newest())) return;
  client.query.n = limits_.items_per_tick;
  clients_.push_back(std::move(client));
  open_.store(clients_.size(), std::memory_order_relaxed);
}

bool ItemFeed::feed(Client& client, std::uint64_t newest) {
  std::string text;
  if (newest > client.query.after) {
    const auto names = names_of(sources_);
    const auto items = sources_.recent_items->find(client.query);
    client.query.after = newest;
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
      // What came after `newest` was read is for this tick all the same.
      client.query.after = std::max(client.query.after, (*item)->sequence);
      text += "event: item\nid: " + std::to_string((*item)->sequence) + "\ndata: ";
      JsonWriter json(text);
      write_item(json, **item, names);
      text += "\n\n";
    }
    if (!items.empty()) {
      text +=
          "event: skipped\ndata: {\"skipped\":" + std::to_string(sources_.recent_items->skipped()) + "}\n\n";
    }
  }
  const base::Instant now = clock_.now();
  if (text.empty()) {
    if (now - client.written_at < limits_.silence_ms_max * 1'000'000) return true;
    text = ": nothing came\n\n";
  }
  client.written_at = now;
  return client.stream->write(text);
}

void ItemFeed::tick() {
  if (clients() == 0 || sources_.recent_items == nullptr) return;
  const std::uint64_t newest = sources_.recent_items->newest();
  const std::lock_guard lock(mutex_);
  std::erase_if(clients_, [&](Client& client) { return !feed(client, newest); });
  open_.store(clients_.size(), std::memory_order_relaxed);
}

void add_item_routes(RouteTable& table, ItemFeed& feed, const Sources& sources) {
  table.answer(http::Method::get, "/v1/events/recent",
               [&](const http::Request& request) { return recent(request, sources); });
  table.later(http::Method::get, "/v1/events/stream",
              [&](const http::Request& request, http::Responder responder) {
                RecentItemQuery query;
                if (auto refusal = read_query(request, sources, query)) {
                  return std::move(responder).send(*std::move(refusal));
                }
                if (sources.recent_items == nullptr) {
                  return std::move(responder).send(not_available("The stream of items"));
                }
                query.after = since_start(sources, last_shown(request, query.after));
                feed.subscribe(std::move(query), std::move(responder));
              });
}

}  // namespace millrace::serve
