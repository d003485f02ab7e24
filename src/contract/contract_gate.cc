#include "contract/contract_gate.h"

#include <algorithm>
#include <utility>

namespace millrace::contract {

using collect::Decision;
using collect::Ruling;

namespace {
constexpr std::string_view kTrackerVendor = "com.snowplowanalytics.";
}

ContractGate::ContractGate(const Registry& registry, QualityBoard& quality, DiscoveryFeed& feed,
                           const base::Clock& clock)
    : registry_(registry), feed_(feed), clock_(clock), quality_check_(quality) {}

void ContractGate::follow_rules() {
  if (rules_ != nullptr && rules_version_ == registry_.version()) [[likely]]
    return;
  rules_version_ = registry_.version();
  rules_ = registry_.rules();
}

const Contract* ContractGate::contract_of(const Subject& subject, const event::Event& event) const {
  return subject.address.empty() ? rules_->find(event) : rules_->find(subject.address);
}

// True when it fits, or when nothing is asked of it.
bool ContractGate::check(const Subject& subject, const event::Event& event, Violation& violation) {
  const Contract* const contract = contract_of(subject, event);
  if (contract == nullptr) {
    if (subject.address.empty() || subject.address.starts_with(kTrackerVendor)) return true;
    violation.prefix = subject.prefix;
    ValueFault& fault = violation.faults.emplace_back();
    fault.pointer = pointer_to(*subject.tape, subject.node);
    fault.keyword = "schema";
    fault.message = "The registry has no schema " + std::string(subject.address) + ".";
    violation.mode = rules_->default_mode(event.source);
    return false;
  }
  contract->tally->checked.fetch_add(1, std::memory_order_relaxed);
  if (validator_.fits(contract->program, *subject.tape, subject.node)) [[likely]]
    return true;
  violation.contract = contract;
  violation.prefix = subject.prefix;
  violation.faults = validator_.explain(contract->program, *subject.tape, subject.node);
  violation.mode = rules_->mode(event.source, *contract);
  return false;
}

bool ContractGate::check_canonical(const event::Event& event, Violation& violation) {
  const Contract* const contract = rules_->find(event);
  if (contract == nullptr) return true;
  const JsonTape& tape = canonical_.read(event).tape();
  contract->tally->checked.fetch_add(1, std::memory_order_relaxed);
  if (validator_.fits(contract->program, tape)) [[likely]]
    return true;
  violation.contract = contract;
  violation.is_canonical = true;
  violation.faults = validator_.explain(contract->program, tape);
  violation.mode = rules_->mode(event.source, *contract);
  return false;
}

void ContractGate::note(const Violation& violation, const event::Event& event) const {
  if (violation.contract == nullptr) return;
  ContractTally& tally = *violation.contract->tally;
  tally.violated.fetch_add(1, std::memory_order_relaxed);
  const ValueFault& fault = violation.faults.front();
  tally.add({clock_.wall(), std::string(rules_->source_name(event.source)),
             std::string(event[event::Text::message_id]), violation.contract->key.version.text(),
             std::string(violation.prefix) + fault.pointer, fault.keyword, fault.message, violation.mode});
}

// What is wrong goes; what is then missing or still wrong cannot be mended so.
bool ContractGate::drop_fields(const Violation& violation, event::Event& event) {
  if (!violation.prefix.empty() || violation.is_canonical || violation.contract == nullptr) return false;
  std::vector<std::string> pointers;
  for (const ValueFault& fault : violation.faults) {
    // The subject itself cannot go.
    if (std::count(fault.pointer.begin(), fault.pointer.end(), '/') < 2) return false;
    pointers.push_back(fault.pointer);
  }
  if (!document_.read(event.raw).ok()) return false;
  const std::string raw = without_values(document_, pointers);
  for (const Subject& subject : second_finder_.read(raw)) {
    const Contract* const contract = contract_of(subject, event);
    if (contract != nullptr && !validator_.fits(contract->program, *subject.tape, subject.node)) return false;
  }
  if (!field_drop_.drop(document_, pointers, event)) return false;
  violation.contract->tally->fields_dropped.fetch_add(pointers.size(), std::memory_order_relaxed);
  return true;
}

Decision ContractGate::rule_on(const Violation& violation, event::Event& event) {
  note(violation, event);
  if (violation.mode == Mode::observe) return {};
  if (violation.mode == Mode::drop_field && drop_fields(violation, event)) return {};
  const ValueFault& fault = violation.faults.front();
  Decision decision;
  decision.ruling = violation.mode == Mode::reject ? Ruling::reject : Ruling::quarantine;
  decision.reason = violation.contract == nullptr ? "unknown_schema" : "contract_violation";
  // Where in the item a canonical property comes from, only its mapping knows.
  if (!violation.is_canonical) decision.pointer = std::string(violation.prefix) + fault.pointer;
  decision.detail = fault.message;
  if (violation.contract != nullptr) {
    const std::string where = violation.is_canonical ? ", canonical property " + fault.pointer : "";
    decision.detail += " (" + violation.contract->key.path() + ", " + fault.keyword + where + ")";
  }
  return decision;
}

const std::vector<Subject>& ContractGate::subjects_of(const event::Event& event) {
  const JsonTape* const item = std::exchange(item_, nullptr);
  const bool same = item != nullptr && !item->empty() && (*item)[0].raw.data() == event.raw.data() &&
                    (*item)[0].raw.size() == event.raw.size();
  return same ? finder_.read(*item, form_) : finder_.read(event.raw, form_);
}

Decision ContractGate::inspect(event::Event& event) {
  follow_rules();
  bool is_whole =
      form_ == collect::ItemForm::call;  // Nothing is left that the canonical properties would tell.
  for (const Subject& subject : subjects_of(event)) {
    // An event without a canonical name that names its schema is that, and not what another contract may be called.
    is_whole = is_whole || (event.type == event::EventType::other && !subject.address.empty() &&
                            !subject.address.starts_with(kTrackerVendor));
    Violation violation;
    if (check(subject, event, violation)) continue;
    if (Decision decision = rule_on(violation, event); decision.ruling != Ruling::pass) return decision;
  }
  if (Violation violation; !is_whole && !check_canonical(event, violation)) {
    if (Decision decision = rule_on(violation, event); decision.ruling != Ruling::pass) return decision;
  }
  if (auto breach = quality_check_.inspect(event, clock_.wall()))
    return {Ruling::quarantine, "quality_rule", "", breach->detail + " (" + breach->rule + ")"};
  return {};
}

void ContractGate::stored(const event::Event& event) {
  if (!feed_.wants(event)) return;
  SeenEvent seen;
  seen.source = event.source;
  seen.type = event.type;
  seen.received_at = event.received_at;
  seen.name = event[event::Text::event_name].substr(0, 256);
  if (form_ == collect::ItemForm::own) {
    canonical_.read(event);
    seen.raw = R"({"properties":)" + std::string(canonical_.text()) + "}";
    if (seen.raw.size() > DiscoveryFeed::kRawBytesMax) seen.raw.clear();
  } else if (event.raw.size() <= DiscoveryFeed::kRawBytesMax) {
    seen.raw = event.raw;
  }
  feed_.offer(std::move(seen));
}

}  // namespace millrace::contract
