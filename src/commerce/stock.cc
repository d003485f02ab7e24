#include "commerce/stock.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "base/hash.h"
#include "commerce/stock_answer.h"

namespace millrace::commerce {

namespace {

constexpr std::uint8_t kExpiry = 1;

// Sorted by SKU, one line for each.
std::vector<event::StockLine> merged(std::vector<event::StockLine> lines) {
  std::sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.sku < b.sku; });
  std::vector<event::StockLine> result;
  for (auto& line : lines) {
    if (!result.empty() && result.back().sku == line.sku) {
      result.back().quantity += line.quantity;
    } else {
      result.push_back(std::move(line));
    }
  }
  return result;
}

StockAnswer unknown_reservation() {
  return stock_refused(404, "unknown_reservation", "No reservation has this id, or it ended too long ago.",
                       "Check the id, or reserve again.");
}

StockAnswer invalid(std::string_view message) {
  return stock_refused(400, "invalid_stock_command", message, "Correct the request; nothing was changed.");
}

}  // namespace

Stock::Stock(const process::StateStore& store, const std::string& prefix, StockSettings settings)
    : store_(store),
      reservation_prefix_(prefix + "r/"),
      settings_(settings),
      items_(store, prefix + "i/", settings.cached_entries),
      reservations_(store, reservation_prefix_, settings.cached_entries),
      timers_(store, prefix + "t/"),
      ended_(store, prefix + "q/"),
      parts_({&items_, &reservations_, &timers_, &ended_}) {}

base::Status Stock::restore(base::WallTime now) {
  now_ = now;
  TRY(timers_.restore());
  bool readable = true;
  TRY(store_.scan(reservation_prefix_, [&](std::string_view key, std::string_view value) {
    Reservation reservation;
    readable = Reservation::decode(value, reservation);
    if (readable && reservation.state == ReservationState::pending) {
      hold(key.substr(reservation_prefix_.size()), reservation);
    }
    return readable;
  }));
  if (!readable) return base::Error(base::ErrorCode::corrupt, "a reservation cannot be decoded");
  return base::Ok{};
}

void Stock::advance(base::WallTime now) {
  if (now <= now_) return;
  now_ = now;
  process::Timers::Due due;
  while (timers_.pop(now, due)) {
    const Reservation* reservation = reservations_.find(due.key);
    if (reservation == nullptr || reservation->state != ReservationState::pending) continue;
    let_go(due.key, *reservation);
    end(due.key, ReservationState::expired);
  }
  while (const auto id = ended_.pop(now)) {
    const Reservation* reservation = reservations_.find(*id);
    // It may have changed since it was put into the queue: then it is there a second time.
    if (reservation == nullptr || reservation->state == ReservationState::pending) continue;
    if (reservation->ended_at + settings_.retention_ms <= now) reservations_.erase(*id);
  }
}

void Stock::set_back(base::WallTime now) {
  now_ = now;
  std::set<std::string> held;
  for (const auto& [sku, holders] : holders_) {
    for (const auto& [sequence, id] : holders) held.insert(id);
  }
  for (const auto& id : held) {
    const Reservation* reservation = reservations_.find(id);
    if (reservation == nullptr || reservation->expires_at <= now + settings_.ttl_ms_max) continue;
    const base::WallTime expires_at = now + settings_.ttl_ms;
    reservations_.edit(id).expires_at = expires_at;
    timers_.set(kExpiry, id, expires_at);
  }
}

StockAnswer Stock::apply(std::uint64_t sequence, const event::StockCommand& command) {
  return std::visit(
      [&](const auto& known) {
        using Command = std::decay_t<decltype(known)>;
        if constexpr (std::is_same_v<Command, event::SetStock>) return set(known);
        if constexpr (std::is_same_v<Command, event::Reserve>) return reserve(sequence, known);
        if constexpr (std::is_same_v<Command, event::CommitReservation>) return commit(known.id);
        if constexpr (std::is_same_v<Command, event::ReleaseReservation>) return release(known.id);
      },
      command);
}

