// The second stage alone, on one core: decoding, product counters, trends with a round every second of its
// time, and a view per product and batch, over encoded facts as the journal holds them; and the stock,
// reservations that are mostly refused.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"
#include "commerce/entity_stage.h"
#include "event/fact.h"
#include "event/record.h"
#include "process/memory_state_store.h"

namespace {

using namespace millrace;

constexpr std::size_t kBatch = 1'000;
constexpr std::int64_t kStart = 1'763'719'200'000;

std::vector<std::string> make_facts(std::size_t facts) {
  base::SeededRandom random(7);
  std::vector<std::string> records;
  records.reserve(facts);
  for (std::size_t i = 0; i < facts; ++i) {
    const std::int64_t now = kStart + static_cast<std::int64_t>(i / 200);  // 200,000 facts/s.
    if (i % 40'000 == 0) event::encode_tick({{now}}, records.emplace_back());
    const auto product = static_cast<std::uint64_t>(50'000 * std::pow(random.unit(), 3));
    event::ProductActivity fact;
    fact.action = random.chance(0.06)   ? event::ProductAction::add_to_cart
                  : random.chance(0.02) ? event::ProductAction::purchase
                                        : event::ProductAction::view;
    fact.product_id = "sku-" + std::to_string(product);
    fact.name = "A product with a name";
    fact.category = "category-" + std::to_string(product % 40);
    fact.visitor_hash = random.below(100'000);
    fact.at = {now - static_cast<std::int64_t>(random.below(2000))};
    fact.price = {19'990'000};
    fact.currency = event::parse_currency("EUR");
    event::encode_fact({event::Topic::events, 0, i, 0}, fact, records.emplace_back());
  }
  return records;
}

std::vector<std::string> make_commands(std::size_t commands) {
  base::SeededRandom random(7);
  std::vector<std::string> records;
  for (std::size_t i = 0; i < commands; ++i) {
    std::string& record = records.emplace_back();
    const std::int64_t now = kStart + static_cast<std::int64_t>(i / 50);
    if (i < 100) {
      event::encode_command({now}, event::SetStock{"sku-" + std::to_string(i), 1000, 0, ""}, record);
    } else if (i % 3 == 0) {
      event::encode_command({now}, event::CommitReservation{"r-" + std::to_string(i - 1)}, record);
    } else {
      event::Reserve reserve{
          "r-" + std::to_string(i), {{"sku-" + std::to_string(random.below(100)), 1}}, 900'000};
      event::encode_command({now}, reserve, record);
    }
  }
  return records;
}

void run(benchmark::State& state, const std::vector<std::string>& records) {
  std::size_t views = 0;
  for (auto _ : state) {
    process::MemoryStateStore store;
    commerce::EntityStage stage(store, {});
    process::Outputs out;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto status = stage.on_record({0, {i}, static_cast<std::uint32_t>(i % kBatch)}, records[i], out);
      if (!status.ok()) state.SkipWithError(status.error().message().c_str());
      if (i % kBatch + 1 == kBatch) {
        stage.on_batch_end(out);
        views += out.views.size();
        out.clear();
      }
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * records.size()));
  state.counters["views"] = static_cast<double>(views);
}

void product_facts(benchmark::State& state) {
  run(state, make_facts(static_cast<std::size_t>(state.range(0))));
}
void stock_commands(benchmark::State& state) {
  run(state, make_commands(static_cast<std::size_t>(state.range(0))));
}

}  // namespace

BENCHMARK(product_facts)->Unit(benchmark::kMillisecond)->Iterations(3)->Arg(1'000'000);
BENCHMARK(stock_commands)->Unit(benchmark::kMillisecond)->Iterations(3)->Arg(300'000);
BENCHMARK_MAIN();
