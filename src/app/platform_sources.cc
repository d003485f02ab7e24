// What the API asks of the rest, answered from the parts the platform holds.
#include <fmt/format.h>

#include <algorithm>

#include "app/action_runner.h"
#include "app/admin_runner.h"
#include "app/collect_door.h"
#include "app/contract_runner.h"
#include "app/platform.h"
#include "app/privacy_guard.h"
#include "app/source_precedence.h"
#include "app/sql_runner.h"
#include "app/system_random.h"
#include "app/version.h"
#include "commerce/entity_stage.h"
#include "serve/static_files.h"

namespace millrace::app {

namespace {

http::Response answer_catalog(const lake::RestCatalog& catalog, const http::Request& request) {
  // The catalog takes the path as it came, below /iceberg.
  std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  std::string_view path = target.substr(0, mark);
  path.remove_prefix(std::min(path.size(), std::string_view("/iceberg").size()));
  const char* method = "GET";
  if (request.method == http::Method::head) method = "HEAD";
  if (request.method == http::Method::post) method = "POST";
  if (request.method == http::Method::del) method = "DELETE";
  auto answer = catalog.answer({method, path, query});
  http::Response response;
  response.status = answer.status;
  response.content_type = std::move(answer.content_type);
  response.body = std::move(answer.body);
  return response;
}

}  // namespace

serve::Sources Platform::sources() {
  serve::Sources sources;
  sources.recommendations = recommendation_runner_.get();
  sources.recent_items = &door_->recent_items();
  sources.make_visitor_id = [] { return secret_hex(16); };
  sources.source_names = [this] { return door_->names_by_index(); };
  sources.submit_stock = [this](const event::StockCommand& command, serve::StockAnswer answer) {
    return submit_stock(command, std::move(answer));
  };
  sources.run_sql = [this](std::string statement, const http::Request& request, serve::Respond respond) {
    const auto asker =
        admin_->admits(admin::Access::admin, request) ? query::Asker::admin : query::Asker::analyst;
    sql_->submit(std::move(statement), asker, std::move(respond));
  };
  sources.lake = [this] { return lake_status(); };
  sources.status = [this] { return status(); };
  sources.live_figures = [this] { return live_figures(); };
  sources.actions = [this](const serve::ActionQuery& query) { return actions_->list(query); };
  sources.offer = [this](std::string_view visitor_id) { return actions_->offers().find(visitor_id); };
  sources.unready_reasons = [this] { return unready_reasons(); };
  sources.waiting_reasons = [this] { return lake_runner_->waiting(); };
  if (settings_.time == process::TimeMode::events) {
    sources.advance_clock = [this](base::WallTime to) { return advance_clock(to); };
  }
  privacy_->serve(sources);
  sources.source_details = [this] {
    auto details = door_->details();
    details.refused_since = started_at_;
    return details;
  };
  sources.admin = [this](std::string_view operation, const http::Request& request, serve::Respond respond) {
    admin_->answer(operation, request, std::move(respond));
  };
  sources.contracts = [this](std::string_view operation, const http::Request& request,
                             serve::Respond respond) {
    contracts_->answer(operation, request, std::move(respond));
  };
  sources.iceberg = [this](const http::Request& request) { return answer_catalog(*catalog_, request); };
  return sources;
}

base::Status Platform::open_administration() {
  AdminRunner::Parts parts;
  parts.data_directory = directory_->path();
  parts.access = settings_.access;
  parts.access.reach = reach_of(settings_.http.address);
  parts.admits_write_key = [this](const http::Request& request) { return door_->admits(request); };
  parts.apply_write_keys = [this](const admin::WriteKeyBook& book) { return set_write_keys(book); };
  parts.tls = settings_.http.tls;
  TRY_ASSIGN(admin_, AdminRunner::open(std::move(parts), clock_));
  return base::Ok{};
}

// Collection decides by write keys, and the dashboard asks for a token itself.
std::set<std::pair<http::Method, std::string>> Platform::open_routes() const {
  auto routes = door_->routes();
  routes.emplace(http::Method::get, "/");
  for (const auto& file : serve::embedded_files()) routes.emplace(http::Method::get, std::string(file.path));
  return routes;
}

// A source's name is known to whoever shows or stores it before the first event can come in under it.
base::Status Platform::set_write_keys(const admin::WriteKeyBook& book) {
  std::vector<std::string> sources;
  std::vector<SourcePrecedence> precedences;
  for (const auto& key : book.keys()) {
    sources.push_back(key.source);
    precedences.push_back({key.source, key.terms.precedence});
  }
  TRY(fix_precedences(*directory_, precedences));  // While those that are new have no index.
  TRY_ASSIGN(const auto indices, directory_->source_indices(sources));
  TRY(set_ranks(settings_, *directory_, *ranks_));
  std::vector<std::string> names = door_->names_by_index();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    if (names.size() <= indices[i]) names.resize(indices[i] + std::size_t{1});
    names[indices[i]] = sources[i];
  }
  lake_->tail().set_source_names(names);
  contracts_->set_sources(std::move(names));
  return door_->set_keys(book, indices);
}

