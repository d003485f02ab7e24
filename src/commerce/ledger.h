#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/event.h"
#include "event/row.h"
#include "event/view.h"
#include "process/keyed_state.h"

namespace millrace::commerce {

// The account of every item that reached this partition: each is counted once as received and once under its verdict, in the cell of its
// source and the minute of its receipt. So every cell closes, after every record.
class Ledger {
 public:
  Ledger(const process::StateStore& store, std::string prefix, std::size_t entries_max);

  void count(std::uint16_t source, base::WallTime received_at, event::Verdict verdict);

  // Appends the cells changed since the last call, as they are now.
  void take_changed(std::vector<event::ViewUpdate>& out);
  // Appends every stored cell.
  static base::Status restore(const process::StateStore& store, const std::string& prefix,
                              std::vector<event::ViewUpdate>& out);

  process::Checkpointed& state() { return cells_; }

 private:
  struct Counts {
    std::array<std::uint64_t, event::kVerdictCount> verdicts{};
    mutable bool listed = false;  // In changed_; not state.
    void encode(std::string& out) const;
    static bool decode(std::string_view bytes, Counts& into);
  };
  static event::LedgerCell cell(std::uint64_t key, const Counts& counts);

  process::KeyedState<Counts, process::NumberKey> cells_;
  std::vector<std::uint64_t> changed_;
};

}  // namespace millrace::commerce
