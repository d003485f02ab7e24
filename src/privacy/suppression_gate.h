#pragma once

#include <memory>

#include "collect/gate.h"
#include "collect/json_tape.h"
#include "privacy/privacy_counters.h"
#include "privacy/suppressions.h"

namespace millrace::privacy {

// Drops the events of who is suppressed: by the visitor's, user's or previous id, by an email address
// anywhere in the event, or by a device id or phone number under its usual name. Costs nothing while nobody
// is.
class SuppressionGate final : public collect::Gate {
 public:
  SuppressionGate(const Suppressions& suppressions, PrivacyCounters& counters)
      : suppressions_(suppressions), counters_(counters) {}
  collect::Decision inspect(event::Event& event) override;
  void cleanse(event::QuarantinedItem& item) override;

 private:
  bool names_one(std::string_view json);

  const Suppressions& suppressions_;
  PrivacyCounters& counters_;
  collect::JsonIndex index_;
  collect::JsonTape tape_;
};

class SuppressionGateMaker final : public collect::GateMaker {
 public:
  SuppressionGateMaker(const Suppressions& suppressions, PrivacyCounters& counters)
      : suppressions_(suppressions), counters_(counters) {}
  std::unique_ptr<collect::Gate> gate() const override {
    return std::make_unique<SuppressionGate>(suppressions_, counters_);
  }

 private:
  const Suppressions& suppressions_;
  PrivacyCounters& counters_;
};

}  // namespace millrace::privacy