StockAnswer Stock::set(const event::SetStock& command) {
  if (command.sku.empty() || command.sku.size() > settings_.id_bytes_max)
    return invalid("A SKU is missing or too long.");
  const auto in_range = [&](std::int64_t count) { return count >= 0 && count <= settings_.quantity_max; };
  if (!in_range(command.on_hand) || !in_range(command.safety)) {
    return invalid("on_hand and safety must be between 0 and " + std::to_string(settings_.quantity_max) +
                   ".");
  }
  // 0 stands for "none" in the ring.
  const std::uint64_t reference = command.reference.empty() ? 0 : base::hash64(command.reference) | 1;
  const StockItem* known = items_.find(command.sku);
  const bool repeated = reference != 0 && known != nullptr && known->has_reference(reference);
  if (!repeated) {
    StockItem& item = change(command.sku);
    item.received += command.on_hand - item.on_hand;
    item.on_hand = command.on_hand;
    item.safety = command.safety;
    if (reference != 0) {
      item.references[item.reference_next] = reference;
      item.reference_next = static_cast<std::uint8_t>((item.reference_next + 1) % StockItem::kReferences);
    }
  }
  return stock_counted(command.sku, *items_.find(command.sku), oversold(command.sku));
}

StockAnswer Stock::reserve(std::uint64_t sequence, const event::Reserve& command) {
  if (command.id.empty() || command.id.size() > settings_.id_bytes_max)
    return invalid("An id is missing or too long.");
  if (command.lines.empty() || command.lines.size() > settings_.lines_max) {
    return invalid("A reservation has between 1 and " + std::to_string(settings_.lines_max) + " lines.");
  }
  for (const auto& line : command.lines) {
    if (line.sku.empty() || line.sku.size() > settings_.id_bytes_max)
      return invalid("A SKU is missing or too long.");
    if (line.quantity < 1 || line.quantity > settings_.quantity_max) {
      return invalid("A quantity must be between 1 and " + std::to_string(settings_.quantity_max) + ".");
    }
  }
  if (command.ttl_ms < 0 || command.ttl_ms > settings_.ttl_ms_max) {
    return invalid("ttl_s must be between 1 and " + std::to_string(settings_.ttl_ms_max / base::kSecondMs) +
                   ".");
  }
  auto lines = merged(command.lines);
  if (const Reservation* first = reservations_.find(command.id)) {
    if (first->lines != lines) {
      return stock_refused(409, "id_reused", "This id was used before with other lines.",
                           "Use a new id for each reservation; repeat an id only to repeat its request.");
    }
    const bool rejected = first->state == ReservationState::rejected;
    return rejected ? stock_short(command.id, first->shorts, "stock_short")
                    : stock_reserved(command.id, *first);
  }

  auto missing = shorts(lines);
  Reservation& reservation = reservations_.edit(command.id);
  reservation.sequence = sequence;
  reservation.lines = std::move(lines);
  reservation.expires_at = now_ + (command.ttl_ms == 0 ? settings_.ttl_ms : command.ttl_ms);
  if (!missing.empty()) {
    reservation.shorts = std::move(missing);
    end(command.id, ReservationState::rejected);
    return stock_short(command.id, reservations_.find(command.id)->shorts, "stock_short");
  }
  const Reservation held = reservation;
  for (const auto& line : held.lines) change(line.sku).reserved += line.quantity;
  hold(command.id, held);
  timers_.set(kExpiry, command.id, held.expires_at);
  return stock_reserved(command.id, held);
}

StockAnswer Stock::commit(std::string_view id) {
  const Reservation* reservation = reservations_.find(id);
  if (reservation == nullptr) return unknown_reservation();
  switch (reservation->state) {
    case ReservationState::committed: return reservation_status(id, ReservationState::committed);
    case ReservationState::rejected: return stock_short(id, reservation->shorts, "stock_short");
    case ReservationState::late: return stock_short(id, reservation->shorts, "late_commit");
    case ReservationState::expired: return commit_late(id);
    case ReservationState::released:
      return stock_refused(409, "released", "This reservation was released before.",
                           "Reserve again under a new id.");
    case ReservationState::pending: break;
  }
  const Reservation held = *reservation;
  std::vector<StockShort> missing;
  for (const auto& line : held.lines) {
    const StockItem* stock = items_.find(line.sku);
    const std::int64_t on_hand = stock == nullptr ? 0 : stock->on_hand;
    if (on_hand < line.quantity) missing.push_back({line.sku, line.quantity, on_hand});
  }
  if (!missing.empty()) return stock_short(id, missing, "oversold");
  timers_.cancel(kExpiry, id);
  let_go(id, held);
  take(held.lines);
  end(id, ReservationState::committed);
  return reservation_status(id, ReservationState::committed);
}

