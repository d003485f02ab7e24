#pragma once

#include <string>
#include <vector>

#include "collect/dialect.h"

namespace millrace::collect {

// Where an endpoint is served: at its path, at that with a slash behind it, as analytics-java asks for it, and with two slashes before it, as
// clients make of an address that was configured with one at its end.
inline std::vector<std::string> paths_of(const Dialect::Endpoint& endpoint) {
  std::vector<std::string> paths = {endpoint.pattern, "/" + endpoint.pattern};
  if (!endpoint.pattern.ends_with('/')) paths.push_back(endpoint.pattern + "/");
  return paths;
}

}  // namespace millrace::collect
