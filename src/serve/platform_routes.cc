#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/request_json.h"
#include "serve/routes.h"

#include "base/iso_time.h"

namespace millrace::serve {

namespace {

constexpr std::int64_t kActionsMax = 1000;
constexpr std::size_t kStatementBytesMax = 100'000;
constexpr std::string_view kDeliveryStates[] = {"none", "pending", "delivered", "failed"};

void write_quantiles(JsonWriter& json, std::string_view name, const Quantiles& quantiles) {
  json.key(name)
      .begin_object()
      .field("p50_ms", quantiles.p50_ms)
      .field("p99_ms", quantiles.p99_ms)
      .end_object();
}

http::Response lake(const http::Request& request, const Sources& sources) {
  if (auto refusal = Parameters::refuse_any(request)) return *std::move(refusal);
  if (!sources.lake) return not_available("The lake");
  const LakeStatus status = sources.lake();
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("tables").begin_array();
  for (const LakeTable& table : status.tables) {
    json.begin_object()
        .field("name", table.name)
        .field("rows_committed", table.rows_committed)
        .field("rows_tail", table.rows_tail)
        .field("files", table.files)
        .field("bytes", table.bytes);
    json.key("snapshot_id");
    if (table.snapshot_id == 0) {
      json.null();
    } else {
      json.value(table.snapshot_id);
    }
    json.key("last_commit_at").time(table.last_commit_at).key("partitions").begin_object();
    for (const auto& [partition, offset] : table.partitions) json.field(partition, offset);
    json.end_object().end_object();
  }
  json.end_array()
      .field("parquet_bytes", status.parquet_bytes)
      .field("json_bytes", status.json_bytes)
      .key("ratio");
  if (status.json_bytes == 0) {
    json.null();
  } else {
    json.value(static_cast<double>(status.parquet_bytes) / static_cast<double>(status.json_bytes));
  }
  json.end_object();
  return json_response(std::move(body));
}

http::Response status(const http::Request& request, const Sources& sources, const base::Clock& clock) {
  if (auto refusal = Parameters::refuse_any(request)) return *std::move(refusal);
  if (!sources.status) return not_available("The status");
  const PlatformStatus status = sources.status();
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("version", status.version).key("started_at").time(status.started_at);
  json.field("uptime_s", (clock.wall() - status.started_at) / base::kSecondMs)
      .field("time", status.time == TimeSource::wall ? "wall" : "events")
      .field("fsync_p50_ms", status.fsync.p50_ms)
      .field("fsync_p99_ms", status.fsync.p99_ms);
  write_quantiles(json, "ack", status.ack);
  write_quantiles(json, "visible", status.visible);
  json.key("journal")
      .begin_object()
      .field("bytes", status.journal_bytes)
      .field("segments", status.journal_segments);
  json.key("partitions").begin_array();
  for (const JournalPartition& partition : status.partitions) {
    json.begin_object()
        .field("name", partition.name)
        .field("begin", partition.begin)
        .field("end", partition.end)
        .field("applied", partition.applied)
        .end_object();
  }
  json.end_array().end_object().key("sources").begin_array();
  if (sources.source_names) {
    for (const std::string& name : sources.source_names()) json.value(std::string_view(name));
  }
  json.end_array().end_object();
  return json_response(std::move(body));
}

void write_action(JsonWriter& json, const ActionEntry& entry) {
  json.begin_object().key("id").id(entry.action.id);
  json.field("kind", event::to_string(entry.action.kind)).field("visitor_id", entry.action.visitor_id);
  json.key("at")
      .time(entry.action.at)
      .key("payload")
      .raw(entry.action.payload.empty() ? "{}" : entry.action.payload);
  json.key("delivery")
      .begin_object()
      .field("state", kDeliveryStates[static_cast<std::size_t>(entry.state)])
      .field("attempts", entry.attempts)
      .key("last_error");
  if (entry.last_error.empty()) {
    json.null();
  } else {
    json.value(std::string_view(entry.last_error));
  }
  json.key("delivered_at").time(entry.delivered_at).end_object().end_object();
}

http::Response actions(const http::Request& request, const Sources& sources) {
  Parameters parameters(request);
  ActionQuery query;
  query.n = static_cast<std::size_t>(parameters.number("n", 50, 1, kActionsMax));
  const std::size_t any = std::size(kDeliveryStates);
  const std::size_t state = parameters.choice("state", kDeliveryStates, any);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  if (!sources.actions) return not_available("The list of actions");
  if (state != any) query.state = static_cast<DeliveryState>(state);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("items").begin_array();
  for (const ActionEntry& entry : sources.actions(query)) write_action(json, entry);
  json.end_array().end_object();
  return json_response(std::move(body));
}

void sql(const http::Request& request, const Sources& sources, http::Responder responder) {
  RequestJson json(request.body);
  std::string statement = json.text("sql", kStatementBytesMax);
  if (auto refusal = json.refusal()) return std::move(responder).send(*std::move(refusal));
  if (!sources.run_sql) return std::move(responder).send(not_available("SQL"));
  auto shared = std::make_shared<http::Responder>(std::move(responder));
  sources.run_sql(std::move(statement), request,
                  [shared](http::Response response) { std::move(*shared).send(std::move(response)); });
}

http::Response ready(const Sources& sources) {
  const std::vector<std::string> reasons =
      sources.unready_reasons ? sources.unready_reasons() : std::vector<std::string>{};
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("ready", reasons.empty()).key("reasons").begin_array();
  for (const std::string& reason : reasons) json.value(std::string_view(reason));
  json.end_array().key("waiting").begin_array();
  if (sources.waiting_reasons) {
    for (const std::string& reason : sources.waiting_reasons()) json.value(std::string_view(reason));
  }
  json.end_array().end_object();
  http::Response response = json_response(std::move(body), reasons.empty() ? 200 : 503);
  if (!reasons.empty()) response.headers.emplace_back("Retry-After", "1");
  return response;
}

http::Response advance(const http::Request& request, const Sources& sources) {
  RequestJson json(request.body);
  const std::string to = json.text("advance_to", 64);
  const auto time = base::parse_iso_time(to);
  if (!time.ok()) json.refuse("advance_to", "Give an ISO 8601 time such as 2026-11-21T10:00:00Z.");
  if (auto refusal = json.refusal()) return *std::move(refusal);
  if (!sources.advance_clock) {
    return http::error_response(409, "wall_time", "Time is the wall clock's here and cannot be moved.",
                                "Start with --time events.");
  }
  if (const auto moved = sources.advance_clock(*time); !moved.ok()) {
    return http::error_response(409, "clock_not_moved", moved.error().message(), "Time only moves forward.");
  }
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().key("advanced_to").instant(*time).end_object();
  return json_response(std::move(body));
}

}  // namespace

http::Response json_response(std::string body, int status) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

http::Response not_available(std::string_view what) {
  auto response = http::error_response(503, "not_available", std::string(what) + " is not available here.",
                                       "It may be switched off or still starting; see /readyz.");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

void add_platform_routes(RouteTable& table, const Sources& sources, const base::Clock& clock) {
  using http::Method;
  using http::Request;
  table.answer(Method::get, "/healthz", [](const Request&) { return json_response(R"({"alive":true})"); });
  table.answer(Method::get, "/readyz", [&](const Request&) { return ready(sources); });
  table.answer(Method::get, "/v1/lake", [&](const Request& request) { return lake(request, sources); });
  table.answer(Method::get, "/v1/status",
               [&](const Request& request) { return status(request, sources, clock); });
  table.answer(Method::get, "/v1/actions", [&](const Request& request) { return actions(request, sources); });
  table.answer(Method::post, "/v1/clock", [&](const Request& request) { return advance(request, sources); });
  table.later(Method::post, "/v1/sql", [&](const Request& request, http::Responder responder) {
    sql(request, sources, std::move(responder));
  });
  for (const Method method : {Method::get, Method::post, Method::del}) {
    table.answer(method, "/iceberg/{path...}", [&](const Request& request) {
      return sources.iceberg ? sources.iceberg(request) : not_available("The Iceberg catalog");
    });
  }
}

}  // namespace millrace::serve
