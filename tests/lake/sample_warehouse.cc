#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "event/record.h"
#include "http/server.h"
#include "lake/lake.h"
#include "lake/lake_fixture.h"
#include "lake/local_object_store.h"
#include "lake/rest_catalog.h"
#include "sim/sim_clock.h"

// Makes a warehouse as a shop's week would, says on standard output what independent readers must find in it,
// and with a port serves its catalog until standard input ends:  sample_warehouse DIRECTORY [PORT]

namespace millrace {
namespace {

constexpr int kCommits = 12;
constexpr int kEventsPerCommit = 500;
constexpr std::array kTypes = {event::EventType::page_viewed, event::EventType::product_viewed,
                               event::EventType::product_added, event::EventType::order_completed};

// What was put in, counted as it went in and not by any reader.
struct Expected {
  std::int64_t events = 0, sessions = 0, orders = 0, quarantined = 0;
  std::int64_t quantity = 0, price_micros = 0, order_net_micros = 0, session_events = 0, raw_bytes = 0;
  std::int64_t first_event_ms = INT64_MAX, last_event_ms = 0;
  std::set<std::string> visitors;
  std::map<std::string, std::int64_t> types;
  std::map<std::string, std::int64_t> funnel_landing;  // By cell; the last value counts.

  std::string json() const {
    std::string types_json;
    for (const auto& [type, count] : types) {
      types_json += fmt::format("{}\"{}\":{}", types_json.empty() ? "" : ",", type, count);
    }
    std::int64_t landing = 0;
    for (const auto& [cell, value] : funnel_landing) landing += value;
    return fmt::format(
        R"({{"conformed.events":{{"rows":{},"sum":{{"quantity":{}}},"sum_micros":{{"price":{}}},"distinct":{{"visitor_id":{}}},)"
        R"("min_ms":{{"event_time":{}}},"max_ms":{{"event_time":{}}},"group":{{"event_type":{{{}}}}}}},)"
        R"("raw.events":{{"rows":{},"text_bytes":{{"raw":{}}}}},"conformed.sessions":{{"rows":{},"sum":{{"events":{}}}}},)"
        R"("conformed.orders":{{"rows":{},"sum_micros":{{"order_net":{}}}}},"conformed.quarantine":{{"rows":{}}},)"
        R"("curated.funnel":{{"rows":{},"sum":{{"landing":{}}}}}}})",
        events, quantity, price_micros, visitors.size(), first_event_ms, last_event_ms, types_json,
        events + quarantined, raw_bytes, sessions, session_events, orders, order_net_micros, quarantined,
        funnel_landing.size(), landing);
  }
};

class Shop {
 public:
  explicit Shop(base::SeededRandom& random) : random_(random) {}

  std::shared_ptr<const lake::RowGroup> group(int commit) {
    std::vector<std::string> texts;
    texts.reserve(kEventsPerCommit * 2);
    for (int i = 0; i < kEventsPerCommit; ++i) add_event(commit, texts);
    if (commit % 4 == 0) add_quarantined();
    return builder_.take([&](lake::RowGroup& rows) {
      add_session(rows, commit);
      add_order(rows, commit);
      add_funnel(rows, commit);
    });
  }
  const Expected& expected() const { return expected_; }

 private:
  std::int64_t time_ms(int commit) const { return lake::kNoonMs + commit * base::kDayMs / 3; }

  void add_event(int commit, std::vector<std::string>& texts) {
    const event::EventType type = kTypes[random_.below(kTypes.size())];
    const std::string& visitor = texts.emplace_back(fmt::format("visitor-{}", random_.below(300)));
    const std::string& raw = texts.emplace_back(
        fmt::format(R"({{"type":"track","anonymousId":"{}","n":{}}})", visitor, expected_.events));
    const std::int64_t at_ms = time_ms(commit) + static_cast<std::int64_t>(random_.below(3'600'000));
    event::Event made = lake::make_event(visitor, raw, at_ms, type);
    made.currency = event::Currency{};
    if (type != event::EventType::page_viewed) {
      event::ProductLine line;
      line.product_id = "p-1";
      line.name = "Hat \"red\" \xc3\xa9\xe2\x82\xac";
      line.price.micros = static_cast<std::int64_t>(random_.below(90'000'000));
      line.has_price = true;
      line.quantity = 1 + static_cast<std::int64_t>(random_.below(4));
      made.products.push_back(line);
      expected_.quantity += line.quantity;
      expected_.price_micros += line.price.micros;
    }
    builder_.event(made);
    expected_.events += 1;
    expected_.raw_bytes += static_cast<std::int64_t>(raw.size());
    expected_.visitors.insert(visitor);
    expected_.types[std::string(event::to_string(type))] += 1;
    expected_.first_event_ms = std::min(expected_.first_event_ms, at_ms);
    expected_.last_event_ms = std::max(expected_.last_event_ms, at_ms);
  }
  void add_quarantined() {
    event::QuarantinedItem item;
    item.received_at = {lake::kNoonMs};
    item.reason = "missing_identity";
    item.raw = "{]";
    builder_.quarantined(item);
    expected_.quarantined += 1;
    expected_.raw_bytes += 2;
  }
  void add_session(lake::RowGroup& rows, int commit) {
    event::SessionRow& session = rows.sessions.emplace_back();
    session.offset = rows.from.value;
    session.session_id = random_.next();
    session.visitor_id = "visitor-1";
    session.started_at = {time_ms(commit)};
    session.ended_at = {time_ms(commit) + 1};
    session.events = static_cast<std::uint32_t>(commit) + 1;
    expected_.sessions += 1;
    expected_.session_events += session.events;
  }
  void add_order(lake::RowGroup& rows, int commit) {
    event::OrderRow& order = rows.orders.emplace_back();
    order.offset = rows.from.value;
    order.order_id = fmt::format("o-{}", commit);
    order.ordered_at = {time_ms(commit)};
    order.order_net.micros = 1'230'000 * (commit + 1);
    expected_.orders += 1;
    expected_.order_net_micros += order.order_net.micros;
  }
  // Cells of earlier minutes grow, so that the funnel's days are rewritten.
  void add_funnel(lake::RowGroup& rows, int commit) {
    for (const int minute : {commit, commit - 1, 0}) {
      if (minute < 0) continue;
      event::FunnelCell cell;
      cell.minute_ms = time_ms(minute);
      cell.sessions.fill(static_cast<std::uint32_t>(100 * minute + commit));
      expected_.funnel_landing[fmt::format("{}", minute)] = cell.sessions[0];
      rows.funnel.push_back(cell);
    }
  }

