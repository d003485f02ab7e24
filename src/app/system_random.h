#pragma once

#include <mutex>

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

}  // namespace millrace::app
