#include "app/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace millrace::app {

void show_progress(std::uint64_t done, std::uint64_t all, double seconds) {
  constexpr int kWidth = 40;
  const auto filled = static_cast<int>(all == 0 ? kWidth : std::min(done, all) * kWidth / all);
  fmt::print(stderr, "\r[{:=<{}}{: <{}}] {}/{} items, {:.0f}/s ", "", filled, "", kWidth - filled, done, all,
             seconds > 0 ? static_cast<double>(done) / seconds : 0.0);
}

}  // namespace millrace::app