  base::SeededRandom& random_;
  lake::GroupBuilder builder_;
  Expected expected_;
};

base::Status fill(lake::Lake& lake, sim::SimClock& clock, Shop& shop) {
  for (int commit = 0; commit < kCommits; ++commit) {
    clock.advance_ms(10'000);
    TRY(lake.append(shop.group(commit)));
    TRY(lake.commit());
  }
  bool more = true;
  while (more) {
    TRY_ASSIGN(const auto compacted, lake.compact());
    more = compacted != lake::LakeTable::Compacted::nothing_to_do;
  }
  return base::Ok{};
}

base::Status serve(const lake::Lake& lake, std::uint16_t port) {
  std::vector<const lake::IcebergTable*> tables;
  for (const lake::Table table : lake::kTables) tables.push_back(&lake.iceberg(table));
  const lake::RestCatalog catalog(std::move(tables));
  http::Router router;
  router.add(
      http::Method::get, "/iceberg/{rest...}", [&](const http::Request& request, http::Responder responder) {
        const std::string_view target = request.target.substr(std::string_view("/iceberg").size());
        const std::size_t mark = target.find('?');
        auto answer =
            catalog.answer({request.method == http::Method::head ? "HEAD" : "GET", target.substr(0, mark),
                            mark == std::string_view::npos ? "" : target.substr(mark + 1)});
        std::move(responder).send({answer.status, answer.content_type, std::move(answer.body), {}});
      });
  TRY_ASSIGN(const auto server,
             http::start_server({.port = port, .threads = 1, .limits = {}, .tls = nullptr}, router));
  std::puts(fmt::format("http://127.0.0.1:{}/iceberg", server->port()).c_str());
  std::fflush(stdout);
  while (std::fgetc(stdin) != EOF) {
  }
  server->stop(100);
  return base::Ok{};
}

base::Status run(const std::string& directory, std::optional<std::uint16_t> port) {
  sim::SimClock clock({lake::kNoonMs + 5 * base::kDayMs});
  base::SeededRandom random(11);
  TRY_ASSIGN(const auto disk, disk::PosixDisk::open_root(directory + "/warehouse"));
  TRY_ASSIGN(const auto store, lake::LocalObjectStore::open(*disk, directory + "/warehouse", clock, random));
  lake::LakeSettings settings;
  settings.scratch_directory = directory + "/scratch";
  settings.source_names = {"shop"};
  settings.compaction.files_min = 3;
  settings.iceberg.manifests_merge_min = 8;
  settings.iceberg.metadata_versions_max = 6;
  TRY_ASSIGN(const auto opened, lake::Lake::open(*store, clock, random, std::move(settings)));
  Shop shop(random);
  TRY(fill(*opened, clock, shop));
  std::puts(shop.expected().json().c_str());
  std::fflush(stdout);
  if (port) return serve(*opened, *port);
  return base::Ok{};
}

}  // namespace
}  // namespace millrace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fputs("usage: sample_warehouse DIRECTORY [PORT]\n", stderr);
    return 2;
  }
  std::optional<std::uint16_t> port;
  if (count > 2) port = static_cast<std::uint16_t>(std::atoi(arguments[2]));
  const auto done = millrace::run(arguments[1], port);
  if (!done.ok()) std::fprintf(stderr, "sample_warehouse: %s\n", done.error().message().c_str());
  return done.ok() ? 0 : 1;
}
