#include <algorithm>

#include "serve/json_writer.h"
#include "serve/parameters.h"
#include "serve/routes.h"
#include "serve/view_json.h"

namespace millrace::serve {

namespace {

constexpr std::string_view kFunnelDimensions[] = {"channel", "device", "category"};
constexpr std::string_view kLedgerSteps[] = {"minute", "hour", "range"};
constexpr std::size_t kLedgerRowsMax = 50'000;

// [from, to) of a request; by default the day of event time before `newest_end`.
struct Range {
  base::WallTime from;
  base::WallTime to;
};

Range read_range(Parameters& parameters, base::WallTime newest_end) {
  const auto from = parameters.time("from");
  const auto to = parameters.time("to");
  Range range;
  range.to = to.value_or(std::max(newest_end, from.value_or(newest_end)));
  range.from = from.value_or(base::WallTime{std::max<std::int64_t>(0, range.to.ms - base::kDayMs)});
  if (range.from > range.to) parameters.refuse("The parameter from lies after to.", "Swap them.");
  return range;
}

http::Response funnel(const http::Request& request, const Views& views) {
  Parameters parameters(request);
  const Range range = read_range(parameters, views.funnel().newest_end());
  const std::uint32_t by = parameters.choices("by", kFunnelDimensions);
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  FunnelQuery query{range.from, range.to, {}};
  query.by = {(by & 1) != 0, (by & 2) != 0, (by & 4) != 0};
  std::string body;
  JsonWriter json(body);
  write_funnel(json, query, views.funnel().query(query));
  return json_response(std::move(body));
}

// What consent decided about the items, by their source's and region's rules.
void write_consent(JsonWriter& json, const LedgerCounts& counts) {
  json.key("consent")
      .begin_object()
      .field("store", counts.stored())
      .field("pseudonymise", counts.pseudonymised);
  json.field("anonymise", counts.anonymised)
      .field("drop", counts.verdicts[static_cast<std::size_t>(event::Verdict::consent_dropped)])
      .end_object();
}

void write_ledger(JsonWriter& json, const LedgerQuery& query, const LedgerAnswer& answer,
                  const std::vector<std::string>& names) {
  json.begin_object().key("from").instant(query.from).key("to").instant(query.to).key("rows").begin_array();
  for (const LedgerRow& row : answer.rows) {
    json.begin_object().key("source");
    if (row.source < names.size()) {
      json.value(std::string_view(names[row.source]));
    } else {
      json.value(std::string_view("source " + std::to_string(row.source)));
    }
    json.key("minute").instant({row.minute_ms});
    json.field("received", row.counts.received);
    write_verdicts(json, row.counts);
    write_consent(json, row.counts);
    json.end_object();
  }
  json.end_array().key("total").begin_object().field("received", answer.total.received);
  write_verdicts(json, answer.total);
  write_consent(json, answer.total);
  json.end_object();
  const bool closed = std::all_of(answer.rows.begin(), answer.rows.end(),
                                  [](const auto& row) { return row.counts.closed(); });
  json.field("closed", closed && answer.total.closed()).field("complete", answer.complete).end_object();
}

http::Response ledger(const http::Request& request, const Views& views, const Sources& sources) {
  Parameters parameters(request);
  const Range range = read_range(parameters, views.ledger().newest_end());
  const std::string_view source = parameters.text("source");
  LedgerQuery query{range.from, range.to, -1,
                    static_cast<LedgerStep>(parameters.choice("step", kLedgerSteps, 0))};
  if (auto refusal = parameters.refusal()) return *std::move(refusal);
  const std::vector<std::string> names =
      sources.source_names ? sources.source_names() : std::vector<std::string>{};
  if (!source.empty()) {
    const auto found = std::find(names.begin(), names.end(), source);
    if (found == names.end()) {
      return http::error_response(404, "unknown_source", "There is no source of this name.",
                                  "GET /v1/status lists the sources.");
    }
    query.source = static_cast<int>(found - names.begin());
  }
  const LedgerAnswer answer = views.ledger().query(query);
  if (answer.rows.size() > kLedgerRowsMax) {
    return http::error_response(400, "too_many_rows", "The range has more than 50,000 rows.",
                                "Ask for a shorter one, or add step=hour or step=range.");
  }
  std::string body;
  JsonWriter json(body);
  write_ledger(json, query, answer, names);
  return json_response(std::move(body));
}

}  // namespace

void add_count_routes(RouteTable& table, const Views& views, const Sources& sources) {
  table.answer(http::Method::get, "/v1/funnel",
               [&](const http::Request& request) { return funnel(request, views); });
  table.answer(http::Method::get, "/v1/ledger",
               [&](const http::Request& request) { return ledger(request, views, sources); });
}

}  // namespace millrace::serve
