#include "app/platform.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "app/action_runner.h"
#include "app/admin_runner.h"
#include "app/audit_table.h"
#include "app/collect_door.h"
#include "app/contract_runner.h"
#include "app/open_files.h"
#include "app/platform_metrics.h"
#include "app/privacy_guard.h"
#include "app/source_precedence.h"
#include "app/sql_runner.h"
#include "app/stage_sink.h"
#include "app/stages.h"
#include "app/stored_views.h"
#include "app/thread_heap.h"
#include "app/token_file.h"
#include "app/version.h"
#include "base/hash.h"
#include "commerce/hybrid_recommender.h"
#include "event/record.h"
#include "lake/region.h"

namespace millrace::app {

namespace {
constexpr std::int64_t kDrainMs = 5000;
constexpr std::int64_t kSettleTurns = 2000;
constexpr std::int64_t kSettleMs = 5;
}  // namespace

Platform::Platform(const Settings& settings, const base::Clock& clock, base::Random& random)
    : settings_(settings), clock_(clock), random_(random), started_at_(clock.wall()) {}

Platform::~Platform() { stop(); }

base::Result<std::unique_ptr<Platform>> Platform::open(const Settings& settings, const base::Clock& clock,
                                                       base::Random& random) {
  std::unique_ptr<Platform> platform(new Platform(settings, clock, random));
  TRY(platform->open_certificate());
  TRY(platform->open_storage());
  TRY(platform->open_lake());
  TRY(platform->open_stages());
  TRY(platform->open_serving());
  return platform;
}

base::Status Platform::open_certificate() {
  if (settings_.tls.certificate.empty() && settings_.tls.key.empty()) return base::Ok{};
  TRY_ASSIGN(settings_.http.tls, http::TlsIdentity::load(settings_.tls));
  return base::Ok{};
}

void Platform::reload() { admin_->reload(); }

base::Status Platform::open_storage() {
  TRY_ASSIGN(directory_, DataDirectory::open(settings_.data_directory, {settings_.journal.event_partitions,
                                                                        settings_.journal.fact_partitions}));
  TRY(directory_->bind_region(settings_.region));
  TRY_ASSIGN(journals_, JournalSet::open(settings_.journal, directory_->disk(), clock_, random_));
  process::RocksSettings rocks;
  rocks.block_cache_bytes = settings_.state_cache_bytes;
  rocks_ = process::RocksShared::create(rocks);
  return base::Ok{};
}

base::Status Platform::open_door() {
  TRY_ASSIGN(source_indices_, directory_->source_indices(source_names(settings_)));
  contract::QuarantinePorts ports;
  ports.run_sql = [this](std::string statement, contract::Respond respond) {
    sql_->submit(std::move(statement), query::Asker::analyst, std::move(respond));
  };
  ports.resend = [this](const std::string& source, std::string_view path, std::string body,
                        contract::Respond respond) {
    post_again(*router_, path, door_->credential_of(source), std::move(body), std::move(respond));
  };
  TRY_ASSIGN(contracts_,
             ContractRunner::open(directory_->disk(), source_names_by_index(settings_, source_indices_),
                                  clock_, std::move(ports),
                                  [this](std::string_view text) { return privacy_->cleansed(text); }));
  ranks_ = std::make_shared<commerce::SourceRanks>();
  TRY(set_ranks(settings_, *directory_, *ranks_));
  settings_.entities.order.ranks = ranks_;
  TRY_ASSIGN(privacy_, PrivacyGuard::open(settings_.privacy, *directory_, random_, clock_,
                                          [this](std::string_view id) { return granted_before(id); }));
  auto gates = privacy_->first_gates();
  gates.push_back(&contracts_->gates());
  gates.push_back(privacy_->last_gate());
  // One writer decides stock, whoever counts it (docs/decisions/0030).
  const auto count_stock = [this](const event::SetStock& count, std::function<void(base::Status)> settle) {
    return submit_stock(count, [settle = std::move(settle)](int status, const std::string& body) {
      settle(status < 500 ? base::Status(base::Ok{}) : base::Error(base::ErrorCode::unavailable, body));
    });
  };
  TRY_ASSIGN(door_, CollectDoor::open(settings_, source_indices_, *journals_, std::move(gates), clock_,
                                      directory_->disk(), count_stock));
  return base::Ok{};
}

base::Status Platform::open_lake() {
  TRY(directory_->disk().make_directory("lake"));
  TRY(directory_->disk().make_directory("scratch"));
  TRY_ASSIGN(objects_, lake::LocalObjectStore::open(directory_->disk(), directory_->path(), clock_, random_));
  TRY(lake::bind_region(*objects_, settings_.region));
  lake::LakeSettings lake_settings;
  lake_settings.scratch_directory = directory_->path() + "/scratch";
  lake_settings.duck.memory_bytes_max = static_cast<std::int64_t>(settings_.sql_memory_bytes);
  TRY(open_door());
  lake_settings.source_names = door_->names_by_index();
  TRY_ASSIGN(lake_, lake::Lake::open(*objects_, clock_, random_, lake_settings));
  std::vector<const lake::IcebergTable*> tables;
  for (std::size_t i = 0; i < lake::kTableCount; ++i)
    tables.push_back(&lake_->iceberg(static_cast<lake::Table>(i)));
  catalog_ = std::make_unique<lake::RestCatalog>(std::move(tables));
  lake_runner_ = std::make_unique<LakeRunner>(*lake_, clock_, settings_.lake);
  return base::Ok{};
}

base::Result<std::unique_ptr<StageRunner>> Platform::open_stage(event::Topic topic, std::uint32_t partition) {
  StageRunner::Parts parts;
  parts.journal = &journals_->journal(topic, partition);
  parts.owner.topic = topic;
  parts.owner.partition = partition;
  const std::string path = fmt::format("state/{}-{}", event::to_string(topic), partition);
  TRY(directory_->disk().make_directory("state"));
  TRY_ASSIGN(auto store, process::RocksStateStore::open(directory_->path() + "/" + path, rocks_));
  StageSink::Targets targets;
  for (std::size_t i = 0; i < event::kTopicCount; ++i) {
    const auto target = static_cast<event::Topic>(i);
    if (target == event::Topic::events) continue;
    for (std::uint32_t p = 0; p < journals_->partitions(target); ++p)
      targets.journals[i].push_back(&journals_->commit(target, p));
  }
  targets.lake = lake_runner_.get();
  targets.views = [this, &commit = journals_->commit(topic, partition)](const event::ViewGroup& group) {
    views_->apply(group, commit.durable_since({group.offset}));
    recommendation_runner_->take(group);
  };
  if (topic == event::Topic::facts) {
    targets.outcomes = outcomes_.get();
    parts.owner.read_limit = process::ReadLimit::appended;
  }
  parts.stage = make_stage(topic, settings_, *store);
  parts.store = std::move(store);
  auto runner = std::make_shared<std::atomic<StageRunner*>>(nullptr);
  targets.wake = [runner] {
    if (StageRunner* stage = runner->load()) stage->wake();
  };
  parts.sink = std::make_unique<StageSink>(std::move(targets));
  TRY_ASSIGN(auto opened, StageRunner::open(std::move(parts)));
  lake_->resume(topic, partition, {opened->position()});
  *runner = opened.get();
  journals_->commit(topic, partition).on_progress([stage = opened.get()] { stage->wake(); });
  return opened;
}

base::Status Platform::open_stages() {
  serve::ViewLoaders loaders;
  loaders.visitor = [this](std::string_view id) { return load_visitor(id); };
  loaders.product = [this](std::string_view id) { return load_product(id); };
  views_ = std::make_unique<serve::Views>(serve::ViewLimits{}, loaders, clock_);
  commerce::HybridSettings hybrid;
  hybrid.sessions.sessions_max = settings_.indexed_sessions_max;
  recommendations_ = std::make_unique<commerce::RecommendationIndex>(
      commerce::RecommendationSettings{}, std::make_unique<commerce::HybridRecommender>(hybrid));
  recommendation_runner_ = std::make_unique<RecommendationRunner>(
      journals_->journal(event::Topic::sessions, 0), *recommendations_);
  TRY(recommendation_runner_->load());
  journals_->commit(event::Topic::sessions, 0).on_progress([this] { recommendation_runner_->wake(); });
  outcomes_ = std::make_unique<OutcomeBoard>(journals_->journal(event::Topic::facts, 0).end());
  for (const event::Topic topic : {event::Topic::events, event::Topic::facts}) {
    for (std::uint32_t partition = 0; partition < journals_->partitions(topic); ++partition) {
      TRY_ASSIGN(auto stage, open_stage(topic, partition));
      stages_.push_back(std::move(stage));
    }
  }
  return base::Ok{};
}

base::Status Platform::open_serving() {
  TRY_ASSIGN(actions_, ActionRunner::open(settings_.webhook, directory_->disk(),
                                          journals_->journal(event::Topic::actions, 0), clock_, random_));
  journals_->commit(event::Topic::actions, 0).on_progress([this] { actions_->wake(); });
  query::SqlSettings sql;
  sql.timeout_ms = settings_.sql_timeout_ms;
  sql.rows_max = settings_.sql_rows_max;
  sql.concurrent_max = static_cast<std::uint32_t>(settings_.sql_threads);
  sql.heap_bytes_max = static_cast<std::int64_t>(settings_.sql_memory_bytes + settings_.sql_memory_bytes / 4);
  sql.heap_meter = thread_heap;
  sql_ = std::make_unique<SqlRunner>(*lake_, sql, clock_);
  TRY(sql_->add(audit_table(admin_directory_of(directory_->path()))));
  constexpr double kNanosecondsPerMs = 1e6;
  recent_fsync_ = std::make_unique<RecentQuantiles>(
      journals_->commit(event::Topic::events, 0).metrics().sync_ns, kNanosecondsPerMs, clock_);
  recent_ack_ = std::make_unique<RecentQuantiles>(door_->ack_ns(), kNanosecondsPerMs, clock_);
  recent_visible_ = std::make_unique<RecentQuantiles>(views_->visible_us(), 1000, clock_);
  metrics_ = std::make_unique<serve::Metrics>();
  router_ = std::make_unique<http::Router>();
  door_->add_routes(*router_);
  serve::ApiSettings api;
  api.visitor_id = settings_.visitor_id;
  api.visitor_id.visit_ms = settings_.visitors.session.gap_ms;
  TRY(open_administration());
  api_ = std::make_unique<serve::Api>(*router_, *views_, sources(), *metrics_, clock_, std::move(api));
  if (privacy_->opens_for_marketing()) {
    actions_->on_leaving([this](std::string body) { return privacy_->opened(std::move(body)); });
  }
  admin_->guard(*router_, open_routes());
  actions_->on_action([this](const event::Action& action) { api_->live().publish(action); });
  platform_metrics_ = std::make_unique<PlatformMetrics>(PlatformMetrics::Parts{
      journals_.get(), lake_.get(), lake_runner_.get(), &stages_, door_.get(), contracts_.get(),
      recommendations_.get(), actions_.get(), privacy_.get(), admin_.get()});
  metrics_->add(*platform_metrics_);
  ticker_ = std::make_unique<Worker>("tick", Priority::normal, [this] { return tick(); });
  return base::Ok{};
}

base::Status Platform::start() {
  running_ = true;
  journals_->start(
      [this](event::Topic topic, std::uint32_t partition) { return needed_from(topic, partition); });
  std::vector<StageRunner*> stages;
  for (auto& stage : stages_) stages.push_back(stage.get());
  recommendation_runner_->start();
  lake_runner_->start(stages);
  for (auto* stage : stages) stage->start();
  actions_->start();
  sql_->start();
  contracts_->start();
  admin_->start();
  fit_connections();
  TRY_ASSIGN(server_, http::start_server(settings_.http, *router_));
  port_ = server_->port();
  platform_metrics_->serve(server_->counters());
  ticker_->start();
  ready_ = true;
  return base::Ok{};
}

void Platform::fit_connections() {
  std::size_t& connections = settings_.http.limits.connections_max;
  const std::uint64_t files = raise_open_files_max();
  const std::size_t fitting = connections_that_fit(files, connections, stages_.size());
  if (fitting < connections) {
    spdlog::warn("{} connections at most, not {}: this process may have {} files open (ulimit -n)", fitting,
                 connections, files);
  }
  connections = fitting;
}

void Platform::stop() {
  ready_ = false;
  if (!std::exchange(running_, false)) return;
  if (server_) server_->stop(kDrainMs);
  admin_->stop();
  ticker_->stop();
  if (server_) settle();
  lake_runner_->stop();
  for (auto& stage : stages_) stage->stop();
  actions_->stop();
  sql_->stop();
  contracts_->stop();
  recommendation_runner_->stop();
  journals_->stop();
}

// What was answered is on disk; this only spares the next start a replay.
void Platform::settle() {
  const std::uint64_t events_end = journals_->journal(event::Topic::events, 0).end().value;
  for (int turn = 0; turn < kSettleTurns && stages_.front()->position() < events_end; ++turn) {
    if (!stages_.front()->stopped_by().empty()) break;
    Signal().wait(kSettleMs);
  }
  const std::uint64_t round = lake_runner_->rounds();
  lake_runner_->hurry();
  for (int turn = 0; turn < kSettleTurns && lake_runner_->rounds() == round; ++turn) Signal().wait(kSettleMs);
}

void Platform::tick_partitions(base::WallTime now) {
  for (const event::Topic topic : {event::Topic::events, event::Topic::facts}) {
    for (std::uint32_t partition = 0; partition < journals_->partitions(topic); ++partition) {
      journal::RecordBuffer record;
      event::encode_tick({now}, record.begin());
      record.finish();
      // A tick that is refused is followed by the next.
      (void)journals_->commit(topic, partition)
          .submit(std::move(record), journal::Durability::synced, [](auto&&) {})
          .ok();
    }
  }
}

std::int64_t Platform::tick() {
  if (settings_.time == process::TimeMode::wall) tick_partitions(clock_.wall());
  // What stages emit is durable once somebody waits for that. Actions leave then; and where no tick comes nobody else asks for the
  // facts, on which the rows and the checkpoint of the second stage wait.
  for (const event::Topic topic : {event::Topic::facts, event::Topic::actions}) {
    for (std::uint32_t partition = 0; partition < journals_->partitions(topic); ++partition) {
      const auto& journal = journals_->journal(topic, partition);
      if (journal.end() == journal.durable_end()) continue;
      (void)journals_->commit(topic, partition).submit({}, journal::Durability::synced, [](auto&&) {}).ok();
    }
  }
  privacy_->tick();
  api_->tick();
  return settings_.tick_ms;
}

base::Status Platform::advance_clock(base::WallTime to) {
  std::int64_t before = advanced_to_ms_.load();
  do {
    if (to.ms <= before)
      return base::Error(base::ErrorCode::invalid_argument, "event time is already past it");
  } while (!advanced_to_ms_.compare_exchange_weak(before, to.ms));
  tick_partitions(to);
  return base::Ok{};
}

base::Status Platform::submit_stock(const event::StockCommand& command, serve::StockAnswer answer) {
  if (names_card(command)) {
    return base::Error(base::ErrorCode::invalid_argument,
                       "an id or SKU of it has the form of a card number, which is never stored");
  }
  journal::RecordBuffer record;
  const base::WallTime now =
      settings_.time == process::TimeMode::events ? base::WallTime{advanced_to_ms_} : clock_.wall();
  event::encode_command(now, command, record.begin());
  record.finish();
  return journals_->commit(event::Topic::facts, 0)
      .submit(std::move(record), journal::Durability::synced,
              [this, answer = std::move(answer)](base::Result<journal::Offset> offset) mutable {
                if (offset.ok()) return outcomes_->claim(*offset, std::move(answer));
                const bool full = offset.error().code() == base::ErrorCode::exhausted;
                const auto refusal = http::error_response(
                    503, full ? "disk_full" : "not_durable",
                    full ? "The journal's disk is full; nothing was done." : offset.error().message(),
                    "Ask again with the same id: the first answer counts.");
                answer(refusal.status, refusal.body);
              });
}

// What a restart would read again, and so must stay.
journal::Offset Platform::needed_from(event::Topic topic, std::uint32_t partition) const {
  if (topic == event::Topic::actions)
    return journals_->journal(topic, partition).end();  // Retention alone decides.
  if (topic == event::Topic::sessions) {
    // What the recommendation index of a restart would hold.
    const std::uint64_t end = journals_->journal(topic, partition).end().value;
    return {end - std::min<std::uint64_t>(end, settings_.indexed_sessions_max)};
  }
  for (const auto& stage : stages_) {
    if (stage->topic() == topic && stage->partition() == partition) return {stage->committed()};
  }
  return {0};
}

serve::VisitorPointer Platform::load_visitor(std::string_view visitor_id) const {
  const auto partition = base::hash64(visitor_id) % journals_->partitions(event::Topic::events);
  for (const auto& stage : stages_) {
    if (stage->topic() != event::Topic::events || stage->partition() != partition) continue;
    return stored_visitor_view(stage->store(), visitor_id, settings_.visitors.cart);
  }
  return nullptr;
}

// Whether it is known is known at once; what it refused, as of the last checkpoint.
std::optional<std::uint8_t> Platform::granted_before(std::string_view visitor_id) const {
  if (!views_->visitor(visitor_id)) return std::nullopt;
  const auto partition = base::hash64(visitor_id) % journals_->partitions(event::Topic::events);
  for (const auto& stage : stages_) {
    if (stage->topic() != event::Topic::events || stage->partition() != partition) continue;
    return static_cast<std::uint8_t>(~stored_refusals(stage->store(), visitor_id) & event::Purposes::kAll);
  }
  return std::nullopt;
}

serve::ProductPointer Platform::load_product(std::string_view product_id) const {
  const auto partition = base::hash64(product_id) % journals_->partitions(event::Topic::facts);
  for (const auto& stage : stages_) {
    if (stage->topic() != event::Topic::facts || stage->partition() != partition) continue;
    return stored_product_view(stage->store(), product_id);
  }
  return nullptr;
}

}  // namespace millrace::app
