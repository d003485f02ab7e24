#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

#include "app/command.h"
#include "app/commands.h"
#include "app/version.h"

int main(int argc, char** argv) {
  using namespace millrace::app;
  spdlog::set_default_logger(spdlog::stderr_color_mt("millrace"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  CommandLine line(
      "millrace",
      "Millrace: a real-time commerce data platform in one binary.\n"
      "Collects a shop's events, makes them durable, and turns them into decisions and open tables.",
      std::string(kVersion));
  for (const auto add :
       {add_serve_command, add_demo_command, add_sql_command, add_events_command, add_replay_command,
        add_import_command, add_tail_command, add_evaluate_command, add_verify_command, add_load_command,
        add_keys_command, add_tokens_command, add_write_keys_command, add_settings_command}) {
    add(line.root());
  }
  return line.run(argc, argv);
}
