#include <doctest/doctest.h>

#include "journal/segment_crash_contract.h"

namespace millrace::journal {

TEST_CASE("a journal keeps its promises through random crashes") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const std::string broken = contract::CrashHistory({seed, nullptr}).run();
    CHECK_MESSAGE(broken.empty(), "seed ", seed, ": ", broken);
  }
}

// 45879: the disk was still full while a refused append was being undone, and the caller heard that nothing was appended.
TEST_CASE("histories that once broke a promise keep it") {
  for (const std::uint64_t seed : {45879}) {
    const std::string broken = contract::CrashHistory({seed, nullptr}).run();
    CHECK_MESSAGE(broken.empty(), "seed ", seed, ": ", broken);
  }
}

TEST_CASE("a crash history is the same every time") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    contract::CrashHistory once({seed, nullptr});
    contract::CrashHistory again({seed, nullptr});
    CHECK(once.run() == again.run());
    CHECK(once.digest() == again.digest());
  }
}

}  // namespace millrace::journal
