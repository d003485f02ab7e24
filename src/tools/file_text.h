#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::tools {

// The whole of a local file, inflated when it is gzipped. not_found, or corrupt when the gzip stream is damaged.
base::Result<std::string> read_text(const std::string& path);

}  // namespace millrace::tools
