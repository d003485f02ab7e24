#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "serve/route_table.h"

namespace millrace::serve {

struct VisitorIdSettings {
  std::string cookie = "millrace_id";
  std::int64_t days = 395;                 // Thirteen months; 0: no cookie is ever set.
  std::int64_t visit_ms = 30 * 60 * 1000;  // The cookie is written once in this time.
};

// /v1/id: the visitor's id in a cookie of the shop's own origin, which scripts cannot read and only the server can write.
// The cookie's value is the id and the second it was written, so that no state is kept here. `make_id` gives 32 unpredictable
// hex digits; empty: 503.
void add_visitor_id_routes(RouteTable& table, VisitorIdSettings settings,
                           const std::function<std::string()>& make_id, const base::Clock& clock);

}  // namespace millrace::serve
