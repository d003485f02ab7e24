#pragma once

#include "http/http.h"
#include "serve/item_feed.h"
#include "serve/live_push.h"
#include "serve/metrics.h"
#include "serve/route_table.h"
#include "serve/sources.h"
#include "serve/stock_desk.h"
#include "serve/views.h"
#include "serve/visitor_id.h"

namespace millrace::serve {

struct ApiSettings {
  LiveLimits live;
  ItemFeedLimits items;
  VisitorIdSettings visitor_id;
  StockLimits stock;
};

// Every path of the HTTP API but collection, added to `router`, and the dashboard's files. What it is given
// must outlive it, and it must outlive the server. It reports its own metrics to `metrics`.
class Api final : public MetricSource {
 public:
  Api(http::Router& router, Views& views, Sources sources, Metrics& metrics, const base::Clock& clock,
      ApiSettings settings);

  // Pushes to live clients and gives up on late stock answers; one thread calls it about every 200 ms.
  void tick();
  LivePush& live() { return live_; }
  const RouteTable& routes() const { return table_; }

  void collect(MetricSamples& samples) const override;

 private:
  Views& views_;
  const Sources sources_;
  RouteTable table_;
  LivePush live_;
  ItemFeed items_;
  StockDesk stock_;
};

}  // namespace millrace::serve
