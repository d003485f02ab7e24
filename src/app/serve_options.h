#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "app/settings.h"
#include "base/result.h"

namespace millrace::app {

// What the command line says of the settings; everything else is in the file.
struct ServeOptions {
  std::string config;
  std::string data;
  std::string address;
  std::string port;
  std::string time;
  std::string port_file;
  std::vector<std::string> set;
};

void add_serve_options(Command command, ServeOptions& options);
// Defaults, then the file, then --set, then the named options.
base::Result<Settings> load_settings(const ServeOptions& options);

}  // namespace millrace::app
