#include "app/system_random.h"

#include <random>

namespace millrace::app {

namespace {
std::uint64_t system_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}
}  // namespace

SystemRandom::SystemRandom() : random_(system_seed()) {}

std::uint64_t SystemRandom::next() {
  const std::lock_guard lock(mutex_);
  return random_.next();
}

}  // namespace millrace::app
