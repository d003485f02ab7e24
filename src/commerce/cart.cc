#include "commerce/cart.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/hash.h"

namespace millrace::commerce {

namespace {

constexpr std::int64_t kQuantityMax = 1'000'000;
// The bits that a cart's bytes begin with.
constexpr int kTouched = 1;
constexpr int kArmed = 2;
constexpr int kAbandonedBefore = 4;
constexpr int kPurchasedBefore = 8;

auto line_of(std::vector<event::CartLine>& lines, std::string_view product_id) {
  return std::find_if(lines.begin(), lines.end(),
                      [&](const auto& line) { return line.product_id == product_id; });
}

void write_lines(const std::vector<event::CartLine>& lines, base::ByteWriter& writer) {
  writer.varint(lines.size());
  for (const auto& line : lines) {
    writer.text(line.product_id);
    writer.text(line.name);
    writer.zigzag(line.quantity);
    writer.zigzag(line.price.micros);
  }
}

event::CartLine read_line(base::ByteReader& reader) {
  event::CartLine line;
  line.product_id = reader.text();
  line.name = reader.text();
  line.quantity = reader.zigzag();
  line.price.micros = reader.zigzag();
  return line;
}

}  // namespace

void CartEffects::clear() {
  abandoned.clear();
  cancelled.clear();
  purchased_in_time = 0;
  silenced = 0;
}

void Cart::apply(CartChange change, const CartSettings& settings, std::uint64_t visitor_hash,
                 std::int64_t watermark_ms, CartEffects& effects) {
  settle(settings, visitor_hash, watermark_ms, effects);
  if (change.mark.at_ms <= watermark_ms) {
    take_effect(change, watermark_ms, settings, visitor_hash, effects);
    return;
  }
  auto at = pending_.end();
  while (at != pending_.begin() && change.mark < std::prev(at)->mark) --at;
  pending_.insert(at, std::move(change));
  if (pending_.size() > settings.pending_max) {
    const CartChange oldest = std::move(pending_.front());
    pending_.erase(pending_.begin());
    take_effect(oldest, oldest.mark.at_ms, settings, visitor_hash, effects);
  }
}

void Cart::settle(const CartSettings& settings, std::uint64_t visitor_hash, std::int64_t watermark_ms,
                  CartEffects& effects) {
  std::size_t reached = 0;
  for (; reached < pending_.size() && pending_[reached].mark.at_ms <= watermark_ms; ++reached) {
    take_effect(pending_[reached], pending_[reached].mark.at_ms, settings, visitor_hash, effects);
  }
  if (reached > 0) pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(reached));
  if (armed_ && expires_at_ms_ < watermark_ms) abandon(settings, visitor_hash, effects);
}

void Cart::take_effect(const CartChange& change, std::int64_t reached_ms, const CartSettings& settings,
                       std::uint64_t visitor_hash, CartEffects& effects) {
  const std::int64_t at = change.mark.at_ms;
  if (armed_ && (at > armed_at_ms_ + settings.abandoned_after_ms || expires_at_ms_ < reached_ms)) {
    abandon(settings, visitor_hash, effects);
  }
  if (change.kind == CartChange::Kind::purchase) {
    purchase(at, effects);
    return;
  }
  if (purchased_before_ && at < purchased_at_ms_) return;
  if (lines_.empty()) {
    created_at_ms_ = at;
  }
  if (change.currency.known()) currency_ = change.currency;
  edit_lines(change, settings);
  if (lines_.empty()) {
    empty();
    return;
  }
  armed_at_ms_ = armed_ ? std::max(armed_at_ms_, at) : at;
  armed_ = true;
  expires_at_ms_ = std::max(armed_at_ms_ + settings.abandoned_after_ms, reached_ms + settings.straggler_ms);
}

void Cart::edit_lines(const CartChange& change, const CartSettings& settings) {
  const std::int64_t quantity = std::clamp<std::int64_t>(change.line.quantity, 1, kQuantityMax);
  const auto line = line_of(lines_, change.line.product_id);
  if (change.kind == CartChange::Kind::remove) {
    if (line == lines_.end()) return;
    line->quantity -= quantity;
    if (line->quantity <= 0) lines_.erase(line);
    return;
  }
  if (line == lines_.end()) {
    if (lines_.size() >= settings.lines_max) return;
    lines_.push_back(change.line);
    lines_.back().quantity = quantity;
    return;
  }
  line->quantity = std::min(line->quantity + quantity, kQuantityMax);
  if (change.line.price.micros != 0) line->price = change.line.price;
  if (!change.line.name.empty()) line->name = change.line.name;
}

