#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "collect/gate.h"
#include "privacy/bot_list.h"
#include "privacy/networks.h"
#include "privacy/privacy_counters.h"

namespace millrace::privacy {

struct BotRules {
  std::uint8_t score_min = 70;                // From it on an event is a bot's.
  std::uint32_t events_per_minute_max = 600;  // Of a visitor, by the events' own time; 0: any.
};

// How fast and how evenly visitors' events come, by their own time: a table of fixed size, in which visitors
// may push each other out. Any thread.
class VisitorPace {
 public:
  struct Seen {
    std::uint32_t in_minute = 0;  // Events of the visitor in the minute of this one.
    std::uint32_t even = 0;       // How many followed each other in the same beat.
  };
  VisitorPace() : slots_(kSlots) {}
  Seen note(std::string_view visitor, base::WallTime at);

 private:
  static constexpr std::size_t kSlots = 1u << 16;
  static constexpr std::size_t kLocks = 64;
  struct Slot {
    std::uint64_t visitor = 0;
    std::int64_t minute = 0;
    std::int64_t last_ms = 0;
    std::int64_t beat_ms = 0;
    std::uint32_t in_minute = 0;
    std::uint32_t even = 0;
  };
  std::vector<Slot> slots_;
  std::array<std::mutex, kLocks> mutexes_;
};

// Gives each event a score and its reasons, and flags what is a bot's, unless it is of an order: revenue is
// never left out. Nothing is dropped.
class BotGate final : public collect::Gate {
 public:
  BotGate(const BotRules& rules, const BotList& list, const Networks& networks, VisitorPace& pace,
          PrivacyCounters& counters)
      : rules_(rules), list_(list), networks_(networks), pace_(pace), counters_(counters) {}
  void begin(const http::Request& request) override;
  collect::Decision inspect(event::Event& event) override;

 private:
  static constexpr std::size_t kKept = 4096;
  struct Kept {
    std::string user_agent;
    std::uint8_t score = 0;
    std::uint16_t reasons = 0;
  };
  const Kept& judged(std::string_view user_agent);

  const BotRules& rules_;
  const BotList& list_;
  const Networks& networks_;
  VisitorPace& pace_;
  PrivacyCounters& counters_;
  unsigned head_score_ = 0;  // Of the request's other headers, when it is a browser's by its user agent.
  std::uint16_t head_reasons_ = 0;
  std::string_view browser_;  // The request's own user agent, if it says that it is a browser's,
  std::string_view library_;  // and if not.
  std::vector<Kept> kept_;    // By hash: there are few user agents.
};

class BotGateMaker final : public collect::GateMaker {
 public:
  // `networks`: of data centres.
  BotGateMaker(BotRules rules, Networks networks, PrivacyCounters& counters)
      : rules_(rules), list_(crawler_patterns()), networks_(std::move(networks)), counters_(counters) {}
  std::unique_ptr<collect::Gate> gate() const override {
    return std::make_unique<BotGate>(rules_, list_, networks_, pace_, counters_);
  }
  const BotList& list() const { return list_; }

 private:
  const BotRules rules_;
  const BotList list_;
  const Networks networks_;
  mutable VisitorPace pace_;
  PrivacyCounters& counters_;
};

}  // namespace millrace::privacy
