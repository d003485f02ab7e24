#include "app/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "process/rocks_state_store.h"

namespace millrace::app {

namespace {
constexpr std::uint64_t kFilesOfAll = 256;  // Segments, files of tables that are read and written, webhooks.
constexpr std::uint64_t kSparedAtLeast = 128;  // Where the system lets a process have only a few.
}  // namespace

std::uint64_t raise_open_files_max() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::uint64_t>::max();
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

std::size_t connections_that_fit(std::uint64_t open_files_max, std::size_t wanted, std::size_t stages) {
  const auto of_stage = static_cast<std::uint64_t>(process::RocksSettings{}.open_files_max);
  // A state seldom has all of its files open.
  const std::uint64_t spared =
      std::min(kFilesOfAll + stages * of_stage, std::max(kSparedAtLeast, open_files_max / 2));
  const std::uint64_t left = open_files_max - std::min(open_files_max, spared);
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(left, 1, std::max<std::size_t>(wanted, 1)));
}

}  // namespace millrace::app
