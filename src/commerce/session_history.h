#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "commerce/session.h"

namespace millrace::commerce {

struct SessionSettings {
  std::int64_t gap_ms =
      30 * base::kMinuteMs;  // A longer silence begins a new session; exactly this one does not.
  std::int64_t length_ms_max =
      24 * base::kHourMs;  // An event that would make a session longer begins a new one.
  // How far behind both the watermark and the visitor's own newest event an event may be and still count in sessions and carts.
  std::int64_t lateness_ms = 10 * base::kMinuteMs;
  // A session touched after its time stays open this long, in watermark time: more may follow, and each closing is a row.
  std::int64_t straggler_ms = 1 * base::kMinuteMs;
  std::size_t items_max = 128;  // The newest are kept.
  std::size_t kept_max = 4;     // Sessions of one visitor that late events can still change.
};

// The sessions of one visitor that may still change, the earliest first, and what was learned about the visitor from older ones.
struct SessionHistory {
  std::vector<Session> sessions;  // Never empty once an event came.
  std::uint32_t count = 0;        // All there were.
  EventMark first;                // The earliest event that counted, and the channel it came by.
  event::Channel first_channel = event::Channel::direct;
  std::int64_t newest_ms = 0;  // Event time of the newest event; meaningful when `count` > 0.

  const Session* newest() const { return sessions.empty() ? nullptr : &sessions.back(); }
  void encode(base::ByteWriter& writer) const;
  bool decode(base::ByteReader& reader);
};

// What a step did beyond the history itself; reused between steps.
struct SessionEffects {
  struct Row {
    event::SessionRow row;  // Without offset, visitor and user.
    std::vector<std::string> items;
  };
  std::vector<Row> rows;
  // Where sessions are no longer counted, and where they are now.
  std::vector<FunnelPlace> left;
  std::vector<FunnelPlace> entered;
  std::uint32_t opened = 0;
  std::uint32_t merged = 0;
  void clear();
};

// Whether the event comes too late to change sessions and carts: it is more than the bound behind both the watermark and
// the newest event of its visitor. A visitor whose events come in order is never too late, however old they are.
bool too_late(const SessionHistory& history, const SessionSettings& settings, std::int64_t at_ms,
              std::int64_t watermark_ms);

// Counts an event that is not too_late() in the session it belongs to, which may open one or join two, and returns its session.
std::uint64_t observe(SessionHistory& history, const SessionSettings& settings, const Arrival& arrival,
                      SessionEffects& effects);

// Closes what the watermark has passed.
void close_due(SessionHistory& history, std::int64_t watermark_ms, SessionEffects& effects);

// The next watermark that close_due() needs to see; INT64_MAX when none.
std::int64_t next_due(const SessionHistory& history);

}  // namespace millrace::commerce
