#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/version.h"

int main(int argc, char** argv) {
  using namespace millrace::app;
  spdlog::set_default_logger(spdlog::stderr_color_mt("millrace"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  CLI::App app(
      "Millrace: a real-time commerce data platform in one binary.\n"
      "Collects a shop's events, makes them durable, and turns them into decisions and open tables.");
  app.set_version_flag("--version", std::string("millrace ") + kVersion);
  app.require_subcommand(1);
  app.get_formatter()->column_width(40);
  int exit_code = 0;
  add_serve_command(app, exit_code);
  add_demo_command(app, exit_code);
  add_sql_command(app, exit_code);
  add_events_command(app, exit_code);
  add_replay_command(app, exit_code);
  add_import_command(app, exit_code);
  add_tail_command(app, exit_code);
  add_evaluate_command(app, exit_code);
  add_verify_command(app, exit_code);
  add_load_command(app, exit_code);
  add_keys_command(app, exit_code);
  add_tokens_command(app, exit_code);
  add_write_keys_command(app, exit_code);
  add_settings_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
      fmt::print(stderr, "There is no command \"{}\".\nRun with --help for those there are.\n", argv[1]);
      return 2;
    }
    return app.exit(error);
  }
  return exit_code;
}
