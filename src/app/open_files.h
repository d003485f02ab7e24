#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::app {

// How many files and sockets this process may have open, after raising that as far as the system lets it.
std::uint64_t raise_open_files_max();

// How many of the connections wanted leave enough of them to what must go on: journals, state, tables, statements. A journal
// that cannot open its next file takes nothing until a restart.
std::size_t connections_that_fit(std::uint64_t open_files_max, std::size_t wanted, std::size_t stages);

}  // namespace millrace::app
