#include <fmt/format.h>

#include "app/command.h"
#include "app/commands.h"
#include "app/settings.h"

namespace millrace::app {

void add_settings_command(Command program) {
  Command command = program.add("settings", "Print the reference of all settings, in Markdown");
  command.run([]() -> base::Status {
    Settings settings;
    fmt::print("{}", setting_table(settings).reference());
    return base::Ok{};
  });
}

}  // namespace millrace::app
