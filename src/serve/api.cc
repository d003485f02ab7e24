#include "serve/api.h"

#include "serve/routes.h"
#include "serve/static_files.h"

namespace millrace::serve {

Api::Api(http::Router& router, Views& views, Sources sources, Metrics& metrics, const base::Clock& clock,
         ApiSettings settings)
    : views_(views),
      sources_(std::move(sources)),
      table_(router, clock),
      live_(views, sources_, clock, settings.live),
      items_(sources_, clock, settings.items),
      stock_(sources_, clock, settings.stock) {
  add_recommend_routes(table_, views_, sources_, clock);
  add_view_routes(table_, views_);
  add_count_routes(table_, views_, sources_);
  add_stock_routes(table_, stock_);
  add_platform_routes(table_, sources_, clock);
  add_privacy_routes(table_, sources_);
  add_contract_routes(table_, sources_);
  add_admin_routes(table_, sources_);
  add_live_routes(table_, live_);
  add_item_routes(table_, items_, sources_);
  add_visitor_id_routes(table_, std::move(settings.visitor_id), sources_.make_visitor_id, clock);
  add_metrics_routes(table_, metrics);
  add_static_files(router);
  metrics.add(*this);
}

void Api::tick() {
  live_.tick();
  items_.tick();
  stock_.tick();
}

void Api::collect(MetricSamples& samples) const {
  static constexpr std::string_view kClasses[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (const RouteProbe& probe : table_.probes()) {
    const std::string_view method = http::to_string(probe.method);
    std::uint64_t answers = 0;
    for (std::size_t i = 0; i < probe.answers.size(); ++i) {
      const std::uint64_t count = probe.answers[i].load(std::memory_order_relaxed);
      answers += count;
      if (count == 0) continue;
      samples.counter("millrace_api_answers_total", "Answers of the API by route and class of status.",
                      static_cast<double>(count),
                      {{"method", method}, {"route", probe.pattern}, {"status", kClasses[i]}});
    }
    if (answers == 0) continue;
    samples.histogram("millrace_api_answer_seconds",
                      "Time from a whole request to its answer, without the network.",
                      probe.duration_ns.snapshot(), HistogramUnit::nanoseconds,
                      {{"method", method}, {"route", probe.pattern}});
  }

  const Views::Sizes sizes = views_.sizes();
  const auto size = [&samples](std::string_view view, std::size_t entries) {
    samples.gauge("millrace_view_entries", "Entries held in memory by view.", static_cast<double>(entries),
                  {{"view", view}});
  };
  size("visitors", sizes.visitors);
  size("products", sizes.products);
  size("trending_categories", sizes.trending_categories);
  size("funnel_cells", sizes.funnel_cells);
  size("open_sessions", sizes.open_sessions);

  const auto evictions = [&samples](std::string_view view, std::uint64_t count) {
    samples.counter("millrace_view_evictions_total", "Entries that made room for others, by view.",
                    static_cast<double>(count), {{"view", view}});
  };
  evictions("visitors", sizes.visitors_evicted);
  evictions("products", sizes.products_evicted);

  const Views::Counters& counters = views_.counters();
  const auto count = [&samples](std::string_view name, std::string_view help,
                                const std::atomic<std::uint64_t>& value) {
    samples.counter(name, help, static_cast<double>(value.load(std::memory_order_relaxed)));
  };
  count("millrace_view_updates_total", "View updates applied.", counters.updates);
  count("millrace_view_groups_repeated_total", "Groups of view updates that were applied already.",
        counters.repeated);
  count("millrace_view_groups_stale_total",
        "Groups of view updates refused because their owner was replaced.", counters.stale);
  count("millrace_view_visitor_loads_total", "Visitors read from durable state on a miss.",
        counters.visitor_loads);
  count("millrace_view_product_loads_total", "Products read from durable state on a miss.",
        counters.product_loads);
  samples.histogram("millrace_view_visible_seconds",
                    "Time from the sync that made an event durable until the views reflect it.",
                    views_.visible_us().snapshot(), HistogramUnit::microseconds);

  samples.gauge("millrace_live_clients", "Live pages connected.", static_cast<double>(live_.clients()));
  samples.gauge("millrace_item_feed_clients", "Pages and commands that watch the items come in.",
                static_cast<double>(items_.clients()));
  samples.counter("millrace_live_clients_gone_total", "Live pages that left or fell too far behind.",
                  static_cast<double>(live_.dropped()));
  samples.gauge("millrace_stock_commands_waiting", "Stock commands that wait for their outcome.",
                static_cast<double>(stock_.waiting()));
  samples.counter("millrace_stock_answers_late_total",
                  "Stock commands whose outcome took longer than the limit.",
                  static_cast<double>(stock_.timed_out()));
}

}  // namespace millrace::serve
