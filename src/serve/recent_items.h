#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "event/event.h"
#include "event/record.h"

namespace millrace::serve {

struct RecentItemLimits {
  std::size_t items_max = 200;           // Kept of each source; the oldest leave.
  std::size_t bytes_max = 1024 * 1024;   // The same, of their texts.
  std::size_t identities_max = 10'000;   // Message ids of each source by which a duplicate is known.
  std::uint32_t items_per_window = 200;  // Taken of each source and kind; kWindowMs is the window.
};

// Nobody's: items whose write key no source has.
constexpr std::uint16_t kNoSource = 0xffff;

struct RecentItem {
  std::uint64_t sequence = 0;  // Rises by one with each item kept.
  std::uint16_t source = kNoSource;
  event::Verdict verdict = event::Verdict::accepted;
  bool refused = false;  // Not even counted for a source.
  base::WallTime at;
  std::string reason, pointer, detail;  // Empty when accepted.
  std::string visitor_id, message_id, event_name;
  std::string raw;
  std::string canonical;  // JSON; empty when it did not become an event.
  std::uint64_t identity = 0;
};
using RecentItemPointer = std::shared_ptr<const RecentItem>;

struct RecentItemQuery {
  std::optional<std::uint16_t> source{};
  std::optional<event::Verdict> verdict{};
  std::string contains{};   // In the raw bytes or the canonical event.
  std::uint64_t after = 0;  // Only with a higher sequence.
  std::size_t n = 50;       // The newest so many.
};

// The last items of each source with what became of them, for people who look at how their client's events arrive. Not an
// account: above the limits it is a sample, and it begins anew with the process. Taking part costs every item two atomic
// operations, and up to items_per_window * 1000 / kWindowMs items a second of each source a copy. Any thread.
class RecentItems {
 public:
  static constexpr std::int64_t kWindowMs = 1000;

  explicit RecentItems(RecentItemLimits limits) : limits_(limits) {}

  void accepted(const event::Event& event, base::WallTime at);
  void turned_away(const event::QuarantinedItem& item, event::Verdict verdict, base::WallTime at);
  void refused(std::string_view reason, std::string_view detail, base::WallTime at);

  // Newest first.
  std::vector<RecentItemPointer> find(const RecentItemQuery& query) const;
  // Items that came and were not kept.
  std::uint64_t skipped() const { return skipped_.load(std::memory_order_relaxed); }
  std::uint64_t newest() const;

 private:
  // Of each: what is rare is not crowded out by what is not.
  enum class Kind : std::uint8_t { accepted, turned_away };
  struct Window {
    std::atomic<std::int64_t> number{0};
    std::atomic<std::uint32_t> items{0};
  };
  struct Ring {
    std::deque<RecentItemPointer> items;  // The newest last.
    std::size_t bytes = 0;
    std::unordered_set<std::uint64_t> known;  // Identities, and in the order in which they came.
    std::deque<std::uint64_t> identities;
  };
  static constexpr std::size_t kWindows = 64;  // By source, modulo.

  bool admit(std::uint16_t source, Kind kind, base::WallTime at);
  void keep(std::unique_ptr<RecentItem> item);
  bool is_new(Ring& ring, std::uint64_t identity) const;

  const RecentItemLimits limits_;
  std::array<std::array<Window, kWindows>, 2> windows_;
  std::atomic<std::uint64_t> skipped_{0};

  mutable std::mutex mutex_;
  std::unordered_map<std::uint16_t, Ring> rings_;  // Guarded by mutex_, as is the rest.
  std::uint64_t sequence_ = 0;
};

}  // namespace millrace::serve
