#pragma once

#include <cstdint>

namespace millrace::app {

// Draws a bar over the line of standard error, for a terminal. `all` 0: not known.
void show_progress(std::uint64_t done, std::uint64_t all, double seconds);

}  // namespace millrace::app
