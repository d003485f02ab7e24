#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace millrace::tools {

struct EventMakerSettings {
  std::uint64_t seed = 1;
  std::uint64_t visitors = 200'000;  // Concurrent ones, so sessions of about events / visitors.
  std::uint64_t products = 5'000;    // Chosen by Zipf's law with exponent 1.
};

// Segment items of about 420 bytes with unique message ids, as a browser SDK sends them: mostly product views, some pages, carts and
// orders. The same seed gives the same items in the same order.
class EventMaker {
 public:
  explicit EventMaker(EventMakerSettings settings);
  // Appends one item; its time is left to the server. Its message id is `message_id()` afterwards.
  void append(std::string& out);
  const std::string& message_id() const { return message_id_; }

 private:
  std::uint64_t zipf();

  const EventMakerSettings settings_;
  base::SeededRandom random_;
  std::vector<double> cumulative_;
  std::uint64_t next_ = 0;
  std::string message_id_;
};

}  // namespace millrace::tools
