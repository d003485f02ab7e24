#include "app/collect_door.h"

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

base::Result<std::unique_ptr<CollectDoor>> CollectDoor::open(const Settings& settings,
                                                             const std::vector<std::uint16_t>& indices,
                                                             JournalSet& journals,
                                                             std::vector<const collect::GateMaker*> gates,
                                                             const base::Clock& clock) {
  collect::OpenSource open_source;
  std::vector<collect::SourceSettings> sources;
  const std::vector<std::string> names = source_names(settings);
  const std::size_t open_sources = names.size() - settings.sources.size();
  if (open_sources == 1) open_source = {true, indices[0], kOpenSourceName};
  for (std::size_t i = 0; i < settings.sources.size(); ++i) {
    sources.push_back(
        {indices[i + open_sources], settings.sources[i].name, settings.sources[i].write_key, "", true});
  }
  TRY_ASSIGN(auto table, collect::SourceTable::make(std::move(sources), open_source));
  std::unique_ptr<CollectDoor> door(new CollectDoor(std::move(table)));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (door->names_by_index_.size() <= indices[i]) door->names_by_index_.resize(indices[i] + 1u);
    door->names_by_index_[indices[i]] = names[i];
  }
  collect::ItemLimits limits;
  limits.inflated_bytes_max = settings.inflated_bytes_max;
  limits.items_max = settings.batch_items_max;
  limits.item_bytes_max = settings.event_bytes_max;
  door->segment_ = std::make_unique<collect::SegmentDialect>(door->sources_, limits);
  collect::CollectorSettings collector_settings;
  collector_settings.time =
      settings.time == process::TimeMode::events ? collect::TimeSource::events : collect::TimeSource::wall;
  std::vector<journal::GroupCommit*> partitions;
  for (std::uint32_t p = 0; p < journals.partitions(event::Topic::events); ++p) {
    partitions.push_back(&journals.commit(event::Topic::events, p));
  }
  door->collector_ = std::make_unique<collect::Collector>(collector_settings, std::move(partitions), clock,
                                                          std::move(gates));
  return door;
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
  samples.histogram("millrace_collect_ack_seconds", "From the whole request to its answer, of 2xx.",
                    counters.ack_ns.snapshot(), serve::HistogramUnit::nanoseconds);
  samples.histogram("millrace_collect_parse_seconds",
                    "From the whole request to its records handed to the journal.",
                    counters.parse_ns.snapshot(), serve::HistogramUnit::nanoseconds);
}

}  // namespace millrace::app
