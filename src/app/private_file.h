#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::app {

// A small file that only its owner may read (mode 0600), replaced atomically and durably.
base::Result<std::string> read_private_file(const std::string& path);
base::Status write_private_file(const std::string& path, std::string_view bytes);
// Changes when the file is replaced; 0 when it is absent.
std::uint64_t private_file_version(const std::string& path);

}  // namespace millrace::app
