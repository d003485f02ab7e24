#include "app/collect_door.h"

#include "app/privacy_guard.h"
#include "app/webhook_mapping_file.h"
#include "collect/ga4_dialect.h"
#include "collect/segment_dialect.h"
#include "collect/snowplow_dialect.h"
#include "collect/webhook_dialect.h"
#include "tools/file_text.h"

namespace millrace::app {

namespace {
constexpr char kOpenSourceName[] = "default";
}

std::vector<std::string> source_names(const Settings& settings) {
  std::vector<std::string> names;
  if (settings.unknown_write_keys == UnknownKeys::accept) names.emplace_back(kOpenSourceName);
  for (const auto& source : settings.sources) names.push_back(source.name);
  return names;
}

std::vector<std::string> source_names_by_index(const Settings& settings,
                                               const std::vector<std::uint16_t>& indices) {
  std::vector<std::string> by_index;
  const std::vector<std::string> names = source_names(settings);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (by_index.size() <= indices[i]) by_index.resize(indices[i] + 1u);
    by_index[indices[i]] = names[i];
  }
  return by_index;
}

std::vector<bool> elsewhere_by_index(const Settings& settings, const std::vector<std::uint16_t>& indices) {
  std::vector<bool> elsewhere;
  const std::size_t open_sources = indices.size() - settings.sources.size();
  for (std::size_t i = 0; i < settings.sources.size(); ++i) {
    const std::string& region = settings.sources[i].region;
    const std::size_t index = indices[i + open_sources];
    if (region.empty() || region == settings.region) continue;
    if (elsewhere.size() <= index) elsewhere.resize(index + 1);
    elsewhere[index] = true;
  }
  return elsewhere;
}

base::Result<std::unique_ptr<CollectDoor>> CollectDoor::open(const Settings& settings,
                                                             const std::vector<std::uint16_t>& indices,
                                                             JournalSet& journals,
                                                             std::vector<const collect::GateMaker*> gates,
                                                             const base::Clock& clock, disk::Disk& disk,
                                                             collect::Collector::StockPort stock) {
  collect::OpenSource open_source;
  std::vector<collect::SourceSettings> sources;
  const std::vector<std::string> names = source_names(settings);
  const std::size_t open_sources = names.size() - settings.sources.size();
  if (open_sources == 1) open_source = {true, indices[0], kOpenSourceName};
  for (std::size_t i = 0; i < settings.sources.size(); ++i) {
    const SourceSettings& source = settings.sources[i];
    auto& made = sources.emplace_back(collect::SourceSettings{
        indices[i + open_sources], source.name, source.write_key, source.secret, source.enabled});
    if (source.mapping.empty()) continue;
    TRY_ASSIGN(const std::string text, tools::read_text(source.mapping));
    TRY_ASSIGN(made.mapping, compile_mapping(text, source.mapping));
  }
  TRY_ASSIGN(auto table, collect::SourceTable::make(sources, open_source));
  std::unique_ptr<CollectDoor> door(new CollectDoor(std::move(table), clock));
  door->from_settings_ = std::move(sources);
  door->open_source_ = open_source;
  door->region_ = settings.region;
  door->ranks_ = settings.entities.order.ranks;
  for (const auto& source : settings.sources) {
    if (!source.region.empty()) door->regions_.emplace(source.name, source.region);
  }
  door->names_by_index_ = source_names_by_index(settings, indices);
  collect::ItemLimits limits;
  limits.inflated_bytes_max = settings.inflated_bytes_max;
  limits.items_max = settings.batch_items_max;
  limits.item_bytes_max = settings.event_bytes_max;
  TRY_ASSIGN(door->shopify_stock_, collect::ShopifyStock::open(disk, "shopify_stock"));
  door->shopify_stock_->keep_out(holds_card, elsewhere_by_index(settings, indices));
  door->add_dialects(settings, limits);
  collect::CollectorSettings collector_settings;
  collector_settings.time =
      settings.time == process::TimeMode::events ? collect::TimeSource::events : collect::TimeSource::wall;
  collector_settings.elsewhere = elsewhere_by_index(settings, indices);
  std::vector<journal::GroupCommit*> partitions;
  for (std::uint32_t p = 0; p < journals.partitions(event::Topic::events); ++p) {
    partitions.push_back(&journals.commit(event::Topic::events, p));
  }
  door->collector_ = std::make_unique<collect::Collector>(collector_settings, std::move(partitions), clock,
                                                          std::move(gates));
  door->collector_->watch(door->watch_);
  door->collector_->send_stock_to(std::move(stock));
  door->collector_->meter(door->sources_);
  return door;
}

