#pragma once

#include <string_view>

#include "base/clock.h"
#include "event/event.h"
#include "event/record.h"

namespace millrace::collect {

// Sees the items of all requests as they are about to be stored, or as they are turned away. Called by many threads at
// once, on the way of every item: it must be quick. What it is given goes away when a call returns.
class ItemWatch {
 public:
  virtual ~ItemWatch() = default;
  // `at` is the server's time, whatever time is to the event.
  virtual void accepted(const event::Event& event, base::WallTime at) = 0;
  virtual void turned_away(const event::QuarantinedItem& item, event::Verdict verdict, base::WallTime at) = 0;
  // Nobody's write key.
  virtual void refused(std::string_view reason, std::string_view detail, base::WallTime at) = 0;
};

}  // namespace millrace::collect
