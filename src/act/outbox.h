#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "event/fact.h"

namespace millrace::act {

struct OutboxLimits {
  std::size_t listed_max = 10'000;   // Finished actions that are kept to be listed.
  std::size_t pending_max = 50'000;  // Then no more are taken from the journal, which holds them meanwhile.
  std::size_t in_flight_max = 4;     // Deliveries to one target at a time.
  std::int64_t first_retry_ms = 1'000;
  std::int64_t retry_max_ms = 600'000;
  std::int64_t target_pause_max_ms = 60'000;
  std::int64_t give_up_after_ms = 12 * base::kHourMs;  // Since the first attempt.
};

enum class DeliveryState : std::uint8_t {
  none = 0,
  pending = 1,
  delivered = 2,
  failed = 3
};  // Values are persisted.

// What became of an action at one target.
struct DeliveryRecord {
  DeliveryState state = DeliveryState::none;
  std::uint32_t attempts = 0;
  base::WallTime first_attempt;
  base::WallTime next_attempt;  // While pending.
  base::WallTime finished;
  std::string last_error;
};

struct OutboxEntry {
  std::uint64_t offset = 0;  // In the actions journal.
  event::Action action;
  std::vector<DeliveryRecord> targets;
  DeliveryState state() const;  // Of all targets together: pending while one is, failed when one has.
};

// One delivery to make, now.
struct Attempt {
  std::size_t target = 0;
  std::uint64_t offset = 0;
  event::Action action;
};

struct AttemptResult {
  enum class Kind : std::uint8_t {
    delivered,
    refused,      // The receiver said that it will never take it: no retry.
    rejected,     // This one was answered with an error; others may go through.
    unreachable,  // Nobody answered, or the receiver is not well: the whole target pauses.
  };
  Kind kind = Kind::delivered;
  std::string error;
  std::int64_t retry_after_ms = 0;
};

// Which actions are to go where, and when: the deciding core of delivery, without clock, journal or network.
// Each action goes to each target at least once; after a crash those finished since the last encode() go
// again, under the same id. Not thread-safe.
class Outbox {
 public:
  Outbox(std::vector<std::string> target_names, OutboxLimits limits, base::Random& random);

  // From here on the journal is to be read: after restore() from the oldest action that is still listed.
  std::uint64_t next_offset() const { return next_offset_; }
  // For a journal whose beginning was trimmed away.
  void skip_to(std::uint64_t offset);
  bool wants_more() const { return pending_ < limits_.pending_max; }
  // In order of offsets. false when it had been emitted before, under another offset, or was seen already.
  bool add(std::uint64_t offset, const event::Action& action, base::WallTime now);

  // The delivery of a target that is due first; it is in flight until finish().
  std::optional<Attempt> take(std::size_t target, base::WallTime now);
  void finish(const Attempt& attempt, const AttemptResult& result, base::WallTime now);
  // When take() may next return something; nullopt: when something was added or finished.
  std::optional<base::WallTime> next_due(std::size_t target) const;

  std::size_t pending() const { return pending_; }
  // Newest first.
  std::vector<OutboxEntry> list(std::size_t n, std::optional<DeliveryState> state) const;

  // docs/formats/outbox.md. Actions themselves are in the journal.
  std::string encode() const;
  // Into a new outbox. What was recorded comes back as the actions are added again, from next_offset() on.
  base::Status restore(std::string_view bytes);

 private:
  struct TargetState {
    std::string name;
    std::set<std::pair<std::int64_t, std::uint64_t>> due;  // (next attempt, offset)
    std::size_t in_flight = 0;
    std::uint32_t failures = 0;  // In a row.
    std::int64_t paused_until_ms = 0;
  };
  std::int64_t backoff_ms(std::uint32_t failures, std::int64_t max_ms);
  void trim();

  const OutboxLimits limits_;
  base::Random& random_;
  std::vector<TargetState> targets_;
  std::map<std::uint64_t, OutboxEntry> entries_;
  std::set<std::uint64_t> finished_;       // Offsets of those entries that nothing is pending of.
  std::unordered_set<std::uint64_t> ids_;  // Of entries_: what was emitted again after a crash is noticed.
  std::map<std::uint64_t, std::vector<DeliveryRecord>> restored_;
  std::uint64_t next_offset_ = 0;
  std::uint64_t seen_before_ = 0;  // Offsets below had been seen when the state was saved.
  std::size_t pending_ = 0;
};

}  // namespace millrace::act
