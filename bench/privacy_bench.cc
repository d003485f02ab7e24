// What the gates of privacy cost an event that nothing is found in, and one that has personal values: `./dev bench privacy`.
#include <benchmark/benchmark.h>

#include <string>

#include "base/random.h"
#include "privacy/bot_gate.h"
#include "privacy/consent_gate.h"
#include "privacy/personal_gate.h"

using namespace millrace;
using namespace millrace::privacy;
using event::Text;

namespace {

const std::string kRaw =
    R"({"type":"track","event":"Product Viewed","anonymousId":"6f1c9d0e-3a5b-4c7d-8e9f-0a1b2c3d4e5f","messageId":"ajs-next-1795255200000-0a1b2c3d",)"
    R"("timestamp":"2026-11-21T10:00:00.000Z","properties":{"product_id":"SKU-10442","name":"Trail Shoe","category":"shoes/trail","price":119.95,"currency":"EUR"},)"
    R"("context":{"page":{"path":"/p/trail-shoe","url":"https://shop.example/p/trail-shoe"},"locale":"de-DE"}})";
constexpr std::string_view kAgent =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36";
constexpr std::string_view kExtra =
    R"({"context":{"timezone":"Europe/Berlin","screen":{"width":1512,"height":982}}})";

Keys keys() {
  base::SeededRandom random(1);
  return Keys::make(random, {1});
}

event::Event make_event(const std::string& raw, std::string_view peer) {
  event::Event event;
  event.raw = raw;
  event[Text::anonymous_id] = event.raw.substr(52, 36);
  event[Text::user_agent] = kAgent;
  event[Text::extra] = kExtra;
  event[Text::ip] = peer;
  return event;
}

void scan_clean(benchmark::State& state) {
  PersonalScan scan;
  std::vector<PersonalSpan> found;
  for (auto _ : state) {
    scan.find(kRaw, kAllPersonal, found);
    benchmark::DoNotOptimize(found.size());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kRaw.size()));
}
BENCHMARK(scan_clean);

template <class Gate, class... Parts>
void inspect(benchmark::State& state, const std::string& raw, std::string_view peer, Parts&... parts) {
  Gate gate(parts...);
  http::Request request;
  gate.begin(request);
  std::int64_t at = 0;
  for (auto _ : state) {
    auto event = make_event(raw, peer);
    event.event_time.ms = at += 7919;
    benchmark::DoNotOptimize(gate.inspect(event).ruling);
  }
}

void nothing(benchmark::State& state) {
  for (auto _ : state) {
    auto event = make_event(kRaw, {});
    benchmark::DoNotOptimize(event);
  }
}
BENCHMARK(nothing);  // Of which the others are more.

void personal_clean(benchmark::State& state) {
  const PersonalRules rules;
  const KeyRing ring(keys());
  PrivacyCounters counters;
  inspect<PersonalGate>(state, kRaw, {}, rules, ring, counters);
}
BENCHMARK(personal_clean);

void personal_address(benchmark::State& state) {
  const PersonalRules rules;
  const KeyRing ring(keys());
  PrivacyCounters counters;
  inspect<PersonalGate>(state, kRaw, "192.0.2.77", rules, ring, counters);
}
BENCHMARK(personal_address);

void personal_email(benchmark::State& state) {
  const PersonalRules rules;
  const KeyRing ring(keys());
  PrivacyCounters counters;
  std::string raw = kRaw;
  raw.insert(raw.size() - 2, R"(,"traits":{"email":"ada@example.com"})");
  inspect<PersonalGate>(state, raw, "192.0.2.77", rules, ring, counters);
}
BENCHMARK(personal_email);

void consent_clean(benchmark::State& state) {
  const ConsentRules rules;
  const KeyRing ring(keys());
  PrivacyCounters counters;
  inspect<ConsentGate>(state, kRaw, {}, rules, ring, counters);
}
BENCHMARK(consent_clean);

void bots_clean(benchmark::State& state) {
  const BotRules rules;
  const BotList list(crawler_patterns());
  const Networks networks;
  VisitorPace pace;
  PrivacyCounters counters;
  inspect<BotGate>(state, kRaw, {}, rules, list, networks, pace, counters);
}
BENCHMARK(bots_clean);

}  // namespace

BENCHMARK_MAIN();
