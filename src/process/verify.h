#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "process/partition_owner.h"
#include "process/stage.h"
#include "process/state_store.h"

namespace millrace::process {

struct VerifySettings {
  OwnerSettings owner;  // Topic and partition; stop_at is set here.
  std::size_t differences_max = 20;
  std::uint64_t checkpoint_records =
      200'000;  // Between two checkpoints of the recomputation: bounds its caches.
};

struct StateDifference {
  enum class Kind : std::uint8_t { only_live, only_recomputed, value };
  Kind kind = Kind::value;
  std::string key;
  std::string live;
  std::string recomputed;
};

struct VerifyReport {
  journal::Offset upto;  // Records below it were applied.
  std::uint64_t entries_live = 0;
  std::uint64_t entries_recomputed = 0;
  std::uint64_t digest_live = 0;  // Over keys and values in key order.
  std::uint64_t digest_recomputed = 0;
  std::uint64_t differences_total = 0;
  std::vector<StateDifference> differences;  // The first ones.
  bool same() const { return differences_total == 0; }
};

// Makes a fresh stage on a store, with the settings that the live one runs with.
using MakeStage = std::function<std::unique_ptr<Stage>(StateStore& store)>;

// Applies the journal from its first record to a fresh stage, up to the position of the live store's last
// checkpoint, and compares all entries: the live state is right if and only if they are the same bytes.
// Entries of kDerivedPrefix and the epoch are left out. Nothing may change the live store meanwhile.
// not_found when the journal's begin was trimmed away: then only the state since a snapshot could be checked.
base::Result<VerifyReport> verify_partition(const journal::Journal& journal, const StateStore& live,
                                            const MakeStage& make_stage, VerifySettings settings);

// Compares two stores as above.
base::Result<VerifyReport> compare_states(const StateStore& live, const StateStore& recomputed,
                                          std::size_t differences_max);

}  // namespace millrace::process
