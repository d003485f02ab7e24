#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "event/view.h"

namespace millrace::serve {

// A session as the live page shows it.
struct SessionSummary {
  std::uint64_t session_id = 0;
  std::string visitor_id;
  bool open = true;
  event::Channel channel = event::Channel::direct;
  event::Device device = event::Device::unknown;
  std::string country;
  event::FunnelStep level = event::FunnelStep::landing;
  std::uint32_t events = 0;
  std::string entry_page;
  base::WallTime started_at;
  std::string last_item;
};

// The sessions that changed last: opened, closed or moved up the funnel. Safe from any thread.
class RecentSessions {
 public:
  explicit RecentSessions(std::size_t sessions_max) : sessions_max_(sessions_max) {}

  void changed(const SessionSummary& session);
  // A late event joined it to another one.
  void retracted(std::uint64_t session_id);

  struct Change {
    std::uint64_t sequence = 0;
    SessionSummary session;
  };
  // Those that changed after `sequence`, newest change first, at most n.
  std::vector<Change> changed_after(std::uint64_t sequence, std::size_t n) const;

 private:
  const std::size_t sessions_max_;
  mutable std::mutex mutex_;
  std::vector<Change> slots_;
  std::unordered_map<std::uint64_t, std::uint32_t> index_;
  std::size_t next_ = 0;
  std::uint64_t sequence_ = 0;
};

// The ids of sessions that are open now, up to a bound; safe from any thread.
class OpenSessions {
 public:
  explicit OpenSessions(std::size_t sessions_max) : shard_sessions_max_(sessions_max / kShards + 1) {}
  void opened(std::uint64_t session_id);
  void closed(std::uint64_t session_id);
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 16;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_set<std::uint64_t> ids;
  };
  const std::size_t shard_sessions_max_;
  Shard shards_[kShards];
};

}  // namespace millrace::serve
