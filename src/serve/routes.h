#pragma once

#include "serve/route_table.h"
#include "serve/sources.h"
#include "serve/views.h"

namespace millrace::serve {

class ItemFeed;
class LivePush;
class Metrics;
class StockDesk;

// The routes, a file each. What is passed must outlive the table.
void add_recommend_routes(RouteTable& table, Views& views, const Sources& sources, const base::Clock& clock);
void add_view_routes(RouteTable& table, Views& views);
void add_count_routes(RouteTable& table, const Views& views, const Sources& sources);
void add_contract_routes(RouteTable& table, const Sources& sources);
void add_admin_routes(RouteTable& table, const Sources& sources);
void add_stock_routes(RouteTable& table, StockDesk& desk);
void add_platform_routes(RouteTable& table, const Sources& sources, const base::Clock& clock);
void add_privacy_routes(RouteTable& table, const Sources& sources);
void add_live_routes(RouteTable& table, LivePush& live);
void add_item_routes(RouteTable& table, ItemFeed& feed, const Sources& sources);
void add_metrics_routes(RouteTable& table, const Metrics& metrics);

// 503 for a route whose source is not there.
http::Response not_available(std::string_view what);
http::Response json_response(std::string body, int status = 200);

}  // namespace millrace::serve