serve::PlatformStatus Platform::status() const {
  serve::PlatformStatus status;
  status.version = kVersion;
  status.started_at = started_at_;
  status.time =
      settings_.time == process::TimeMode::events ? serve::TimeSource::events : serve::TimeSource::wall;
  status.fsync = recent_fsync_->read();
  status.ack = recent_ack_->read();
  status.visible = recent_visible_->read();
  const auto totals = journals_->totals();
  status.journal_bytes = totals.bytes;
  status.journal_segments = totals.segments;
  for (const auto& stage : stages_) {
    const auto& journal = journals_->journal(stage->topic(), stage->partition());
    status.partitions.push_back({fmt::format("{}/{}", event::to_string(stage->topic()), stage->partition()),
                                 journal.begin().value, journal.end().value, stage->position()});
  }
  return status;
}

serve::LakeStatus Platform::lake_status() const {
  const lake::LakeStatus from = lake_->status();
  serve::LakeStatus status;
  status.parquet_bytes = static_cast<std::uint64_t>(from.parquet_bytes);
  status.json_bytes = static_cast<std::uint64_t>(from.json_bytes);
  for (const auto& table : from.tables) {
    serve::LakeTable entry;
    entry.name = lake::qualified_name(table.table);
    entry.rows_committed = static_cast<std::uint64_t>(table.rows_committed);
    entry.rows_tail = static_cast<std::uint64_t>(table.rows_tail);
    entry.files = static_cast<std::uint64_t>(table.files);
    entry.bytes = static_cast<std::uint64_t>(table.bytes);
    entry.snapshot_id = table.snapshot_id;
    entry.last_commit_at = from.last_commit_at;
    for (const auto& [partition, offset] : table.offsets) {
      entry.partitions.emplace_back(
          fmt::format("{}/{}", event::to_string(partition.topic), partition.partition), offset.value);
    }
    status.tables.push_back(std::move(entry));
  }
  return status;
}

std::uint64_t Platform::rows_committed() const {
  std::uint64_t rows = 0;
  for (const auto& table : lake_->status().tables) rows += static_cast<std::uint64_t>(table.rows_committed);
  return rows;
}

serve::LiveFigures Platform::live_figures() {
  serve::LiveFigures figures;
  figures.ack = recent_ack_->read();
  figures.visible = recent_visible_->read();
  const lake::LakeStatus lake = lake_->status();
  for (const auto& table : lake.tables) {
    figures.lake_rows_committed += static_cast<std::uint64_t>(table.rows_committed);
    figures.lake_rows_tail += static_cast<std::uint64_t>(table.rows_tail);
    figures.lake_snapshots += static_cast<std::uint64_t>(table.snapshots);
  }
  figures.lake_last_commit_at = lake.last_commit_at;
  figures.lake_commit_lag_s = lake_runner_->lag_s();
  for (const auto& stage : stages_) {
    if (stage->topic() != event::Topic::facts) continue;
    for (const auto& figure : stage->stage_figures()) {
      if (figure.name == commerce::kReservationsOpen) figures.reservations_open += figure.value;
    }
  }
  return figures;
}

std::vector<std::string> Platform::unready_reasons() const {
  std::vector<std::string> reasons;
  if (!ready_) reasons.push_back("starting or stopping");
  for (const auto& stage : stages_) {
    if (const std::string why = stage->stopped_by(); !why.empty()) {
      reasons.push_back(
          fmt::format("{}/{} stopped: {}", event::to_string(stage->topic()), stage->partition(), why));
    }
  }
  for (const event::Topic topic :
       {event::Topic::events, event::Topic::facts, event::Topic::sessions, event::Topic::actions}) {
    for (std::uint32_t partition = 0; partition < journals_->partitions(topic); ++partition) {
      if (journals_->commit(topic, partition).stopped()) {
        reasons.push_back(fmt::format("journal {}/{}: a write or sync failed; restart once the disk is well",
                                      event::to_string(topic), partition));
      } else if (journals_->commit(topic, partition).disk_full()) {
        reasons.push_back(fmt::format("journal {}/{}: the disk is full; free space and it goes on",
                                      event::to_string(topic), partition));
      }
    }
  }
  return reasons;
}

}  // namespace millrace::app
