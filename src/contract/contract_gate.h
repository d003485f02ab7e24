#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "collect/gate.h"
#include "contract/canonical_properties.h"
#include "contract/discovery_feed.h"
#include "contract/field_drop.h"
#include "contract/quality_rules.h"
#include "contract/registry.h"
#include "contract/subject.h"
#include "contract/validator.h"

namespace millrace::contract {

// Holds events to their contracts and to the rules of quality, and lets discovery see them. An event that names its schema
// itself is held to that; one that the registry does not have is a violation like any other, but for those of Snowplow's trackers,
// which come with every event. What has a form of its own is held to its contract by its canonical properties.
class ContractGate final : public collect::Gate {
 public:
  ContractGate(const Registry& registry, QualityBoard& quality, DiscoveryFeed& feed,
               const base::Clock& clock);

  void expect(collect::ItemForm form) override { form_ = form; }
  void laid_out(const JsonTape& item) override { item_ = &item; }
  collect::Decision inspect(event::Event& event) override;
  void stored(const event::Event& event) override;
  base::Status finish() override {
    quality_check_.publish();
    return base::Ok{};
  }

 private:
  struct Violation {
    const Contract* contract = nullptr;  // Null: the schema is not known.
    std::vector<ValueFault> faults;
    std::string_view prefix;
    bool is_canonical = false;  // The faults point into the canonical properties, not into the raw bytes.
    Mode mode = Mode::observe;
  };
  void follow_rules();
  const std::vector<Subject>& subjects_of(const event::Event& event);
  const Contract* contract_of(const Subject& subject, const event::Event& event) const;
  bool check(const Subject& subject, const event::Event& event, Violation& violation);
  bool check_canonical(const event::Event& event, Violation& violation);
  void note(const Violation& violation, const event::Event& event) const;
  collect::Decision rule_on(const Violation& violation, event::Event& event);
  bool drop_fields(const Violation& violation, event::Event& event);

  const Registry& registry_;
  DiscoveryFeed& feed_;
  const base::Clock& clock_;
  std::shared_ptr<const ContractRules> rules_;
  std::uint64_t rules_version_ = 0;
  const JsonTape* item_ = nullptr;  // Of the event that is inspected next, when its dialect laid it out.
  collect::ItemForm form_ = collect::ItemForm::call;
  CanonicalProperties canonical_;
  SubjectFinder finder_;
  JsonDocument document_;        // Of an event that fields are dropped from.
  SubjectFinder second_finder_;  // For what is left of an event.
  Validator validator_;
  FieldDrop field_drop_;
  QualityCheck quality_check_;
};

class ContractGateMaker final : public collect::GateMaker {
 public:
  ContractGateMaker(const Registry& registry, QualityBoard& quality, DiscoveryFeed& feed,
                    const base::Clock& clock)
      : registry_(registry), quality_(quality), feed_(feed), clock_(clock) {}
  std::unique_ptr<collect::Gate> gate() const override {
    return std::make_unique<ContractGate>(registry_, quality_, feed_, clock_);
  }

 private:
  const Registry& registry_;
  QualityBoard& quality_;
  DiscoveryFeed& feed_;
  const base::Clock& clock_;
};

}  // namespace millrace::contract
