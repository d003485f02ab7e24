#pragma once

#include <deque>
#include <string>
#include <vector>

#include "collect/intake.h"
#include "event/record.h"

namespace millrace::collect {

// Keeps what a reader hands over, by way of the records that it becomes: for tests.
class SinkRecorder {
 public:
  struct Quarantined {
    std::string reason;
    std::string pointer;
    std::string raw;
    std::uint16_t source = 0;
  };

  Intake intake{3, TimeSource::wall};
  std::vector<event::Event> events;
  std::vector<Quarantined> quarantined;

  void decode() {
    events.clear();
    quarantined.clear();
    for (auto& share : intake.take_shares()) {
      memory_.emplace_back(share.records.bytes());
      std::string_view rest = memory_.back();
      while (!rest.empty()) {
        std::uint32_t size = 0;
        for (int i = 3; i >= 0; --i)
          size = size << 8 | static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
        keep(rest.substr(4, size));
        rest.remove_prefix(4 + size);
      }
    }
  }

 private:
  void keep(std::string_view payload) {
    if (*event::record_kind(payload) == event::RecordKind::event) {
      const auto decoded = event::decode_event(payload, events.emplace_back());
      INVARIANT(decoded.ok());
      return;
    }
    const auto item = event::decode_quarantined(payload);
    INVARIANT(item.ok());
    quarantined.push_back(
        {std::string(item->reason), std::string(item->pointer), std::string(item->raw), item->source});
  }
  std::deque<std::string> memory_;
};

}  // namespace millrace::collect
