#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/settings.h"

namespace millrace::app {

void add_settings_command(CLI::App& app, int&) {
  auto* command = app.add_subcommand("settings", "Print the reference of all settings, in Markdown");
  command->callback([] {
    Settings settings;
    fmt::print("{}", setting_table(settings).reference());
  });
}

}  // namespace millrace::app