void CollectDoor::add_dialects(const Settings& settings, const collect::ItemLimits& limits) {
  dialects_.push_back(std::make_unique<collect::SegmentDialect>(sources_, limits));
  collect::SnowplowSettings snowplow{settings.snowplow_cookie, settings.snowplow_cookie_domain, {}};
  if (!settings.snowplow_post_path.empty()) snowplow.post_paths.push_back(settings.snowplow_post_path);
  dialects_.push_back(std::make_unique<collect::SnowplowDialect>(sources_, limits, std::move(snowplow)));
  dialects_.push_back(std::make_unique<collect::Ga4ProtocolDialect>(sources_, limits));
  dialects_.push_back(std::make_unique<collect::Ga4TagDialect>(sources_, limits));
  dialects_.push_back(std::make_unique<collect::WebhookDialect>(sources_, limits, shopify_stock_.get()));
}

void CollectDoor::collect(serve::MetricSamples& samples) const {
  const auto& counters = collector_->counters();
  const auto number = [](const std::atomic<std::uint64_t>& value) {
    return static_cast<double>(value.load());
  };
  samples.counter("millrace_collect_requests_total", "Collection requests.", number(counters.requests));
  samples.counter("millrace_collect_requests_refused_total", "Answered 4xx; nothing of them was stored.",
                  number(counters.requests_refused));
  samples.counter("millrace_collect_requests_overloaded_total", "Answered 429.",
                  number(counters.requests_overloaded));
  samples.counter("millrace_collect_requests_over_quota_total",
                  "Answered 429 because the source sends more than it may; counted as refused, too.",
                  number(counters.requests_over_quota));
  collect_refusals(samples);
  samples.counter("millrace_collect_requests_failed_total", "Answered 503.",
                  number(counters.requests_failed));
  samples.counter("millrace_collect_received_bytes_total", "Bytes of collection bodies.",
                  number(counters.bytes));
  samples.counter("millrace_collect_items_total", "Items by verdict at the door.",
                  number(counters.items_accepted), {{"verdict", "accepted"}});
  samples.counter("millrace_collect_items_total", "Items by verdict at the door.",
                  number(counters.items_quarantined), {{"verdict", "quarantined"}});
  samples.counter("millrace_collect_items_total", "Items by verdict at the door.",
                  number(counters.items_suppressed), {{"verdict", "suppressed"}});
  samples.counter("millrace_collect_items_total", "Items by verdict at the door.",
                  number(counters.items_consent_dropped), {{"verdict", "consent_dropped"}});
  samples.counter("millrace_collect_items_refused_total",
                  "Items that their write key did not let in, of batches that were taken: not stored.",
                  number(counters.items_refused));
  samples.counter("millrace_collect_items_other_region_total",
                  "Items of sources whose data belongs to another region: not stored.",
                  number(counters.items_elsewhere));
  samples.histogram("millrace_collect_ack_seconds", "From the whole request to its answer, of 2xx.",
                    counters.ack_ns.snapshot(), serve::HistogramUnit::nanoseconds);
  samples.histogram("millrace_collect_parse_seconds",
                    "From the whole request to its records handed to the journal.",
                    counters.parse_ns.snapshot(), serve::HistogramUnit::nanoseconds);
}

}  // namespace millrace::app
