#pragma once

#include <string>
#include <vector>

#include "collect/item_watch.h"

namespace millrace::collect {

// Remembers what it was shown, a line each: for tests.
class WatchRecorder final : public ItemWatch {
 public:
  void accepted(const event::Event& event, base::WallTime) override {
    seen.push_back("accepted " + std::string(event[event::Text::user_id]));
  }
  void turned_away(const event::QuarantinedItem& item, event::Verdict verdict, base::WallTime) override {
    seen.push_back(std::string(to_string(verdict)) + " " + std::string(item.reason) + " " +
                   std::string(item.raw));
  }
  void refused(std::string_view, std::string_view, base::WallTime) override { seen.emplace_back("refused"); }
  std::vector<std::string> seen;
};

}  // namespace millrace::collect
