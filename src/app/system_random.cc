#include "app/system_random.h"

#include <sys/random.h>

#include <utility>

namespace millrace::app {

namespace {

void fill(void* into, std::size_t bytes) {
  auto* at = static_cast<char*>(into);
  while (bytes > 0) {
    const auto got = getrandom(at, bytes, 0);
    if (got <= 0) continue;  // Interrupted at worst.
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

}  // namespace

std::uint64_t SystemRandom::next() {
  const std::lock_guard lock(mutex_);
  if (left_ == 0) {
    fill(words_.data(), sizeof words_);
    left_ = words_.size();
  }
  // What was given out is not kept: it may be a key.
  return std::exchange(words_[--left_], 0);
}

std::string secret_hex(std::size_t bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string random(bytes, '\0'), text;
  fill(random.data(), bytes);
  for (const char c : random) {
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace millrace::app
