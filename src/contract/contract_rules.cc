#include "contract/contract_rules.h"

#include <utility>

#include "contract/preloaded_schemas.h"

namespace millrace::contract {

namespace {

constexpr std::string_view kModes[] = {"observe", "quarantine", "reject", "drop_field"};
constexpr std::string_view kOwnVendor = "shop";
constexpr std::string_view kSourceVendor = "shop.";

}  // namespace

std::string_view to_string(Mode mode) { return kModes[static_cast<std::size_t>(mode)]; }

base::Result<Mode> parse_mode(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kModes); ++i) {
    if (kModes[i] == name) return static_cast<Mode>(i);
  }
  return base::Error(base::ErrorCode::invalid_argument,
                     "a mode is observe, quarantine, reject or drop_field");
}

void ContractTally::add(Sample sample) {
  const std::lock_guard lock(mutex_);
  samples_.push_front(std::move(sample));
  if (samples_.size() > kSamplesMax) samples_.pop_back();
}

std::vector<ContractTally::Sample> ContractTally::samples() const {
  const std::lock_guard lock(mutex_);
  return {samples_.begin(), samples_.end()};
}

ContractRules::ContractRules(std::map<SchemaKey, ContractPointer> contracts, std::vector<ModeRule> modes,
                             std::vector<std::string> sources)
    : contracts_(std::move(contracts)), modes_(std::move(modes)), sources_(std::move(sources)) {
  for (const auto& [key, contract] : contracts_) by_address_[key.path()] = contract.get();
  // In the order of keys: of one contract the newest version comes last and stays.
  for (const std::string_view vendor : {std::string_view(kPreloadedVendor), kOwnVendor}) {
    for (const auto& [key, contract] : contracts_) {
      if (key.vendor == vendor) by_name_["/" + key.name] = contract.get();
    }
  }
  for (const auto& [key, contract] : contracts_) {
    if (!key.vendor.starts_with(kSourceVendor)) continue;
    by_name_[key.vendor.substr(kSourceVendor.size()) + "/" + key.name] = contract.get();
    per_source_ = true;
  }
  has_own_ = by_name_.size() > 0;
  for (std::size_t i = 1; i < event::kEventTypeCount; ++i) {
    const auto found = by_name_.find("/" + std::string(event::to_string(static_cast<event::EventType>(i))));
    if (found != by_name_.end()) by_type_[i] = found->second;
  }
  for (const std::string& source : sources_) {
    Mode mode = Mode::observe;
    for (const ModeRule& rule : modes_) {
      if (rule.contract.empty() && rule.source.empty()) mode = rule.mode;
    }
    for (const ModeRule& rule : modes_) {
      if (rule.contract.empty() && !rule.source.empty() && rule.source == source) mode = rule.mode;
    }
    by_source_.push_back(mode);
  }
  for (const ModeRule& rule : modes_) per_contract_ = per_contract_ || !rule.contract.empty();
}

std::string_view ContractRules::source_name(std::uint16_t source) const {
  return source < sources_.size() ? std::string_view(sources_[source]) : std::string_view();
}

const Contract* ContractRules::find(const event::Event& event) const {
  if (event.type != event::EventType::other && !per_source_)
    return by_type_[static_cast<std::size_t>(event.type)];
  if (!has_own_) return nullptr;
  std::string name = event.type == event::EventType::other ? contract_name(event[event::Text::event_name])
                                                           : std::string(event::to_string(event.type));
  name.insert(0, "/");
  if (per_source_) {
    const auto found = by_name_.find(std::string(source_name(event.source)) + name);
    if (found != by_name_.end()) return found->second;
  }
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

const Contract* ContractRules::find(const SchemaKey& key) const {
  const auto found = contracts_.find(key);
  return found == contracts_.end() ? nullptr : found->second.get();
}

const Contract* ContractRules::find(std::string_view address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : found->second;
}

Mode ContractRules::default_mode(std::uint16_t source) const {
  return source < by_source_.size() ? by_source_[source] : Mode::observe;
}

Mode ContractRules::mode(std::uint16_t source, const Contract& contract) const {
  if (!per_contract_) return default_mode(source);
  const std::string_view name = source_name(source);
  const ModeRule* best = nullptr;
  for (const ModeRule& rule : modes_) {
    if (rule.contract != contract.key.name || (!rule.source.empty() && rule.source != name)) continue;
    if (best == nullptr || best->source.empty()) best = &rule;
  }
  return best == nullptr ? default_mode(source) : best->mode;
}

}  // namespace millrace::contract
