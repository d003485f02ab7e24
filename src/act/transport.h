#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "act/target.h"
#include "base/result.h"

namespace millrace::act {

struct Delivery {
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct Receipt {
  int status = 0;
  std::int64_t retry_after_s = 0;  // As the receiver asked; 0 when it did not.
};

// The way to a receiver. Any thread.
class Transport {
 public:
  virtual ~Transport() = default;
  // Blocks until the receiver has answered, or fails: the receiver may or may not have got it.
  virtual base::Result<Receipt> post(const Target& target, const Delivery& delivery) = 0;
};

}  // namespace millrace::act
