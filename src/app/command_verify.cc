#include <fmt/format.h>

#include <memory>

#include "app/collect_door.h"
#include "app/command.h"
#include "app/commands.h"
#include "app/data_directory.h"
#include "app/journal_set.h"
#include "app/serve_options.h"
#include "app/source_precedence.h"
#include "app/stages.h"
#include "app/system_clock.h"
#include "app/system_random.h"
#include "process/rocks_state_store.h"
#include "process/verify.h"

namespace millrace::app {

namespace {

void print_differences(const process::VerifyReport& report) {
  constexpr std::string_view kKinds[] = {"only in the live state", "only in the recomputed state",
                                         "values differ"};
  for (const auto& difference : report.differences) {
    std::string key;
    for (const char c : difference.key) key += c >= 0x20 && c < 0x7f ? c : '.';
    fmt::print("  {}: {}\n", key, kKinds[static_cast<std::size_t>(difference.kind)]);
  }
}

// True when every partition's state is what its journal gives.
base::Result<bool> verify(const ServeOptions& options) {
  TRY_ASSIGN(Settings settings, load_settings(options));
  TRY_ASSIGN(auto directory, DataDirectory::open_existing(settings.data_directory));
  settings.journal.event_partitions = directory->layout().event_partitions;
  settings.journal.fact_partitions = directory->layout().fact_partitions;
  const auto ranks = std::make_shared<commerce::SourceRanks>();
  TRY(set_ranks(settings, *directory, *ranks));
  settings.entities.order.ranks = ranks;
  const SystemClock clock;
  SystemRandom random;
  TRY_ASSIGN(auto journals, JournalSet::open(settings.journal, directory->disk(), clock, random));
  const auto rocks = process::RocksShared::create({});
  bool all_same = true;
  for (const event::Topic topic : {event::Topic::events, event::Topic::facts}) {
    for (std::uint32_t partition = 0; partition < journals->partitions(topic); ++partition) {
      const std::string name = fmt::format("{}/{}", event::to_string(topic), partition);
      TRY_ASSIGN(auto store, process::RocksStateStore::open(fmt::format("{}/state/{}-{}", directory->path(),
                                                                        event::to_string(topic), partition),
                                                            rocks));
      process::VerifySettings verify_settings;
      verify_settings.owner.topic = topic;
      verify_settings.owner.partition = partition;
      const auto stage = [&](process::StateStore& fresh) { return make_stage(topic, settings, fresh); };
      auto report =
          process::verify_partition(journals->journal(topic, partition), *store, stage, verify_settings);
      if (!report.ok()) return std::move(report).error().with_context(name);
      fmt::print("{}: {} records, {} entries, digest {:016x}, recomputed {:016x}: {}\n", name,
                 report->upto.value, report->entries_live, report->digest_live, report->digest_recomputed,
                 report->same() ? "same" : fmt::format("{} DIFFERENCES", report->differences_total));
      print_differences(*report);
      all_same = all_same && report->same();
    }
  }
  return all_same;
}

}  // namespace

void add_verify_command(Command program) {
  Command command = program.add(
      "verify",
      "Recompute all state of a data directory from its journals and compare it with what is stored.\n"
      "The server must not be running. Give the same settings that it runs with.");
  auto options = std::make_shared<ServeOptions>();
  command.option("--data", options->data, "Data directory").required();
  command.option("--config", options->config, "Settings file, TOML");
  command.option("--time", options->time, "As the server was started: wall (default) or events");
  command.option("--set", options->set, "NAME=VALUE: any setting; may be repeated");
  command.run_to_exit_code([options] {
    const auto same = verify(*options);
    if (same.ok()) return *same ? 0 : 1;
    fmt::print(stderr, "millrace verify: {}\n", same.error().message());
    return 2;
  });
}

}  // namespace millrace::app
