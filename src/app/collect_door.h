#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "admin/write_key_book.h"
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
#include "serve/sources.h"

namespace millrace::app {

// The names of the sources of `settings`, the open one first when there is one.
std::vector<std::string> source_names(const Settings& settings);
// By index; "" for one no longer in the settings.
// The sources of `settings` whose data belongs to another region.
std::vector<bool> elsewhere_by_index(const Settings& settings, const std::vector<std::uint16_t>& indices);
std::vector<std::string> source_names_by_index(const Settings& settings,
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
  // Method and pattern of what add_routes() adds.
  std::set<std::pair<http::Method, std::string>> routes() const;

  // Lets in what the settings say and the keys of `book` besides; `indices` are those of its sources, in its order. Requests that
  // begin later go by it.
  base::Status set_keys(const admin::WriteKeyBook& book, const std::vector<std::uint16_t>& indices);
  // Whether the request shows a write key that may send.
  bool admits(const http::Request& request) const;
  // "KEY:SECRET" that lets in what is of that source; any key does when it is the open one.
  std::string credential_of(const std::string& source) const;
  serve::SourceDetails details() const;

  // By index; "" for one no longer in the settings.
  std::vector<std::string> names_by_index() const;
  const serve::RecentItems& recent_items() const { return recent_items_; }
  const base::Histogram& ack_ns() const { return collector_->counters().ack_ns; }
  void collect(serve::MetricSamples& samples) const;

 private:
  CollectDoor(collect::SourceTable sources, const base::Clock& clock)
      : sources_(std::move(sources)), clock_(clock) {}
  std::shared_ptr<collect::Quota> quota_for(const admin::WriteKey& key);
  void collect_refusals(serve::MetricSamples& samples) const;
  void add_dialects(const Settings& settings, const collect::ItemLimits& limits);

  collect::SourceTable sources_;
  const base::Clock& clock_;
  std::vector<collect::SourceSettings> from_settings_;
  collect::OpenSource open_source_;
  std::shared_ptr<const commerce::SourceRanks> ranks_;
  std::string region_;                                             // Of our storage.
  std::map<std::string, std::string> regions_;                     // By source; of those that have one.
  std::map<std::string, std::shared_ptr<collect::Quota>> quotas_;  // By source; of set_keys().
  mutable std::mutex mutex_;
  std::vector<std::string> names_by_index_;  // Guarded by mutex_.
  std::unique_ptr<collect::ShopifyStock> shopify_stock_;
  std::vector<std::unique_ptr<collect::Dialect>> dialects_;
  serve::RecentItems recent_items_{serve::RecentItemLimits{}};
  DoorWatch watch_{recent_items_};
  std::unique_ptr<collect::Collector> collector_;
};

}  // namespace millrace::app
