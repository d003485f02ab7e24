#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/contract_rules.h"
#include "contract/schema_index.h"
#include "disk/disk.h"

namespace millrace::contract {

// What a change of the registry was refused for, to be told to whoever asked for it.
struct RegistryFault {
  base::ErrorCode code = base::ErrorCode::invalid_argument;
  std::string reason;   // Stable: "unsupported_keyword", "not_compatible", "version_gap", ...
  std::string pointer;  // Into the schema, where it has to do with one.
  std::string message;
  std::string hint;
};

// The schemas that events are held to, and what happens to those that do not fit. A change that was answered is on disk
// (docs/formats/contracts.md). Any thread.
class Registry final : public SchemaSource {
 public:
  static constexpr std::size_t kSchemasMax = 2000;
  static constexpr std::size_t kModesMax = 1000;

  // Below "contracts" of `disk`, which outlives this. `sources`: names by index. A stored schema that no longer compiles is an
  // error: what was promised cannot be kept.
  static base::Result<std::unique_ptr<Registry>> open(disk::Disk& disk, std::vector<std::string> sources);

  std::shared_ptr<const ContractRules> rules() const;
  // Grows with every change of the rules.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // The first version of a contract is 1-0-0; later ones follow its newest: an addition (which must take all that the one
  // before took), a revision or a model. The same text again is ok.
  std::optional<RegistryFault> put(const SchemaKey& key, std::string text);
  std::optional<RegistryFault> remove(const SchemaKey& key);
  std::optional<RegistryFault> set_modes(std::vector<ModeRule> modes);

  // Names by index, once there are more.
  void set_sources(std::vector<std::string> sources);

  std::optional<std::string> schema(std::string_view uri) const override;

 private:
  Registry(disk::Disk& disk, std::vector<std::string> sources) : disk_(disk), sources_(std::move(sources)) {}
  base::Status load();
  base::Status load_modes();
  std::optional<RegistryFault> compile(const SchemaKey& key, std::string text, bool preloaded,
                                       ContractPointer& into);
  std::optional<RegistryFault> check_version(const SchemaKey& key, const std::string& text) const;
  std::shared_ptr<ContractTally> tally_for(const SchemaKey& key);
  void publish();

  disk::Disk& disk_;
  mutable std::mutex changes_;  // One change at a time; guards the four below.
  std::vector<std::string> sources_;
  std::map<SchemaKey, ContractPointer> contracts_;
  std::map<std::string, std::shared_ptr<ContractTally>> tallies_;
  std::vector<ModeRule> modes_;
  mutable std::mutex mutex_;  // Guards rules_.
  std::shared_ptr<const ContractRules> rules_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace millrace::contract
