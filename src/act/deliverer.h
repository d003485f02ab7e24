#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "act/outbox.h"
#include "act/transport.h"
#include "base/clock.h"
#include "base/random.h"
#include "disk/disk.h"
#include "journal/journal.h"

namespace millrace::act {

struct DelivererSettings {
  std::string state_path = "outbox";  // On the disk given.
  std::int64_t save_interval_ms = 1'000;
  OutboxLimits limits;
};

struct DelivererFigures {
  std::uint64_t attempts = 0;
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;   // Given up.
  std::uint64_t errors = 0;   // Attempts that did not deliver.
  std::uint64_t pending = 0;  // Actions.
};

// Takes actions from their journal to the targets, and remembers what arrived.
//
// Promise: an action that is durable in the journal reaches every target at least once, until the receiver
// refuses it for good or give_up_after_ms have passed; a crash repeats at most what was delivered since the
// last save. A receiver drops repeats by Millrace-Action-Id. A target that is added later gets only actions
// that come later.
//
// open() first; then one thread calls pump() and, per target, up to in_flight_max threads call deliver_one().
// The rest is safe from any thread.
class Deliverer {
 public:
  Deliverer(const journal::Journal& actions, disk::Disk& disk, std::vector<Target> targets,
            Transport& transport, const base::Clock& clock, base::Random& random, DelivererSettings settings);

  // Called from pump() for each action that is seen for the first time.
  void on_action(std::function<void(const event::Action&)> observer) { observer_ = std::move(observer); }

  // What of an action leaves the house, made of its body right before each attempt: it may say more than is ever stored. Set
  // before the first deliver_one(); from then on many threads call it.
  void on_leaving(std::function<std::string(std::string body)> rewrite) { leaving_ = std::move(rewrite); }

  base::Status open();
  // Reads what is new in the journal and saves when that is due; how many actions it read. To be called about
  // every 100 ms.
  base::Result<std::size_t> pump();
  // Makes one delivery if one is due, which may block for the transport's timeout; whether it did.
  bool deliver_one(std::size_t target);
  // Makes what was delivered until now known to the next start. On pump()'s thread, or after it has ended.
  base::Status save();

  std::size_t targets() const { return targets_.size(); }
  std::vector<OutboxEntry> list(std::size_t n, std::optional<DeliveryState> state) const;
  DelivererFigures figures() const;

 private:
  Delivery compose(const Target& target, const event::Action& action) const;

  const journal::Journal& journal_;
  disk::Disk& disk_;
  const std::vector<Target> targets_;
  Transport& transport_;
  const base::Clock& clock_;
  const DelivererSettings settings_;
  std::function<void(const event::Action&)> observer_;
  std::function<std::string(std::string body)> leaving_;

  mutable std::mutex mutex_;  // Guards the outbox and the figures.
  Outbox outbox_;
  DelivererFigures figures_;
  bool changed_ = false;
  std::uint64_t announced_ = 0;  // Actions from this offset on are new to the observer.
  base::Instant saved_at_;
};

}  // namespace millrace::act
