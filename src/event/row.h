#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "event/event.h"

namespace millrace::event {

// Steps of the purchase funnel, in order.
enum class FunnelStep : std::uint8_t {
  landing,
  browse,
  product_view,
  add_to_cart,
  checkout,
  payment,
  purchase
};
constexpr std::size_t kFunnelStepCount = 7;
std::string_view to_string(FunnelStep step);

// Where the first touch of a session came from.
enum class Channel : std::uint8_t { direct, organic, paid, social, email, referral };
constexpr std::size_t kChannelCount = 6;
std::string_view to_string(Channel channel);

enum class Device : std::uint8_t { unknown, desktop, mobile, tablet, bot, other };
constexpr std::size_t kDeviceCount = 6;
std::string_view to_string(Device device);

// What a partition's owner adds to an event of the journal for the lake. The event itself is not copied: it is
// decoded again from the record batch that the group carries.
struct EventRow {
  std::uint32_t index = 0;  // Of the record in RowGroup::records.
  Verdict verdict = Verdict::accepted;
  std::uint64_t session_id = 0;  // 0 when none (duplicates).
};

// A closed session, or a correction of one: same session_id, higher version. `retracted` says that a late event
// joined this session to another one, which carries its events now.
struct SessionRow {
  std::uint64_t offset = 0;  // Of the record that closed it.
  std::uint64_t session_id = 0;
  std::uint32_t version = 1;
  bool retracted = false;
  std::string visitor_id;
  std::string user_id;
  base::WallTime started_at;
  base::WallTime ended_at;
  std::uint32_t events = 0;
  std::uint32_t page_views = 0;
  std::uint32_t product_views = 0;
  std::uint32_t cart_adds = 0;
  std::uint32_t orders = 0;
  Money revenue;
  Currency currency;
  Channel channel = Channel::direct;
  Device device = Device::unknown;
  FunnelStep level = FunnelStep::landing;
  std::string campaign_source;
  std::string campaign_medium;
  std::string campaign_name;
  std::string country;
  std::string category;
  std::string entry_page;
  std::string exit_page;
};

struct OrderLine {
  std::string product_id;
  std::string name;
  std::string category;
  std::int64_t quantity = 0;
  Money price;
};

enum class OrderStatus : std::uint8_t { completed, updated, refunded, cancelled };
std::string_view to_string(OrderStatus status);

// One order as first seen, or a later change of it (higher version).
struct OrderRow {
  std::uint64_t offset = 0;
  std::string order_id;
  std::uint32_t version = 1;
  OrderStatus status = OrderStatus::completed;
  std::uint16_t source = 0;
  std::string visitor_id;
  std::string user_id;
  std::uint64_t session_id = 0;
  base::WallTime ordered_at;
  Currency currency;
  Money revenue, total, subtotal, tax, shipping, discount;  // As the client gave them; zero when absent.
  Money items_net;                                          // Sum of price * quantity over the lines.
  Money order_net;                                          // docs/formats/tables.md gives the one rule.
  Money order_gross;
  bool reconciles = true;
  std::string coupon;
  Channel channel = Channel::direct;
  Device device = Device::unknown;
  std::string country;
  std::vector<OrderLine> lines;
};

// Sessions that reached each step (at least), by the minute they started in: absolute values of one partition, so
// that writing a cell twice changes nothing.
struct FunnelCell {
  std::int64_t minute_ms = 0;
  Channel channel = Channel::direct;
  Device device = Device::unknown;
  std::string category;
  std::array<std::uint32_t, kFunnelStepCount> sessions{};
};

// Items received, by source and minute of receipt, and what became of them: absolute values of one partition.
struct LedgerCell {
  // In place of a minute: the sum of all minutes that are no longer held.
  static constexpr std::int64_t kEarlier = INT64_MIN;
  std::int64_t minute_ms = 0;
  std::uint16_t source = 0;
  std::uint64_t received = 0;
  std::array<std::uint64_t, kVerdictCount> verdicts{};
  // Of those whose event is kept, how many consent has taken something from; the rest is as it came.
  std::uint64_t pseudonymised = 0;
  std::uint64_t anonymised = 0;
};

}  // namespace millrace::event
