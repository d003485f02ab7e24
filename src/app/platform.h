#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/data_directory.h"
#include "app/journal_set.h"
#include "app/lake_runner.h"
#include "app/outcome_board.h"
#include "app/recent_quantiles.h"
#include "app/recommendation_runner.h"
#include "app/settings.h"
#include "app/stage_runner.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "commerce/recommendation_index.h"
#include "lake/lake.h"
#include "lake/local_object_store.h"
#include "lake/rest_catalog.h"
#include "serve/api.h"

namespace millrace::admin {
class WriteKeyBook;
}

namespace millrace::app {

class ActionRunner;
class AdminRunner;
class CollectDoor;
class ContractRunner;
class PlatformMetrics;
class PrivacyGuard;
class SqlRunner;

// One Millrace: everything between the HTTP port and the data directory. Several may run in one process, on directories of their
// own. The clock and the random source must outlive it.
class Platform {
 public:
  // Opens the data directory, recovers the journals and restores all state. Nothing runs yet.
  static base::Result<std::unique_ptr<Platform>> open(const Settings& settings, const base::Clock& clock,
                                                      base::Random& random);
  ~Platform();  // Stops it.

  // Binds the port, and everything runs. What had begun when it failed goes on until stop().
  base::Status start();
  // Answers what is in flight, brings what was accepted into the tables, and leaves the directory clean. After a crash none of it
  // is needed.
  void stop();
  // Reads the certificate's files again, soon.
  void reload();

  std::uint16_t port() const { return port_; }
  serve::PlatformStatus status() const;
  std::uint64_t rows_committed() const;  // Of all tables.
  serve::Views& views() { return *views_; }
  LakeRunner& lake_runner() { return *lake_runner_; }
  lake::Lake& lake() { return *lake_; }

 private:
  Platform(const Settings& settings, const base::Clock& clock, base::Random& random);
  base::Status open_certificate();
  base::Status open_administration();
  std::set<std::pair<http::Method, std::string>> open_routes() const;
  base::Status set_write_keys(const admin::WriteKeyBook& book);
  base::Status open_storage();
  base::Status open_lake();
  base::Status open_door();
  base::Status open_serving();
  base::Status open_stages();
  base::Result<std::unique_ptr<StageRunner>> open_stage(event::Topic topic, std::uint32_t partition);
  serve::Sources sources();
  serve::LakeStatus lake_status() const;
  serve::LiveFigures live_figures();
  std::vector<std::string> unready_reasons() const;
  base::Status submit_stock(const event::StockCommand& command, serve::StockAnswer answer);
  base::Status advance_clock(base::WallTime to);
  void fit_connections();
  void settle();
  void tick_partitions(base::WallTime now);
  std::int64_t tick();
  journal::Offset needed_from(event::Topic topic, std::uint32_t partition) const;
  serve::VisitorPointer load_visitor(std::string_view visitor_id) const;
  std::optional<std::uint8_t> granted_before(std::string_view visitor_id) const;
  serve::ProductPointer load_product(std::string_view product_id) const;

  Settings settings_;  // As given, but for what follows from the data directory.
  const base::Clock& clock_;
  base::Random& random_;
  const base::WallTime started_at_;
  std::atomic<std::uint16_t> port_{0};
  std::atomic<bool> ready_{false};
  bool running_ = false;
  std::atomic<std::int64_t> advanced_to_ms_{0};

  // In the order they are opened; each may use those above it.
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<JournalSet> journals_;
  std::vector<std::uint16_t> source_indices_;
  std::shared_ptr<commerce::SourceRanks> ranks_;
  std::unique_ptr<PrivacyGuard> privacy_;
  std::unique_ptr<ContractRunner> contracts_;
  std::unique_ptr<CollectDoor> door_;
  std::unique_ptr<lake::LocalObjectStore> objects_;
  std::unique_ptr<lake::Lake> lake_;
  std::unique_ptr<lake::RestCatalog> catalog_;
  std::unique_ptr<LakeRunner> lake_runner_;
  std::unique_ptr<serve::Views> views_;
  std::unique_ptr<commerce::RecommendationIndex> recommendations_;
  std::unique_ptr<RecommendationRunner> recommendation_runner_;
  std::unique_ptr<OutcomeBoard> outcomes_;
  std::shared_ptr<process::RocksShared> rocks_;
  std::vector<std::unique_ptr<StageRunner>> stages_;
  std::unique_ptr<ActionRunner> actions_;
  std::unique_ptr<SqlRunner> sql_;
  std::unique_ptr<serve::Metrics> metrics_;
  std::unique_ptr<PlatformMetrics> platform_metrics_;
  std::unique_ptr<RecentQuantiles> recent_fsync_, recent_ack_, recent_visible_;
  std::unique_ptr<AdminRunner> admin_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<serve::Api> api_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<Worker> ticker_;
};

}  // namespace millrace::app
