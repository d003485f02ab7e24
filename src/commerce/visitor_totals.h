#pragma once

#include <cstdint>
#include <string>

#include "process/checkpointed.h"

namespace millrace::commerce {

// What a partition's visitors did, since its first record.
struct VisitorTotals {
  std::uint64_t events = 0;       // Accepted.
  std::uint64_t late_events = 0;  // Accepted, but too late for sessions and carts.
  std::uint64_t visitors = 0;     // Seen for the first time, or again after they were forgotten.
  std::uint64_t sessions = 0;     // Less those that were joined to others.
  std::uint64_t sessions_joined = 0;
  std::uint64_t session_rows = 0;
  std::uint64_t orders = 0;
  std::uint64_t carts_abandoned = 0;
  std::uint64_t carts_purchased_in_time = 0;  // Armed, and disarmed by a purchase.
  std::uint64_t carts_silenced = 0;
  std::uint64_t abandonments_cancelled = 0;  // By a purchase that came after.
  std::uint64_t abandonments_withheld = 0;   // Told to nobody: marketing was not granted.
  std::uint64_t bots = 0;                    // Events that no figure counts.
  std::uint64_t visitors_forgotten = 0;
};

// The totals as one entry of the state.
class StoredTotals final : public process::Checkpointed {
 public:
  StoredTotals(const process::StateStore& store, std::string key) : store_(store), key_(std::move(key)) {}
  base::Status restore();

  VisitorTotals& values() { return live_; }
  const VisitorTotals& values() const { return live_; }

  void freeze() override { frozen_ = live_; }
  bool drain(process::StateBatch& batch, std::size_t entries) override;
  void committed() override {}

 private:
  const process::StateStore& store_;
  std::string key_;
  VisitorTotals live_;
  VisitorTotals frozen_;
};

}  // namespace millrace::commerce
