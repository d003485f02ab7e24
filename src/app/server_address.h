#pragma once

#include <string>

#include "app/command.h"
#include "tools/http_client.h"

namespace millrace::app {

// The server that a command speaks to.
struct ServerAddress {
  std::string url, ca_file;

  base::Result<tools::Endpoint> endpoint() const { return tools::parse_endpoint(url, ca_file); }
};

// Declares --to, which must be given when `address` names no server yet, and --ca-file.
void add_server_address(Command command, ServerAddress& address);

}  // namespace millrace::app
