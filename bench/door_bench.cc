// Collection alone: HTTP, dialects, gates, journal with fsync before the answer; no stage and no lake behind it. scripts/bench.sh
// sends `millrace load` at it. Ends by SIGTERM.
//
//   door_bench DATA_DIRECTORY PORT_FILE all|none     (which gates)

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <functional>
#include <string_view>

#include "app/collect_door.h"
#include "app/contract_runner.h"
#include "app/data_directory.h"
#include "app/heap_growth.h"
#include "app/journal_set.h"
#include "app/privacy_guard.h"
#include "app/settings.h"
#include "app/system_clock.h"
#include "app/system_random.h"
#include "http/server.h"

namespace {

using namespace millrace;

base::Status run(const app::Settings& settings, const char* port_file, bool gated) {
  const app::HeapGrowth heap_growth;
  const app::SystemClock clock;
  app::SystemRandom random;
  TRY_ASSIGN(const auto directory, app::DataDirectory::open(settings.data_directory, {1, 1}));
  TRY_ASSIGN(const auto journals, app::JournalSet::open(settings.journal, directory->disk(), clock, random));
  TRY_ASSIGN(const auto indices, directory->source_indices(app::source_names(settings)));
  TRY_ASSIGN(const auto privacy, app::PrivacyGuard::open(settings.privacy, *directory, random, clock));
  TRY_ASSIGN(const auto contracts,
             app::ContractRunner::open(directory->disk(), app::source_names_by_index(settings, indices),
                                       clock, contract::QuarantinePorts{},
                                       [&](std::string_view text) { return privacy->cleansed(text); }));
  std::vector<const collect::GateMaker*> gates;
  if (gated) {
    gates = privacy->first_gates();
    gates.push_back(&contracts->gates());
    gates.push_back(privacy->last_gate());
  }
  const auto no_stock = [](const event::SetStock&, const std::function<void(base::Status)>&) -> base::Status {
    return base::Error(base::ErrorCode::unavailable, "nothing is counted here");
  };
  TRY_ASSIGN(const auto door, app::CollectDoor::open(settings, indices, *journals, std::move(gates), clock,
                                                     directory->disk(), no_stock));
  http::Router router;
  door->add_routes(router);
  journals->start(
      [&](event::Topic topic, std::uint32_t partition) { return journals->journal(topic, partition).end(); });
  TRY_ASSIGN(const auto server, http::start_server(settings.http, router));
  if (std::FILE* file = std::fopen(port_file, "w")) {
    fmt::print(file, "{}\n", server->port());
    std::fclose(file);
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  int signal = 0;
  sigwait(&signals, &signal);
  server->stop(1000);
  journals->stop();
  return base::Ok{};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return std::fputs("usage: door_bench DATA_DIRECTORY PORT_FILE all|none\n", stderr), 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  app::Settings settings;
  settings.data_directory = arguments[1];
  settings.http.port = 0;
  const base::Status status = run(settings, arguments[2], std::string_view(arguments[3]) == "all");
  if (!status.ok()) fmt::print(stderr, "door_bench: {}\n", status.error().message());
  return status.ok() ? 0 : 1;
}
