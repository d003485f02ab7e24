#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "contract/schema_key.h"
#include "contract/schema_program.h"
#include "event/event.h"

namespace millrace::contract {

// What becomes of an event that does not fit its contract.
enum class Mode : std::uint8_t {
  observe,     // Counted and passed on.
  quarantine,  // Kept for repair, not processed.
  reject,      // Its sender is told why; nothing is kept.
  drop_field,  // What does not fit is left out; quarantined when the rest does not fit either.
};
std::string_view to_string(Mode mode);
base::Result<Mode> parse_mode(std::string_view name);

// How events fared with one contract; shared by its versions and by all gates. Any thread.
class ContractTally {
 public:
  static constexpr std::size_t kSamplesMax = 20;
  struct Sample {
    base::WallTime at;
    std::string source;
    std::string message_id;
    std::string version;
    std::string pointer;
    std::string keyword;
    std::string message;
    Mode mode = Mode::observe;
  };
  std::atomic<std::uint64_t> checked{0};
  std::atomic<std::uint64_t> violated{0};
  std::atomic<std::uint64_t> fields_dropped{0};
  void add(Sample sample);
  std::vector<Sample> samples() const;  // Newest first.

 private:
  mutable std::mutex mutex_;
  std::deque<Sample> samples_;
};

// One version of a contract, ready to be checked against.
struct Contract {
  SchemaKey key;
  std::string text;
  bool preloaded = false;
  Program program;
  std::shared_ptr<ContractTally> tally;
};
using ContractPointer = std::shared_ptr<const Contract>;

// Which mode, for which events: what is empty stands for all. The most specific one counts: source and contract, contract,
// source, none.
struct ModeRule {
  std::string source;
  std::string contract;  // The last part of its name: "order_completed".
  Mode mode = Mode::observe;
};

// All that a gate needs, at one moment. Immutable.
class ContractRules {
 public:
  // `sources`: names by index.
  ContractRules(std::map<SchemaKey, ContractPointer> contracts, std::vector<ModeRule> modes,
                std::vector<std::string> sources);

  // The contract of an event: of vendor "shop.SOURCE", else "shop", else the preloaded one; its newest version. Null when there
  // is none.
  const Contract* find(const event::Event& event) const;
  const Contract* find(const SchemaKey& key) const;
  // "VENDOR/NAME/FORMAT/VERSION", as Iglu writes it.
  const Contract* find(std::string_view address) const;
  Mode mode(std::uint16_t source, const Contract& contract) const;
  Mode default_mode(std::uint16_t source) const;
  std::string_view source_name(std::uint16_t source) const;
  const std::map<SchemaKey, ContractPointer>& contracts() const { return contracts_; }
  const std::vector<ModeRule>& modes() const { return modes_; }

 private:
  std::map<SchemaKey, ContractPointer> contracts_;
  std::vector<ModeRule> modes_;
  std::vector<std::string> sources_;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, const Contract*, TextHash, std::equal_to<>> by_address_;
  std::unordered_map<std::string, const Contract*> by_name_;  // "SOURCE/name" or "/name".
  std::array<const Contract*, event::kEventTypeCount> by_type_{};
  bool has_own_ = false;     // Contracts of events that have no canonical name.
  bool per_source_ = false;  // Contracts of single sources.
  std::vector<Mode> by_source_;
  bool per_contract_ = false;
};

}  // namespace millrace::contract
