// What the gates at the door cost an event: the load generator's batches through Segment's dialect into journal records, with no gate,
// with each alone and with all of them. The figure is the thread's CPU time in the least disturbed of many short slices.
//
//   gate_bench [seconds for all [lane]]     with a lane's name: only that one, a fixed amount of work, for an instruction counter

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "collect/intake.h"
#include "collect/segment_dialect.h"
#include "contract/contract_gate.h"
#include "privacy/bot_gate.h"
#include "privacy/consent_gate.h"
#include "privacy/personal_gate.h"
#include "privacy/suppression_gate.h"
#include "sim/sim_clock.h"
#include "sim/sim_disk.h"
#include "tools/event_maker.h"

namespace {

using namespace millrace;

constexpr std::size_t kBatch = 50;
constexpr std::size_t kBodies = 40;
constexpr std::size_t kFixedRounds = 25;
constexpr double kSliceSeconds = 0.02;
constexpr base::WallTime kNow{1'795'000'000'000};

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::vector<std::string> make_bodies() {
  tools::EventMaker maker({.seed = 7});
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < kBodies; ++i) {
    std::string& body = bodies.emplace_back("{\"batch\":[");
    for (std::size_t k = 0; k < kBatch; ++k) {
      if (k > 0) body += ',';
      maker.append(body);
    }
    body += "]}";
  }
  return bodies;
}

// The rules of a platform with its settings as they are.
struct Rules {
  sim::SimDisk disk{1};
  sim::SimClock clock;
  std::unique_ptr<contract::Registry> registry = *contract::Registry::open(disk, {"web"});
  contract::QualityBoard quality;
  contract::DiscoveryFeed feed;
  base::SeededRandom random{1};
  privacy::Keys keys = privacy::Keys::make(random, kNow);
  privacy::KeyRing ring{keys};
  privacy::PrivacyCounters counters;
  std::unique_ptr<privacy::Suppressions> suppressions = open_suppressions();

  contract::ContractGateMaker contracts{*registry, quality, feed, clock};
  privacy::SuppressionGateMaker suppression{*suppressions, counters};
  privacy::BotGateMaker bots{privacy::BotRules{}, privacy::Networks(), counters};
  privacy::ConsentGateMaker consent{privacy::ConsentRules{}, ring, counters};
  privacy::PersonalGateMaker personal{privacy::PersonalRules{}, ring, counters};

 private:
  std::unique_ptr<privacy::Suppressions> open_suppressions() {
    INVARIANT(disk::make_directory_durably(disk, "privacy").ok());
    return std::move(*privacy::Suppressions::open(disk, "privacy/suppressions", keys));
  }
};

class Lane {
 public:
  Lane(const char* name, const collect::SegmentDialect& dialect, Rules& rules,
       const std::vector<const collect::GateMaker*>& gates)
      : name_(name),
        rules_(rules),
        reader_(dialect.reader()),
        intake_(4, collect::TimeSource::wall, make(gates)) {
    for (const auto& candidate : dialect.endpoints()) {
      if (candidate.pattern == "/v1/batch" && candidate.method == http::Method::post)
        endpoint_ = candidate.id;
    }
    request_.method = http::Method::post;
    request_.peer = "192.0.2.1";
    request_.headers = {
        {"Host", "localhost"}, {"Authorization", "Basic d2s6"}, {"Content-Type", "application/json"}};
  }
  const char* name() const { return name_; }
  double best_ns() const { return best_ns_; }

  void run_once(const std::vector<std::string>& bodies) {
    for (const auto& body : bodies) {
      request_.body = body;
      intake_.begin(request_, kNow, body.size());
      INVARIANT(!reader_->read(request_, endpoint_, kNow, intake_));
      INVARIANT(intake_.outcome().accepted == kBatch);
      INVARIANT(intake_.finish().ok());
      (void)intake_.take_shares();
      (void)rules_.feed.take();
    }
  }
  void run_slice(const std::vector<std::string>& bodies) {
    std::size_t events = 0;
    const double began = now_s();
    double now = began;
    for (; now - began < kSliceSeconds; now = now_s()) {
      run_once(bodies);
      events += bodies.size() * kBatch;
    }
    best_ns_ = std::min(best_ns_, 1e9 * (now - began) / static_cast<double>(events));
  }

 private:
  static std::vector<std::unique_ptr<collect::Gate>> make(
      const std::vector<const collect::GateMaker*>& makers) {
    std::vector<std::unique_ptr<collect::Gate>> gates;
    for (const auto* maker : makers) {
      gates.push_back(maker->gate());
      gates.back()->expect(collect::ItemForm::call);
    }
    return gates;
  }

  const char* const name_;
  Rules& rules_;
  const std::unique_ptr<collect::Reader> reader_;
  collect::Intake intake_;
  http::Request request_;
  int endpoint_ = 0;
  double best_ns_ = 1e12;
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 7;
  const std::string_view only = argc > 2 ? argv[2] : "";
  const auto sources = *collect::SourceTable::make({{1, "shop", "wk", "", true}}, {});
  const collect::SegmentDialect dialect(sources, {});
  Rules rules;
  const std::vector<const collect::GateMaker*> all{&rules.suppression, &rules.bots, &rules.consent,
                                                   &rules.contracts, &rules.personal};
  std::vector<std::unique_ptr<Lane>> lanes;
  const auto add = [&](const char* name, const std::vector<const collect::GateMaker*>& gates) {
    if (only.empty() || only == name) lanes.push_back(std::make_unique<Lane>(name, dialect, rules, gates));
  };
  add("none", {});
  add("suppression", {&rules.suppression});
  add("bots", {&rules.bots});
  add("consent", {&rules.consent});
  add("contracts", {&rules.contracts});
  add("personal", {&rules.personal});
  add("all", all);
  const auto bodies = make_bodies();
  if (!only.empty()) {
    for (std::size_t i = 0; i < kFixedRounds; ++i) lanes.front()->run_once(bodies);
    return 0;
  }
  // In turn, so that all are disturbed alike by what else runs.
  for (double left = seconds; left > 0; left -= kSliceSeconds * static_cast<double>(lanes.size())) {
    for (const auto& lane : lanes) lane->run_slice(bodies);
  }
  const double none = lanes.front()->best_ns();
  for (const auto& lane : lanes) {
    fmt::print("{:<12} {:>6.0f} ns  {:>6.0f} more  {:>4.0f} %\n", lane->name(), lane->best_ns(),
               lane->best_ns() - none, 100 * (lane->best_ns() - none) / none);
  }
  return 0;
}