void Cart::purchase(std::int64_t at_ms, CartEffects& effects) {
  if (armed_) ++effects.purchased_in_time;
  for (const auto& trigger : outstanding_) effects.cancelled.push_back({trigger.id, at_ms});
  outstanding_.clear();
  purchased_at_ms_ = purchased_before_ ? std::max(purchased_at_ms_, at_ms) : at_ms;
  purchased_before_ = true;
  empty();
  ++epoch_;
}

void Cart::withhold(std::uint64_t trigger_id) {
  std::erase_if(outstanding_, [&](const Trigger& trigger) { return trigger.id == trigger_id; });
}

void Cart::disarm() {
  armed_ = false;
  armed_at_ms_ = 0;
  expires_at_ms_ = 0;
}

void Cart::empty() {
  disarm();
  lines_.clear();
  currency_ = {};
  created_at_ms_ = 0;
}

void Cart::abandon(const CartSettings& settings, std::uint64_t visitor_hash, CartEffects& effects) {
  const std::int64_t at = armed_at_ms_ + settings.abandoned_after_ms;
  const std::int64_t armed_at = armed_at_ms_;
  const std::uint64_t id = base::mix(base::mix(visitor_hash, epoch_), static_cast<std::uint64_t>(armed_at));
  disarm();
  ++epoch_;
  if (settings.silence_ms > 0 && abandoned_before_ && at < last_abandoned_ms_ + settings.silence_ms) {
    ++effects.silenced;
    return;
  }
  abandoned_before_ = true;
  last_abandoned_ms_ = at;
  if (outstanding_.size() >= settings.outstanding_max) outstanding_.erase(outstanding_.begin());
  outstanding_.push_back({id, at});
  effects.abandoned.push_back({id, armed_at, at, created_at_ms_, lines_, currency_});
}

std::int64_t Cart::next_due(const CartSettings& settings) const {
  std::int64_t due = armed_ ? expires_at_ms_ : std::numeric_limits<std::int64_t>::max();
  for (const auto& change : pending_) {
    if (change.kind == CartChange::Kind::purchase) {
      // What was sent should be taken back when the purchase takes effect, not when something else happens to look.
      if (!outstanding_.empty()) due = std::min(due, change.mark.at_ms);
      continue;
    }
    due = std::min(due, change.mark.at_ms + settings.abandoned_after_ms);
  }
  return due;
}

void Cart::merge(Cart& other, const CartSettings& settings) {
  if (!other.lines_.empty()) {
    created_at_ms_ = lines_.empty() ? other.created_at_ms_ : std::min(created_at_ms_, other.created_at_ms_);
    if (!currency_.known()) currency_ = other.currency_;
  }
  for (auto& line : other.lines_) {
    const auto mine = line_of(lines_, line.product_id);
    if (mine != lines_.end()) {
      mine->quantity = std::max(mine->quantity, line.quantity);
    } else if (lines_.size() < settings.lines_max) {
      lines_.push_back(std::move(line));
    }
  }
  if (other.armed_) {
    armed_at_ms_ = armed_ ? std::max(armed_at_ms_, other.armed_at_ms_) : other.armed_at_ms_;
    expires_at_ms_ = armed_ ? std::max(expires_at_ms_, other.expires_at_ms_) : other.expires_at_ms_;
    armed_ = true;
  }
  for (auto& change : other.pending_) {
    auto at = pending_.end();
    while (at != pending_.begin() && change.mark < std::prev(at)->mark) --at;
    pending_.insert(at, std::move(change));
  }
  for (const auto& trigger : other.outstanding_) outstanding_.push_back(trigger);
  if (outstanding_.size() > settings.outstanding_max) {
    outstanding_.erase(outstanding_.begin(),
                       outstanding_.end() - static_cast<std::ptrdiff_t>(settings.outstanding_max));
  }
  if (other.abandoned_before_) {
    last_abandoned_ms_ =
        abandoned_before_ ? std::max(last_abandoned_ms_, other.last_abandoned_ms_) : other.last_abandoned_ms_;
    abandoned_before_ = true;
  }
  if (other.purchased_before_) {
    purchased_at_ms_ =
        purchased_before_ ? std::max(purchased_at_ms_, other.purchased_at_ms_) : other.purchased_at_ms_;
    purchased_before_ = true;
  }
  const std::uint32_t epoch = other.epoch_ + 1;
  other = Cart{};
  other.epoch_ = epoch;
}

