#pragma once

#include <mutex>
#include <string>

#include "base/random.h"

namespace millrace::app {

// Seeded from the operating system; safe from any thread.
class SystemRandom final : public base::Random {
 public:
  SystemRandom();
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  base::SeededRandom random_;
};

// Straight from the operating system: nobody can guess the next from those before.
std::string secret_hex(std::size_t bytes);

}  // namespace millrace::app
