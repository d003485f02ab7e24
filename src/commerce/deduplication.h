#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "event/event.h"
#include "process/dedup_index.h"

namespace millrace::commerce {

constexpr std::size_t kRecentOrdersMax = 32;

// True exactly once for each (source, visitor, message id) within the index's horizon. An event without a message id is always new.
bool first_message(process::DedupIndex& index, const event::Event& event, std::uint64_t visitor_hash);

// The orders a visitor completed last, by hash of the order id. The same order comes from browser, server and webhook with different
// message ids, and counts once. (Across visitors the order stage decides.)
class RecentOrders {
 public:
  // True when the order is not among them, and remembers it. An event that is no order_completed, or has no order id, is new.
  bool first_order(const event::Event& event);
  bool knows(const event::Event& event) const;

  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);

 private:
  std::vector<std::uint64_t> hashes_;  // The newest last.
};

}  // namespace millrace::commerce
