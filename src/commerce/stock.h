#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "commerce/retention_queue.h"
#include "event/fact.h"
#include "process/checkpointed.h"
#include "process/keyed_state.h"
#include "process/timers.h"

namespace millrace::commerce {

struct StockSettings {
  std::int64_t ttl_ms = 15 * base::kMinuteMs;  // Of a reservation that names none.
  std::int64_t ttl_ms_max = base::kDayMs;
  std::int64_t retention_ms =
      3 * base::kDayMs;  // How long the answer to a reservation is known after its end.
  std::size_t lines_max = 100;
  std::size_t id_bytes_max = 200;
  std::int64_t quantity_max = 1'000'000'000;
  std::size_t cached_entries = 200'000;  // Of stock items and of reservations, each.
};

// One SKU. received - committed = on_hand at all times.
struct StockItem {
  static constexpr std::size_t kReferences = 16;

  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;   // Sum of the pending reservations.
  std::int64_t safety = 0;     // Never promised to anyone.
  std::int64_t received = 0;   // Sum of what counts have added to or taken from on_hand.
  std::int64_t committed = 0;  // Units that left by committed reservations.
  // Hashes of the newest references that a count came with, so that its repeat is known.
  std::array<std::uint64_t, kReferences> references{};
  std::uint8_t reference_next = 0;

  std::int64_t available() const;  // Not below 0.
  bool has_reference(std::uint64_t hash) const;
  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, StockItem& into);
};

// Persisted; append only.
enum class ReservationState : std::uint8_t { pending, committed, released, expired, rejected, late };

struct StockShort {
  std::string sku;
  std::int64_t requested = 0;
  std::int64_t available = 0;
};

struct Reservation {
  ReservationState state = ReservationState::pending;
  std::uint64_t sequence = 0;           // Larger is younger.
  std::vector<event::StockLine> lines;  // Sorted by SKU, one for each.
  base::WallTime expires_at;
  base::WallTime ended_at;         // When it last stopped being pending, or was refused.
  std::vector<StockShort> shorts;  // Why it was rejected, or its commit came too late.

  void encode(std::string& out) const;
  static bool decode(std::string_view bytes, Reservation& into);
};

struct StockAnswer {
  int status = 200;
  std::string body;  // JSON.
};

// Stock of every SKU and the reservations that hold it, decided by one writer, so that an order of several
// SKUs is taken whole or not at all and nothing is ever promised twice.
//
// Every command may be repeated. Reserve answers as it did the first time, whatever became of the reservation
// since, until retention_ms after its end; the same id with other lines is refused. Commit and release of a
// reservation that is committed or released already answer the same and change nothing.
//
// Expiry is by the time of the records alone: a reservation whose expires_at is not after `now` holds
// nothing. A commit after that takes fresh stock when there is enough, and is refused for good otherwise
// (`late`): money was taken for goods that someone else may have, and a person must look at it.
//
// Only an outside count below what is reserved oversells. Its answer lists the youngest reservations that are
// not covered; they stay pending, and a commit that would take on_hand below 0 is refused until a higher
// count or their expiry.
class Stock final : public process::Checkpointed {
 public:
  Stock(const process::StateStore& store, const std::string& prefix, StockSettings settings);

  // `now` is the time that the state reflects.
  base::Status restore(base::WallTime now);

  // Expires what is due and forgets what ended long ago. Time never goes back: an earlier `now` changes
  // nothing.
  void advance(base::WallTime now);
  // The time that advance() was told was ahead: `now` is right. Reservations made meanwhile are held no longer than they may be.
  void set_back(base::WallTime now);
  // `sequence` grows with every command. Call advance() with the command's time first.
  StockAnswer apply(std::uint64_t sequence, const event::StockCommand& command);

  // The SKUs whose numbers changed since the last call, in order, as they are now.
  std::vector<event::StockLevel> take_changes();

  const StockItem* item(std::string_view sku) { return items_.find(sku); }
  const Reservation* reservation(std::string_view id) { return reservations_.find(id); }
  std::size_t pending() const { return pending_; }
  std::uint64_t kept() { return ended_.size(); }

  void freeze() override { parts_.freeze(); }
  bool drain(process::StateBatch& batch, std::size_t entries) override {
    return parts_.drain(batch, entries);
  }
  void committed() override { parts_.committed(); }

 private:
  StockAnswer set(const event::SetStock& command);
  StockAnswer reserve(std::uint64_t sequence, const event::Reserve& command);
  StockAnswer commit(std::string_view id);
  StockAnswer commit_late(std::string_view id);
  StockAnswer release(std::string_view id);

  std::vector<StockShort> shorts(const std::vector<event::StockLine>& lines);
  std::vector<std::string> oversold(std::string_view sku);
  void hold(std::string_view id, const Reservation& reservation);
  void let_go(std::string_view id, const Reservation& reservation);
  void take(const std::vector<event::StockLine>& lines);
  void end(std::string_view id, ReservationState state);
  StockItem& change(std::string_view sku);
  void check(bool holds) const;

  const process::StateStore& store_;
  std::string reservation_prefix_;
  StockSettings settings_;
  base::WallTime now_;
  process::KeyedState<StockItem> items_;
  process::KeyedState<Reservation> reservations_;
  process::Timers timers_;
  RetentionQueue ended_;
  process::CheckpointedParts parts_;
  // Pending reservations of a SKU, oldest first; made again from the store by restore().
  std::unordered_map<std::string, std::set<std::pair<std::uint64_t, std::string>>> holders_;
  std::size_t pending_ = 0;
  std::set<std::string, std::less<>> changed_;
};

}  // namespace millrace::commerce
