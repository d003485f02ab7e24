#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/random.h"

namespace millrace::app {

// The operating system's: nobody can guess the next from those before, so that keys may be made of it. Safe from any
// thread.
class SystemRandom final : public base::Random {
 public:
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  std::array<std::uint64_t, 64> words_{};  // Taken together; the last left_ are still to be given out.
  std::size_t left_ = 0;
};

// Straight from the operating system: nobody can guess the next from those before.
std::string secret_hex(std::size_t bytes);

}  // namespace millrace::app
