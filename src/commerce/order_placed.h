#pragma once

#include <cstdint>
#include <string_view>

#include "commerce/session.h"
#include "event/event.h"
#include "event/row.h"

namespace millrace::commerce {

bool is_order(event::EventType type);

// What an order event says, with its amounts derived; the session's part is not filled in. The event must be an order's.
event::OrderRow order_of(const event::Event& event, std::uint64_t offset, std::string_view visitor_id);

// Where the order came from: the session it was placed in.
void credit(event::OrderRow& order, const Session& session);

}  // namespace millrace::commerce
