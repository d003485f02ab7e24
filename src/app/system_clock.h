#pragma once

#include "base/clock.h"

namespace millrace::app {

class SystemClock final : public base::Clock {
 public:
  base::Instant now() const override;
  base::WallTime wall() const override;
};

}  // namespace millrace::app
