#include "app/serve_options.h"

#include "tools/file_text.h"

namespace millrace::app {

void add_serve_options(Command command, ServeOptions& options) {
  command.option("--data", options.data, "Data directory (setting data.directory; default millrace-data)");
  command.option("--config", options.config, "Settings file, TOML");
  command.option("--address", options.address, "Address to listen on (default 127.0.0.1)");
  command.option("--port", options.port, "Port to listen on (0: any free one)");
  command.option("--time", options.time, "What moves time on: wall (default) or events");
  command.option("--port-file", options.port_file, "Write the port to this file once it is bound");
  command.option("--set", options.set,
                 "NAME=VALUE: any setting; may be repeated (`millrace settings` lists them)");
}

base::Result<Settings> load_settings(const ServeOptions& options) {
  Settings settings;
  SettingTable table = setting_table(settings);
  if (!options.config.empty()) {
    TRY_ASSIGN(const std::string text, tools::read_text(options.config));
    TRY(table.load_toml(text, options.config));
  }
  for (const auto& assignment : options.set) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos) {
      return base::Error(base::ErrorCode::invalid_argument,
                         "--set takes NAME=VALUE, not \"" + assignment + "\"");
    }
    TRY(table.set(assignment.substr(0, equals), assignment.substr(equals + 1)));
  }
  if (!options.data.empty()) TRY(table.set("data.directory", options.data));
  if (!options.address.empty()) TRY(table.set("http.address", options.address));
  if (!options.port.empty()) TRY(table.set("http.port", options.port));
  if (!options.time.empty()) TRY(table.set("time", options.time));
  return settings;
}

}  // namespace millrace::app
