#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/data_directory.h"
#include "app/journal_set.h"
#include "app/settings.h"
#include "base/histogram.h"
#include "collect/collector.h"
#include "collect/dialect.h"
#include "collect/item_watch.h"
#include "collect/shopify_stock.h"
#include "collect/source_table.h"
#include "http/http.h"
#include "serve/metrics.h"
#include "serve/recent_items.h"

namespace millrace::app {

// The names of the sources of `settings`, the open one first when there is one.
std::vector<std::string> source_names(const Settings& settings);
// By index; "" for one no longer in the settings.
std::vector<std::string> source_names_by_index(const Settings& settings,
                                               const std::vector<std::uint16_t>& indices);

// Of each source, by its index; what Orders must know to choose whom to believe.
std::vector<std::uint8_t> precedence_by_index(const Settings& settings,
                                              const std::vector<std::uint16_t>& indices);

// Shows what comes in to whoever looks.
class DoorWatch final : public collect::ItemWatch {
 public:
  explicit DoorWatch(serve::RecentItems& items) : items_(items) {}
  void accepted(const event::Event& event, base::WallTime at) override { items_.accepted(event, at); }
  void turned_away(const event::QuarantinedItem& item, event::Verdict verdict, base::WallTime at) override {
    items_.turned_away(item, verdict, at);
  }
  void refused(std::string_view reason, std::string_view detail, base::WallTime at) override {
    items_.refused(reason, detail, at);
  }

 private:
  serve::RecentItems& items_;
};

// Collection as the platform wires it: who may send, which dialects, into which journals.
class CollectDoor {
 public:
  // `indices`: the persistent index of each of source_names(). Every event passes the gates, in their order.
  static base::Result<std::unique_ptr<CollectDoor>> open(const Settings& settings,
                                                         const std::vector<std::uint16_t>& indices,
                                                         JournalSet& journals,
                                                         std::vector<const collect::GateMaker*> gates,
                                                         const base::Clock& clock, disk::Disk& disk,
                                                         collect::Collector::StockPort stock);

  void add_routes(http::Router& router) {
    for (const auto& dialect : dialects_) collector_->attach(*dialect, router);
  }

  // By index; "" for one no longer in the settings.
  std::vector<std::string> names_by_index() const { return names_by_index_; }
  const serve::RecentItems& recent_items() const { return recent_items_; }
  const base::Histogram& ack_ns() const { return collector_->counters().ack_ns; }
  void collect(serve::MetricSamples& samples) const;

 private:
  explicit CollectDoor(collect::SourceTable sources) : sources_(std::move(sources)) {}
  base::Status add_dialects(const Settings& settings, const collect::ItemLimits& limits);

  const collect::SourceTable sources_;
  std::vector<std::string> names_by_index_;
  std::unique_ptr<collect::ShopifyStock> shopify_stock_;
  std::vector<std::unique_ptr<collect::Dialect>> dialects_;
  serve::RecentItems recent_items_{serve::RecentItemLimits{}};
  DoorWatch watch_{recent_items_};
  std::unique_ptr<collect::Collector> collector_;
};

}  // namespace millrace::app
