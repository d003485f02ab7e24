// The contract's cost at the door: one core takes a 400-byte event, lays its JSON out and checks its properties against a
// contract. Beside it the same without the check. CPU time of this thread.
//
//   contract_bench [seconds per figure]

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "collect/event_mapper.h"
#include "contract/contract_gate.h"
#include "contract/schema_compiler.h"
#include "contract/validator.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"

namespace {

using namespace millrace;

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class NoSchemas final : public contract::SchemaSource {
 public:
  std::optional<std::string> schema(std::string_view) const override { return std::nullopt; }
};

constexpr const char* kContract = R"({
  "type": "object",
  "properties": {
    "type": {"const": "track"},
    "event": {"type": "string", "minLength": 1, "maxLength": 256},
    "messageId": {"type": "string", "minLength": 1, "maxLength": 100},
    "anonymousId": {"type": "string", "maxLength": 256},
    "timestamp": {"type": "string", "format": "date-time"},
    "context": {"type": "object", "properties": {"page": {"type": "object"}, "locale": {"type": "string"}}},
    "properties": {
      "type": "object",
      "properties": {
        "product_id": {"type": ["string", "integer"], "maxLength": 256},
        "name": {"type": "string", "maxLength": 500},
        "price": {"type": "number", "minimum": 0, "maximum": 1e12},
        "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
        "category": {"type": "string", "maxLength": 500},
        "quantity": {"type": "integer", "minimum": 0}
      },
      "required": ["product_id"],
      "additionalProperties": false
    }
  },
  "required": ["type", "event", "properties"]
})";

std::string make_event(base::SeededRandom& random) {
  return fmt::format(
      R"({{"type":"track","event":"Product Viewed","messageId":"{:016x}-{:08x}","anonymousId":"{:016x}",)"
      R"("timestamp":"2026-11-21T{:02}:{:02}:{:02}.{:03}Z","context":{{"page":{{"path":"/p/{}",)"
      R"("url":"https://shop.example/p/{}","referrer":"https://search.example/"}},"locale":"de-DE"}},)"
      R"("properties":{{"product_id":"sku-{}","name":"Product number {}","price":{}.{:02},)"
      R"("currency":"EUR","category":"shoes","quantity":1}}}})",
      random.next(), random.below(1u << 31), random.below(100'000), random.below(24), random.below(60),
      random.below(60), random.below(1000), random.below(5000), random.below(5000), random.below(5000),
      random.below(5000), random.below(300), random.below(100));
}

enum class Work { parse, parse_and_check };

void measure(const char* name, const std::vector<std::string>& events, const contract::Program& program,
             Work work, double seconds) {
  contract::JsonDocument document;
  contract::Validator validator;
  std::uint64_t count = 0, bytes = 0;
  const double began = now_s();
  double took = 0;
  while ((took = now_s() - began) < seconds) {
    for (const std::string& event : events) {
      if (!document.read(event).ok()) std::exit(1);
      if (work == Work::parse_and_check && !validator.fits(program, document.tape())) {
        for (const auto& fault : validator.explain(program, document.tape()))
          fmt::print(stderr, "{} {}\n", fault.pointer, fault.message);
        std::exit(1);
      }
      bytes += event.size();
    }
    count += events.size();
  }
  fmt::print("{:<28} {:>10.0f} events/s  {:>6.0f} ns/event  {:>5.0f} bytes each\n", name,
             static_cast<double>(count) / took, took * 1e9 / static_cast<double>(count),
             static_cast<double>(bytes) / static_cast<double>(count));
}

// Whether the gate is given what the dialect has laid out, as Segment's does, or lays the raw bytes out itself.
enum class Layout { given, own };
constexpr std::size_t kHotEvents = 64;  // What was laid out a moment ago is in the cache.

// The whole gate, as the door calls it after mapping: find the contract, check, the rules of quality.
void measure_gate(const char* name, const std::vector<std::string>& events, Layout layout, double seconds) {
  sim::SimDisk disk(1);
  sim::SimClock clock;
  const auto registry = *contract::Registry::open(disk, {"web"});
  contract::QualityBoard quality;
  contract::DiscoveryFeed feed;
  const auto gate = contract::ContractGateMaker(*registry, quality, feed, clock).gate();
  const collect::Vocabulary vocabulary;
  collect::EventMapper mapper(vocabulary);
  std::vector<contract::JsonDocument> documents(events.size());
  std::vector<event::Event> mapped(events.size());
  std::vector<std::string> extras(events.size());
  collect::JsonTape shared;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!documents[i].read(events[i]).ok() ||
        mapper.map(documents[i].tape(), shared, collect::Call::track, mapped[i]))
      std::exit(1);
    extras[i] = mapped[i][event::Text::extra];
    mapped[i][event::Text::extra] = extras[i];
    mapped[i].raw = events[i];
  }
  const std::size_t used = layout == Layout::given ? std::min(kHotEvents, mapped.size()) : mapped.size();
  std::uint64_t count = 0;
  const double began = now_s();
  double took = 0;
  while ((took = now_s() - began) < seconds) {
    for (std::size_t i = 0; i < used; ++i) {
      if (layout == Layout::given) gate->laid_out(documents[i].tape());
      if (gate->inspect(mapped[i]).ruling != collect::Ruling::pass) std::exit(1);
      gate->stored(mapped[i]);
    }
    count += used;
    (void)feed.take();
  }
  fmt::print("{:<28} {:>10.0f} events/s  {:>6.0f} ns/event\n", name, static_cast<double>(count) / took,
             took * 1e9 / static_cast<double>(count));
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2.0;
  contract::Program program;
  if (const auto fault = contract::compile_schema(kContract, "", NoSchemas(), program)) {
    fmt::print(stderr, "{}: {}\n", fault->pointer, fault->message);
    return 1;
  }
  base::SeededRandom random(1);
  std::vector<std::string> events;
  for (int i = 0; i < 2000; ++i) events.push_back(make_event(random));
  measure("parse alone", events, program, Work::parse, seconds);
  measure("parse and check", events, program, Work::parse_and_check, seconds);
  measure_gate("the gate, laid out before", events, Layout::given, seconds);
  measure_gate("the gate, raw bytes", events, Layout::own, seconds);
  return 0;
}
