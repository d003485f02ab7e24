#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/worker.h"
#include "base/clock.h"
#include "base/result.h"
#include "contract/contract_api.h"
#include "contract/contract_gate.h"
#include "contract/discovery.h"
#include "contract/quality_rules.h"
#include "contract/quarantine.h"
#include "contract/registry.h"
#include "disk/disk.h"
#include "serve/metrics.h"

namespace millrace::app {

// Contracts as the platform wires them: the registry on disk, the gate for the doors, a thread for discovery, the answers of
// the API.
class ContractRunner {
 public:
  // `sources`: names by index. `cleansed`: a text without the personal values in it, from any thread. Disk and clock outlive it.
  static base::Result<std::unique_ptr<ContractRunner>> open(
      disk::Disk& disk, std::vector<std::string> sources, const base::Clock& clock,
      contract::QuarantinePorts ports, std::function<std::string(std::string_view)> cleansed);
  ~ContractRunner() { stop(); }

  void start();
  void stop();

  // The last gate at every door.
  const collect::GateMaker& gates() const { return *gates_; }
  void answer(std::string_view operation, const http::Request& request, contract::Respond respond);
  void set_sources(std::vector<std::string> names) { registry_->set_sources(std::move(names)); }
  void collect(serve::MetricSamples& samples) const;

 private:
  ContractRunner() = default;

  std::unique_ptr<contract::Registry> registry_;
  contract::QualityBoard quality_;
  contract::DiscoveryFeed feed_;
  std::unique_ptr<contract::ContractGateMaker> gates_;
  std::unique_ptr<contract::Discovery> discovery_;
  std::unique_ptr<contract::QuarantineMarks> marks_;
  std::unique_ptr<contract::Quarantine> quarantine_;
  std::unique_ptr<contract::ContractApi> api_;
  std::unique_ptr<Worker> worker_;
};

// Posts a body to a door of `router` as if it had come in over HTTP with that "key:secret"; answers what became of its items.
void post_again(const http::Router& router, std::string_view path, std::string write_key, std::string body,
                contract::Respond respond);

}  // namespace millrace::app
