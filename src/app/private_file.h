#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace millrace::app {

// A small file that only its owner may read (mode 0600), replaced atomically and durably.
base::Result<std::string> read_private_file(const std::string& path);
base::Status write_private_file(const std::string& path, std::string_view bytes);
// Reads it ("" when it is absent), and replaces it by what `change` makes of it; meanwhile no other process changes a file of that
// directory in this way. An error of `change` is returned, and nothing is written.
base::Status change_private_file(const std::string& path,
                                 const std::function<base::Result<std::string>(std::string_view)>& change);
// Changes when the file is replaced; 0 when it is absent.
std::uint64_t private_file_version(const std::string& path);

// Whole lines, durable when it returns, after what is there: a line that a crash cut off is ended first. Any number of processes.
base::Status append_private_lines(const std::string& path, std::string_view lines);

}  // namespace millrace::app
