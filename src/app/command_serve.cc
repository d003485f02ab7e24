#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/exit_signal.h"
#include "app/heap_growth.h"
#include "app/platform.h"
#include "app/serve_options.h"
#include "app/system_clock.h"
#include "app/system_random.h"
#include "disk/disk.h"
#include "disk/posix_disk.h"

namespace millrace::app {

namespace {

constexpr std::int64_t kSignalPollMs = 3'600'000;

// Written in one step, so that who waits for it never reads half a number.
base::Status write_port_file(const std::string& path, std::uint16_t port) {
  const std::size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  TRY_ASSIGN(auto disk, disk::PosixDisk::open_root(directory));
  return disk::write_file_atomically(*disk, slash == std::string::npos ? path : path.substr(slash + 1),
                                     fmt::format("{}\n", port));
}

base::Status serve(const ServeOptions& options) {
  TRY_ASSIGN(const Settings settings, load_settings(options));
  ExitSignal signals(Hangup::is_heard);  // Before any thread, so that all hold the signals back for it.
  const HeapGrowth heap_growth;
  SystemClock clock;
  SystemRandom random;
  const base::Instant began = clock.now();
  TRY_ASSIGN(auto platform, Platform::open(settings, clock, random));
  TRY(platform->start());
  if (!options.port_file.empty()) TRY(write_port_file(options.port_file, platform->port()));
  const bool six = settings.http.address.find(':') != std::string::npos;
  spdlog::info("millrace serves {}://{}:{} from {} (ready after {} ms)",
               settings.tls.certificate.empty() ? "http" : "https",
               six ? "[" + settings.http.address + "]" : settings.http.address, platform->port(),
               settings.data_directory, (clock.now() - began) / 1'000'000);
  for (auto heard = ExitSignal::Heard::nothing; heard != ExitSignal::Heard::end;) {
    heard = signals.listen(kSignalPollMs);
    if (heard == ExitSignal::Heard::hangup) platform->reload();
  }
  signals.restore_default();
  spdlog::info("stopping: answering what is in flight, committing the tail");
  platform->stop();
  return base::Ok{};
}

}  // namespace

void add_serve_command(Command program) {
  Command command = program.add("serve", "Run Millrace on a data directory until SIGINT or SIGTERM");
  auto options = std::make_shared<ServeOptions>();
  add_serve_options(command, *options);
  command.run([options] { return serve(*options); });
}

}  // namespace millrace::app
