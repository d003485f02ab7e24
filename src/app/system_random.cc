#include "app/system_random.h"

#include <sys/random.h>

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

std::string secret_hex(std::size_t bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string random(bytes, '\0'), text;
  std::size_t filled = 0;
  while (filled < bytes) {
    const auto got = getrandom(random.data() + filled, bytes - filled, 0);
    if (got > 0) filled += static_cast<std::size_t>(got);  // Interrupted at worst.
  }
  for (const char c : random) {
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace millrace::app
