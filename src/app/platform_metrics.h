#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "app/journal_set.h"
#include "app/lake_runner.h"
#include "app/stage_runner.h"
#include "commerce/recommendation_index.h"
#include "http/server.h"
#include "lake/lake.h"
#include "serve/metrics.h"

namespace millrace::app {

class ActionRunner;
class AdminRunner;
class CollectDoor;
class PrivacyGuard;
class ContractRunner;

// What the parts below serving report to /metrics.
class PlatformMetrics final : public serve::MetricSource {
 public:
  struct Parts {
    JournalSet* journals;
    const lake::Lake* lake;
    const LakeRunner* lake_runner;
    const std::vector<std::unique_ptr<StageRunner>>* stages;
    const CollectDoor* door;
    const ContractRunner* contracts;
    const commerce::RecommendationIndex* recommendations;
    const ActionRunner* actions;
    const PrivacyGuard* privacy;
    const AdminRunner* admin;
  };
  explicit PlatformMetrics(Parts parts) : parts_(parts) {}
  // The server answers already when this is called: who asks before it sees none of its figures.
  void serve(const http::ServerCounters& counters) { http_ = &counters; }
  void collect(serve::MetricSamples& samples) const override;

 private:
  void collect_journals(serve::MetricSamples& samples) const;
  void collect_stages(serve::MetricSamples& samples) const;
  void collect_lake(serve::MetricSamples& samples) const;
  void collect_http(serve::MetricSamples& samples) const;

  const Parts parts_;
  std::atomic<const http::ServerCounters*> http_{nullptr};
};

}  // namespace millrace::app
