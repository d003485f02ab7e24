#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "event/event.h"

namespace millrace::contract {

// An event as discovery sees it: as it is stored, personal fields already replaced.
struct SeenEvent {
  std::uint16_t source = 0;
  event::EventType type = event::EventType::other;
  base::WallTime received_at;
  std::string name;  // As the client wrote it.
  std::string raw;
};

// Hands samples of what is stored from the doors to discovery. Bounded: what does not fit is counted and gone. Any thread.
class DiscoveryFeed {
 public:
  static constexpr std::size_t kWaitingMax = 2000;
  static constexpr std::size_t kRawBytesMax = 16 * 1024;
  static constexpr std::uint32_t kKeptOneOf = 16;  // Of events that come often.
  static constexpr std::uint32_t kFirstKept = 1000;

  // Counts the event; whether it is one of those that are looked at. New and rare names always are: a name's first events, and
  // then one of kKeptOneOf.
  bool wants(const event::Event& event) {
    const std::uint64_t name = event.type == event::EventType::other
                                   ? base::hash64(event[event::Text::event_name], event.source)
                                   : base::mix(static_cast<std::uint64_t>(event.type), event.source);
    const std::uint32_t count = counts_[name % kCounts].fetch_add(1, std::memory_order_relaxed);
    return count < kFirstKept || count % kKeptOneOf == 0;
  }
  void offer(SeenEvent seen) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || waiting_.size() >= kWaitingMax) {
      missed_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    waiting_.push_back(std::move(seen));
  }
  std::vector<SeenEvent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }
  std::uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kCounts = 4096;  // Names that share one are looked at less often.
  std::array<std::atomic<std::uint32_t>, kCounts> counts_{};
  std::mutex mutex_;
  std::vector<SeenEvent> waiting_;
  std::atomic<std::uint64_t> missed_{0};
};

}  // namespace millrace::contract
