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
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