void Cart::contents(const CartSettings& settings, std::vector<event::CartLine>& lines,
                    event::Currency& currency) const {
  lines = lines_;
  currency = currency_;
  if (pending_.empty()) return;
  Cart seen;
  seen.lines_ = lines_;
  seen.currency_ = currency_;
  for (const auto& change : pending_) {
    if (change.kind == CartChange::Kind::purchase) {
      seen.lines_.clear();
      continue;
    }
    if (change.currency.known()) seen.currency_ = change.currency;
    seen.edit_lines(change, settings);
  }
  lines = std::move(seen.lines_);
  currency = seen.currency_;
}

void Cart::encode(base::ByteWriter& writer) const {
  if (untouched()) return writer.u8(0);
  writer.u8(static_cast<std::uint8_t>(kTouched | (armed_ ? kArmed : 0) |
                                      (abandoned_before_ ? kAbandonedBefore : 0) |
                                      (purchased_before_ ? kPurchasedBefore : 0)));
  write_lines(lines_, writer);
  writer.text(currency_.text());
  writer.zigzag(created_at_ms_);
  writer.zigzag(armed_at_ms_);
  writer.zigzag(expires_at_ms_);
  writer.varint(epoch_);
  writer.zigzag(purchased_at_ms_);
  writer.zigzag(last_abandoned_ms_);
  writer.varint(outstanding_.size());
  for (const auto& trigger : outstanding_) {
    writer.u64(trigger.id);
    writer.zigzag(trigger.at_ms);
  }
  writer.varint(pending_.size());
  for (const auto& change : pending_) {
    write_mark(change.mark, writer);
    writer.u8(static_cast<std::uint8_t>(change.kind));
    write_lines({change.line}, writer);
    writer.text(change.currency.text());
  }
}

bool Cart::decode(base::ByteReader& reader) {
  *this = Cart{};
  const auto bits = reader.u8();
  // Without the times that belong to them these two say nothing.
  if ((bits & kTouched) == 0) return reader.ok() && (bits & ~(kAbandonedBefore | kPurchasedBefore)) == 0;
  if ((bits & ~(kTouched | kArmed | kAbandonedBefore | kPurchasedBefore)) != 0) return false;
  armed_ = (bits & kArmed) != 0;
  abandoned_before_ = (bits & kAbandonedBefore) != 0;
  purchased_before_ = (bits & kPurchasedBefore) != 0;
  const auto lines = reader.varint();
  if (lines > reader.remaining()) return false;
  for (std::uint64_t i = 0; i < lines; ++i) lines_.push_back(read_line(reader));
  currency_ = event::parse_currency(reader.text());
  created_at_ms_ = reader.zigzag();
  armed_at_ms_ = reader.zigzag();
  expires_at_ms_ = reader.zigzag();
  epoch_ = static_cast<std::uint32_t>(reader.varint());
  purchased_at_ms_ = reader.zigzag();
  last_abandoned_ms_ = reader.zigzag();
  const auto triggers = reader.varint();
  if (triggers > reader.remaining()) return false;
  for (std::uint64_t i = 0; i < triggers; ++i) {
    const auto id = reader.u64();
    outstanding_.push_back({id, reader.zigzag()});
  }
  const auto pending = reader.varint();
  if (pending > reader.remaining()) return false;
  for (std::uint64_t i = 0; i < pending; ++i) {
    CartChange change;
    change.mark = read_mark(reader);
    const auto kind = reader.u8();
    if (kind > static_cast<std::uint8_t>(CartChange::Kind::purchase) || reader.varint() != 1) return false;
    change.kind = static_cast<CartChange::Kind>(kind);
    change.line = read_line(reader);
    change.currency = event::parse_currency(reader.text());
    pending_.push_back(std::move(change));
  }
  return reader.ok();
}

}  // namespace millrace::commerce
