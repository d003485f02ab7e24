#include "contract/registry.h"

#include <algorithm>
#include <utility>

#include "contract/compatibility.h"
#include "contract/fault_text.h"
#include "contract/mode_rules.h"
#include "contract/preloaded_schemas.h"
#include "contract/schema_compiler.h"

namespace millrace::contract {

namespace {

using base::ErrorCode;

constexpr std::string_view kDirectory = "contracts";
constexpr std::string_view kModesFile = "contracts/modes.json";
constexpr std::string_view kSuffix = ".json";

std::string file_of(const SchemaKey& key) {
  return std::string(kDirectory) + "/" + key.vendor + "," + key.name + "," + key.format + "," +
         key.version.text() + std::string(kSuffix);
}

// A self-describing schema is stored as who it says it is.
std::optional<RegistryFault> check_self(const SchemaKey& key, const Program& program) {
  const JsonTape& tape = program.documents.front()->tape();
  const std::uint32_t self = find_member(tape, 0, "self");
  if (self == kNoNode) return std::nullopt;
  if (text_of(tape, self, "vendor") == key.vendor && text_of(tape, self, "name") == key.name &&
      text_of(tape, self, "format") == key.format && text_of(tape, self, "version") == key.version.text())
    return std::nullopt;
  return RegistryFault{ErrorCode::invalid_argument, "self_differs", "/self",
                       "The schema says it is another one.", "Send it to the path that its \"self\" names."};
}

RegistryFault not_stored(const base::Error& error) {
  return {error.code(), "not_stored", "", "The change could not be written: " + error.message() + ".",
          "Look what the registry holds, then repeat it."};
}

}  // namespace

base::Result<std::unique_ptr<Registry>> Registry::open(disk::Disk& disk, std::vector<std::string> sources) {
  std::unique_ptr<Registry> registry(new Registry(disk, std::move(sources)));
  TRY(disk::make_directory_durably(disk, kDirectory));
  TRY(registry->load());
  TRY(registry->load_modes());
  registry->publish();
  return registry;
}

base::Status Registry::load() {
  std::map<SchemaKey, std::pair<std::string, bool>> texts;
  for (auto& [key, text] : preloaded_schemas()) texts[key] = {std::move(text), true};
  TRY_ASSIGN(const auto names, disk_.list(kDirectory));
  for (const std::string& name : names) {
    if (!name.ends_with(kSuffix) || std::count(name.begin(), name.end(), ',') != 3) continue;
    std::string path = name.substr(0, name.size() - kSuffix.size());
    std::replace(path.begin(), path.end(), ',', '/');
    TRY_ASSIGN(const SchemaKey key, SchemaKey::parse(path));
    TRY_ASSIGN(std::string text, disk::read_file(disk_, std::string(kDirectory) + "/" + name));
    texts[key] = {std::move(text), false};
  }
  // Schemas refer to each other in any order: all texts first, then each is compiled.
  for (const auto& [key, text] : texts) {
    auto contract = std::make_shared<Contract>();
    contract->key = key;
    contract->text = text.first;
    contracts_[key] = std::move(contract);
  }
  for (const auto& [key, text] : texts) {
    ContractPointer compiled;
    if (const auto fault = compile(key, text.first, text.second, compiled))
      return base::Error(ErrorCode::corrupt,
                         "contracts/" + key.path() + ": " + fault->pointer + " " + fault->message);
    contracts_[key] = std::move(compiled);
  }
  return base::Ok{};
}

base::Status Registry::load_modes() {
  auto text = disk::read_file(disk_, kModesFile);
  if (!text.ok() && text.error().code() == ErrorCode::not_found) return base::Ok{};
  if (!text.ok()) return std::move(text).error();
  auto rules = parse_mode_rules(*text);
  if (!rules.ok())
    return base::Error(ErrorCode::corrupt, std::string(kModesFile) + ": " + rules.error().message());
  modes_ = *std::move(rules);
  return base::Ok{};
}

std::shared_ptr<ContractTally> Registry::tally_for(const SchemaKey& key) {
  auto& tally = tallies_[key.contract()];
  if (tally == nullptr) tally = std::make_shared<ContractTally>();
  return tally;
}

std::optional<RegistryFault> Registry::compile(const SchemaKey& key, std::string text, bool preloaded,
                                               ContractPointer& into) {
  auto contract = std::make_shared<Contract>();
  contract->key = key;
  contract->text = std::move(text);
  contract->preloaded = preloaded;
  contract->tally = tally_for(key);
  if (const auto fault = compile_schema(contract->text, key.uri(), *this, contract->program))
    return RegistryFault{ErrorCode::invalid_argument, fault->code, fault->pointer, fault->message,
                         "docs/guide/contracts.md lists what is enforced."};
  into = std::move(contract);
  return std::nullopt;
}

// Called while compiling, under changes_ or before anyone else is there.
std::optional<std::string> Registry::schema(std::string_view uri) const {
  if (!uri.starts_with("iglu:")) return std::nullopt;
  const auto key = SchemaKey::parse(uri);
  if (!key.ok()) return std::nullopt;
  const auto found = contracts_.find(*key);
  if (found == contracts_.end()) return std::nullopt;
  return found->second->text;
}

void Registry::publish() {
  auto rules = std::make_shared<const ContractRules>(contracts_, modes_, sources_);
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  version_.fetch_add(1, std::memory_order_release);
}

void Registry::set_sources(std::vector<std::string> sources) {
  const std::lock_guard lock(changes_);
  if (sources == sources_) return;
  sources_ = std::move(sources);
  publish();
}

std::shared_ptr<const ContractRules> Registry::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

std::optional<RegistryFault> Registry::check_version(const SchemaKey& key, const std::string& text) const {
  const Contract* newest = nullptr;
  for (const auto& [known, contract] : contracts_) {
    if (known.vendor == key.vendor && known.name == key.name && known.format == key.format)
      newest = contract.get();
  }
  const SchemaVersion wanted = key.version;
  if (newest == nullptr) {
    if (wanted == SchemaVersion{1, 0, 0}) return std::nullopt;
    return RegistryFault{ErrorCode::conflict, "version_gap", "", "This contract has no version yet.",
                         "Its first version is 1-0-0."};
  }
  const SchemaVersion last = newest->key.version;
  const SchemaVersion addition{last.model, last.revision, last.addition + 1};
  const SchemaVersion revision{last.model, last.revision + 1, 0};
  const SchemaVersion model{last.model + 1, 0, 0};
  if (wanted == revision || wanted == model) return std::nullopt;
  const std::string next = addition.text() + ", " + revision.text() + " or " + model.text();
  if (wanted != addition)
    return RegistryFault{ErrorCode::conflict, "version_gap", "",
                         "The newest version is " + last.text() + "; no version is left out or written over.",
                         "The next one is " + next + "."};
  JsonDocument before, after;
  if (!before.own(newest->text).ok() || !after.own(text).ok()) return std::nullopt;
  if (const auto narrowing = find_narrowing(before, after))
    return RegistryFault{
        ErrorCode::conflict, "not_compatible", narrowing->pointer,
        "An addition takes all that " + last.text() + " took. " + narrowing->message,
        "Send it as the revision " + revision.text() + " or the model " + model.text() + "."};
  return std::nullopt;
}

std::optional<RegistryFault> Registry::put(const SchemaKey& key, std::string text) {
  const std::lock_guard lock(changes_);
  const auto known = contracts_.find(key);
  if (known != contracts_.end()) {
    if (known->second->text == text) return std::nullopt;
    return RegistryFault{ErrorCode::conflict, "version_exists", "",
                         "This version is there and says something else.",
                         "Versions do not change: send the next one."};
  }
  if (key.vendor == kPreloadedVendor)
    return RegistryFault{ErrorCode::conflict, "preloaded", "", "This vendor's contracts come with Millrace.",
                         "Use the vendor shop: its contract for the same event goes before this one."};
  if (contracts_.size() >= kSchemasMax)
    return RegistryFault{ErrorCode::exhausted, "too_many_schemas", "",
                         "There are " + std::to_string(kSchemasMax) + " schemas.", "Delete some."};
  ContractPointer contract;
  if (auto fault = compile(key, text, false, contract)) return fault;
  if (auto fault = check_self(key, contract->program)) return fault;
  if (auto fault = check_version(key, text)) return fault;
  if (const auto written = disk::write_file_atomically(disk_, file_of(key), text); !written.ok())
    return not_stored(written.error());
  contracts_[key] = std::move(contract);
  publish();
  return std::nullopt;
}

std::optional<RegistryFault> Registry::remove(const SchemaKey& key) {
  const std::lock_guard lock(changes_);
  const auto known = contracts_.find(key);
  if (known == contracts_.end())
    return RegistryFault{ErrorCode::not_found, "no_such_schema", "", "There is no such schema.",
                         "GET /v1/contracts lists them."};
  if (known->second->preloaded)
    return RegistryFault{ErrorCode::conflict, "preloaded", "", "This contract comes with Millrace.",
                         "Set its mode to observe to have it change nothing."};
  for (const auto& [other, contract] : contracts_) {
    if (other != key && contract->text.find(key.path()) != std::string::npos)
      return RegistryFault{ErrorCode::conflict, "in_use", "", "The schema " + other.path() + " refers to it.",
                           "Delete that one first."};
  }
  base::Status removed = disk_.remove(file_of(key));
  if (removed.ok()) removed = disk_.sync_directory(kDirectory);
  if (!removed.ok()) return not_stored(removed.error());
  contracts_.erase(known);
  publish();
  return std::nullopt;
}

std::optional<RegistryFault> Registry::set_modes(std::vector<ModeRule> modes) {
  const std::lock_guard lock(changes_);
  if (modes.size() > kModesMax)
    return RegistryFault{ErrorCode::invalid_argument, "too_many_modes", "",
                         "There are at most " + std::to_string(kModesMax) + " rules.", "Leave some out."};
  for (const ModeRule& rule : modes) {
    if (!rule.source.empty() && std::find(sources_.begin(), sources_.end(), rule.source) == sources_.end())
      return RegistryFault{ErrorCode::invalid_argument, "unknown_source", "",
                           "There is no source \"" + rule.source.substr(0, 128) + "\".",
                           "GET /v1/sources lists them."};
  }
  if (const auto written = disk::write_file_atomically(disk_, kModesFile, mode_rules_json(modes));
      !written.ok())
    return not_stored(written.error());
  modes_ = std::move(modes);
  publish();
  return std::nullopt;
}

}  // namespace millrace::contract
