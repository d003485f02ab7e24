#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <memory>

#include "app/command.h"
#include "app/commands.h"
#include "app/progress_bar.h"
#include "app/server_address.h"
#include "app/system_clock.h"
#include "tools/file_text.h"
#include "tools/replay.h"

namespace millrace::app {

namespace {

struct Options {
  ServerAddress to;
  std::string format, file, speed = "max", write_key = "replay";
  bool finish = false;
};

base::Result<double> parse_speed(const std::string& text) {
  if (text == "max") return 0.0;
  double speed = 0;
  const std::size_t digits = text.ends_with('x') ? text.size() - 1 : text.size();
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, speed);
  if (error != std::errc() || end != text.data() + digits || speed <= 0) {
    return base::Error(base::ErrorCode::invalid_argument, "--speed takes max, or a factor such as 60x");
  }
  return speed;
}

base::Status run(const Options& options) {
  const auto format = tools::replay_format(options.format);
  if (!format) {
    return base::Error(base::ErrorCode::invalid_argument,
                       "--format takes retailrocket, retentioneering, online-retail or segment-jsonl");
  }
  tools::ReplaySettings settings;
  TRY_ASSIGN(settings.to, options.to.endpoint());
  TRY_ASSIGN(settings.speed, parse_speed(options.speed));
  settings.write_key = options.write_key;
  if (options.finish) settings.finish = tools::ReplaySettings::Finish::advance_clock;
  TRY_ASSIGN(const std::string text, tools::read_text(options.file));
  const tools::ReplaySet set = format(text);
  if (set.items.empty() && set.unreadable > 0) {
    return base::Error(base::ErrorCode::invalid_argument, options.file + ": " + set.first_unreadable);
  }
  const SystemClock clock;
  const base::Instant started = clock.now();
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto seconds = [&] { return static_cast<double>(clock.now() - started) / 1e9; };
  const auto report = tools::replay(set.items, settings, clock, [&](std::uint64_t done) {
    if (terminal) show_progress(done, set.items.size(), seconds());
  });
  if (terminal) fmt::print(stderr, "\n");
  if (!report.ok()) return report.error();
  fmt::print("{} items acknowledged in {:.1f} s: {} accepted, {} quarantined, {} batches sent again\n",
             report->items, seconds(), report->accepted, report->quarantined, report->retries);
  if (set.unreadable > 0) {
    return base::Error(base::ErrorCode::invalid_argument,
                       fmt::format("{}: {} rows could not be read and were left out, the first: {}",
                                   options.file, set.unreadable, set.first_unreadable));
  }
  return base::Ok{};
}

}  // namespace

void add_replay_command(Command program) {
  Command command = program.add("replay", "Send a recorded data set to a running Millrace, in order of time");
  auto options = std::make_shared<Options>();
  command.option("--format", options->format, "retailrocket, retentioneering, online-retail or segment-jsonl")
      .required();
  command.option("file", options->file, "The data set, plain or gzipped").required();
  add_server_address(command, options->to);
  command.option("--speed", options->speed, "max (default), or a factor of the data's own pace such as 60x");
  command.option("--write-key", options->write_key, "Write key to send with");
  command.flag("--finish", options->finish,
               "Then move event time on by a day, so that sessions close and carts are abandoned "
               "(server: --time events)");
  command.run([options] { return run(*options); });
}

}  // namespace millrace::app
