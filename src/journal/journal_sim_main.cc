#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "journal/segment_crash_contract.h"

namespace {

constexpr std::string_view kUsage =
    "usage: journal_sim [--seeds N] [--seed S]\n"
    "Runs seeded crash histories of the journal on a simulated disk.\n"
    "  --seeds N  how many histories, 100000 unless told\n"
    "  --seed S   the first seed, 0 unless told; alone it runs that one history\n"
    "Prints every seed that breaks a promise, and fails if there is one.\n";

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 0;
  std::uint64_t first = 0;
  bool first_given = false;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    char* end = nullptr;
    const std::uint64_t value = i + 1 < argc ? std::strtoull(argv[i + 1], &end, 10) : 0;
    const bool number = end != nullptr && end != argv[i + 1] && *end == '\0';
    if (option == "--help") return std::fputs(kUsage.data(), stdout) < 0 ? 1 : 0;
    if (!number || (option != "--seeds" && option != "--seed")) return std::fputs(kUsage.data(), stderr), 2;
    if (option == "--seeds") seeds = value;
    if (option == "--seed") {
      first = value;
      first_given = true;
    }
  }
  if (seeds == 0) seeds = first_given ? 1 : 100'000;

  std::uint64_t broken = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const std::string what = millrace::journal::contract::CrashHistory({seed, nullptr}).run();
    if (!what.empty()) {
      ++broken;
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
    }
    if ((seed - first + 1) % 10'000 == 0) {
      std::printf("%llu histories, %llu broken\n", static_cast<unsigned long long>(seed - first + 1),
                  static_cast<unsigned long long>(broken));
      std::fflush(stdout);
    }
  }
  std::printf("%llu crash histories from seed %llu: %llu broke a promise\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(broken));
  return broken == 0 ? 0 : 1;
}
