#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "commerce/funnel.h"
#include "event/event.h"
#include "event/row.h"
#include "event/view.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

// The account of every item that reached this partition: each is counted once as received and once under its verdict, in the cell of its
// source and the minute of its receipt. So every cell closes, after every record.
class Ledger {
 public:
  Ledger(const process::StateStore& store, const CellSettings& settings);

  // `now`: the watermark.
  void count(std::uint16_t source, base::WallTime received_at, event::Verdict verdict, base::WallTime now);
  // The same for an item that is kept as an event, with what consent left of it.
  void count(const event::Event& event, event::Verdict verdict, base::WallTime now);
  // Adds up to `limit` cells whose time has passed to those of their sources that stand for all earlier minutes: in sum nothing is
  // lost. Not a change that take_changed() tells of.
  void forget(base::WallTime now, int limit);

  // Appends the cells changed since the last call, as they are now.
  void take_changed(std::vector<event::ViewUpdate>& out);
  // Appends every stored cell, those of the earlier minutes (LedgerCell::kEarlier) last.
  static base::Status restore(const process::StateStore& store, const std::string& prefix,
                              std::vector<event::ViewUpdate>& out);

  process::Checkpointed& state() { return parts_; }

 private:
  struct Counts {
    std::array<std::uint64_t, event::kVerdictCount> verdicts{};
    std::uint64_t pseudonymised = 0, anonymised = 0;
    mutable bool listed = false;  // In changed_; not state.
    bool empty() const;
    void encode(std::string& out) const;
    static bool decode(std::string_view bytes, Counts& into);
  };
  Counts& counted(std::uint16_t source, base::WallTime received_at, event::Verdict verdict,
                  base::WallTime now);
  static event::LedgerCell cell(std::uint64_t key, const Counts& counts);

  const std::int64_t retention_ms_;
  process::KeyedState<Counts, process::NumberKey> cells_;
  RetentionQueue queue_;
  process::CheckpointedParts parts_;
  std::vector<std::uint64_t> changed_;
};

}  // namespace millrace::commerce
