#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "event/row.h"

namespace millrace::event {

struct CartLine {
  std::string product_id;
  std::string name;
  std::int64_t quantity = 0;
  Money price;
};

// A visitor as the front end may ask for it.
struct VisitorView {
  std::string visitor_id;
  std::string user_id;
  base::WallTime first_seen;
  base::WallTime last_seen;
  std::uint32_t sessions = 0;  // Including the running one.
  std::uint64_t events = 0;
  std::uint32_t orders = 0;
  Channel first_channel = Channel::direct;
  // The newest session; `open` until it is closed.
  std::uint64_t session_id = 0;
  bool open = false;
  base::WallTime session_started;
  Channel channel = Channel::direct;
  Device device = Device::unknown;
  std::string country;
  std::string entry_page;
  FunnelStep level = FunnelStep::landing;
  std::uint32_t session_events = 0;
  std::vector<std::string> items;  // Products viewed or carted in it, oldest first, the newest 16.
  std::vector<CartLine> cart;
  Currency currency;
  std::vector<std::string> bought;  // Products not to be recommended, because they were just bought.
};

struct ProductView {
  std::string product_id;
  std::string name;
  std::string category;
  Money price;
  Currency currency;
  std::uint64_t views = 0, carts = 0, purchases = 0, units_sold = 0;
  Money revenue;
  bool stock_known = false;
  std::int64_t on_hand = 0, reserved = 0, available = 0;
};

struct TrendingItem {
  std::string product_id;
  std::string category;
  double score = 0;       // Of a trend, above 0; 0 for what fills the list up: merely popular.
  double fast_rate = 0;   // Events per hour, half-life 1 h.
  double popularity = 0;  // Views 1, carts 4, purchases 10, half-life 7 d.
};

// The whole ranking of one category ("" = of the shop) in one partition, best first: trends by score, then the popular.
// Rankings of several partitions are merged by (score, popularity, smaller id).
struct TrendingView {
  std::string category;
  std::vector<TrendingItem> items;
};

// One product looked at, in a session that may still be open: feeds the recommendation index at once.
struct ClickView {
  std::uint64_t session_id = 0;
  std::string product_id;
  std::string category;
  base::WallTime at;
  bool purchase = false;
};

struct SessionClosedView {
  std::uint64_t session_id = 0;
  std::vector<std::string> items;
  SessionRow row;
};

using ViewUpdate = std::variant<std::shared_ptr<const ProductView>, std::shared_ptr<const TrendingView>,
                                FunnelCell, LedgerCell, ClickView, std::shared_ptr<const SessionClosedView>>;

// Views of visitors, encoded one after the other: there is one for nearly every event, and most are replaced before
// anybody asks for them.
class VisitorViews {
 public:
  void add(const VisitorView& view);
  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  void truncate(std::size_t size);

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

// Updates of one partition. Applying a group again changes nothing; one of an older epoch is refused.
struct ViewGroup {
  std::uint8_t topic = 0;
  std::uint32_t partition = 0;
  std::uint64_t epoch = 0;
  std::uint64_t offset = 0;    // Of the last record they reflect.
  std::uint32_t part = 0;      // Of several groups with one offset, in order.
  base::WallTime received_at;  // Of the newest event among them; 0 when none.
  std::vector<ViewUpdate> updates;
  VisitorViews visitors;
  base::WallTime cells_from{};  // Cells of earlier minutes may be missing among them; 0: none is.

  bool empty() const { return updates.empty() && visitors.empty(); }
};

}  // namespace millrace::event
