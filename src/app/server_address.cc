#include "app/server_address.h"

namespace millrace::app {

void add_server_address(Command command, ServerAddress& address) {
  const std::string preset = address.url.empty() ? "" : " (default " + address.url + ")";
  auto to = command.option("--to", address.url, "http:// or https://HOST:PORT of the server" + preset);
  if (address.url.empty()) to.required();
  command.option("--ca-file", address.ca_file,
                 "PEM: whom to believe the server's certificate, in place of the system's list");
}

}  // namespace millrace::app
