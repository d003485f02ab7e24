// State work of the first stage alone, on one core: decoding, de-duplication, sessions, funnel, cart, counters and all outputs, over encoded
// records as the journal holds them. A shop's traffic: Zipf visitors and products, sessions of a few events, carts and purchases.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "commerce/visitor_stage.h"
#include "event/record.h"
#include "process/memory_state_store.h"

namespace {

using namespace millrace;
using event::EventType;
using event::Text;

constexpr std::size_t kVisitorsAtOnce = 20'000;
constexpr std::size_t kBatch = 1'000;

struct Visit {
  std::string visitor;
  std::string campaign;
  std::uint64_t left = 0;
};

EventType next_type(base::SeededRandom& random) {
  const double at = random.unit();
  if (at < 0.35) return EventType::page_viewed;
  if (at < 0.50) return EventType::product_list_viewed;
  if (at < 0.88) return EventType::product_viewed;
  if (at < 0.94) return EventType::product_added;
  if (at < 0.95) return EventType::product_removed;
  if (at < 0.97) return EventType::checkout_started;
  if (at < 0.985) return EventType::payment_info_entered;
  return EventType::order_completed;
}

std::vector<std::string> make_records(std::size_t events) {
  base::SeededRandom random(7);
  std::vector<Visit> visits(kVisitorsAtOnce);
  std::vector<std::string> records;
  records.reserve(events);
  const std::string agent =
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/126.0.0.0 Safari/537.36";
  std::uint64_t next_visitor = 0;
  for (std::size_t i = 0; i < events; ++i) {
    Visit& visit = visits[random.below(visits.size())];
    if (visit.left == 0) {
      visit = {"anonymous-" + std::to_string(1'000'000'007ULL * ++next_visitor % 99'999'999'977ULL),
               random.chance(0.4) ? "cpc" : "", 1 + random.below(14)};
    }
    --visit.left;
    const auto product = static_cast<std::uint64_t>(50'000 * std::pow(random.unit(), 3));
    const std::string message_id = "message-" + std::to_string(random.next());
    const std::string product_id = "sku-" + std::to_string(product);
    const std::string category = "category-" + std::to_string(product % 40);
    const std::string path = "/products/" + product_id;
    const std::string order_id = "order-" + std::to_string(i);
    event::Event event;
    event.type = next_type(random);
    event.received_at = {1'700'000'000'000 + static_cast<std::int64_t>(i / 100)};
    event.event_time = event.received_at - static_cast<std::int64_t>(random.below(2000));
    event[Text::message_id] = message_id;
    event[Text::anonymous_id] = visit.visitor;
    event[Text::page_url] = "https://shop.example/products/anything";
    event[Text::page_path] = path;
    event[Text::page_referrer] = "https://www.google.com/";
    event[Text::campaign_medium] = visit.campaign;
    event[Text::user_agent] = agent;
    event[Text::locale] = "de-DE";
    event.currency = event::parse_currency("EUR");
    const bool product_event =
        event.type == EventType::product_viewed || event.type == EventType::product_added ||
        event.type == EventType::product_removed || event.type == EventType::order_completed;
    if (product_event) {
      auto& line = event.products.emplace_back();
      line.product_id = product_id;
      line.name = "A product with a name";
      line.category = category;
      line.price = {19'990'000};
      line.has_price = true;
    }
    if (event.type == EventType::order_completed) {
      event[Text::order_id] = order_id;
      event.set(event::Amount::revenue, {19'990'000});
    }
    event::encode_event(event, records.emplace_back());
  }
  return records;
}

void visitor_stage(benchmark::State& state) {
  const auto records = make_records(static_cast<std::size_t>(state.range(0)));
  std::uint64_t sessions = 0;
  for (auto _ : state) {
    process::MemoryStateStore store;
    commerce::VisitorStage stage(store, {});
    process::Outputs out;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto status = stage.on_record({0, {i}, static_cast<std::uint32_t>(i % kBatch)}, records[i], out);
      if (!status.ok()) state.SkipWithError(status.error().message().c_str());
      if (i % kBatch + 1 == kBatch) {
        stage.on_batch_end(out);
        out.clear();
      }
    }
    sessions = stage.totals().sessions;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * records.size()));
  state.counters["sessions"] = static_cast<double>(sessions);
}

}  // namespace

BENCHMARK(visitor_stage)->Unit(benchmark::kMillisecond)->Iterations(1)->Arg(50'000);  // For callgrind.
BENCHMARK(visitor_stage)->Unit(benchmark::kMillisecond)->Iterations(3)->Arg(1'000'000);
BENCHMARK_MAIN();