StockAnswer Stock::commit_late(std::string_view id) {
  const std::vector<event::StockLine> lines = reservations_.find(id)->lines;
  auto missing = shorts(lines);
  if (missing.empty()) {
    take(lines);
    end(id, ReservationState::committed);
    return reservation_status(id, ReservationState::committed);
  }
  reservations_.edit(id).shorts = missing;
  end(id, ReservationState::late);
  return stock_short(id, missing, "late_commit");
}

StockAnswer Stock::release(std::string_view id) {
  const Reservation* reservation = reservations_.find(id);
  if (reservation == nullptr) return unknown_reservation();
  const ReservationState state = reservation->state;
  if (state == ReservationState::committed) {
    return stock_refused(409, "committed", "This reservation was committed; its units have left the stock.",
                         "Book a return by a new count of the stock.");
  }
  if (state == ReservationState::pending) {
    timers_.cancel(kExpiry, id);
    const Reservation held = *reservation;
    let_go(id, held);
  }
  if (state == ReservationState::pending || state == ReservationState::expired)
    end(id, ReservationState::released);
  return reservation_status(id, reservations_.find(id)->state);
}

std::vector<StockShort> Stock::shorts(const std::vector<event::StockLine>& lines) {
  std::vector<StockShort> result;
  for (const auto& line : lines) {
    const StockItem* stock = items_.find(line.sku);
    const std::int64_t available = stock == nullptr ? 0 : stock->available();
    if (available < line.quantity) result.push_back({line.sku, line.quantity, available});
  }
  return result;
}

std::vector<std::string> Stock::oversold(std::string_view sku) {
  std::vector<std::string> result;
  const StockItem* stock = items_.find(sku);
  std::int64_t excess = stock->reserved - stock->on_hand;
  const auto holders = holders_.find(std::string(sku));
  if (excess <= 0 || holders == holders_.end()) return result;
  for (auto it = holders->second.rbegin(); it != holders->second.rend() && excess > 0; ++it) {
    for (const auto& line : reservations_.find(it->second)->lines) {
      if (line.sku == sku) excess -= line.quantity;
    }
    result.push_back(it->second);
  }
  return result;
}

void Stock::hold(std::string_view id, const Reservation& reservation) {
  for (const auto& line : reservation.lines)
    holders_[line.sku].emplace(reservation.sequence, std::string(id));
  ++pending_;
}

void Stock::let_go(std::string_view id, const Reservation& reservation) {
  for (const auto& line : reservation.lines) {
    StockItem& stock = change(line.sku);
    stock.reserved -= line.quantity;
    check(stock.reserved >= 0);
    const auto holders = holders_.find(line.sku);
    INVARIANT(holders != holders_.end());
    holders->second.erase({reservation.sequence, std::string(id)});
    if (holders->second.empty()) holders_.erase(holders);
  }
  --pending_;
}

void Stock::take(const std::vector<event::StockLine>& lines) {
  for (const auto& line : lines) {
    StockItem& stock = change(line.sku);
    stock.on_hand -= line.quantity;
    stock.committed += line.quantity;
    check(stock.on_hand >= 0 && stock.received - stock.committed == stock.on_hand);
  }
}

void Stock::end(std::string_view id, ReservationState state) {
  Reservation& reservation = reservations_.edit(id);
  reservation.state = state;
  reservation.ended_at = now_;
  ended_.push(id, now_ + settings_.retention_ms);
}

StockItem& Stock::change(std::string_view sku) {
  if (changed_.find(sku) == changed_.end()) changed_.emplace(sku);
  return items_.edit(sku);
}

// Numbers read through a store that failed mean nothing; the partition's owner stops before anyone sees them.
void Stock::check(bool holds) const { INVARIANT(holds || store_.fault().has_value()); }

std::vector<event::StockLevel> Stock::take_changes() {
  std::vector<event::StockLevel> result;
  for (const auto& sku : changed_) {
    const StockItem* stock = items_.find(sku);
    if (stock == nullptr) continue;
    result.push_back({sku, stock->on_hand, stock->reserved, stock->available(), now_});
  }
  changed_.clear();
  return result;
}

}  // namespace millrace::commerce
