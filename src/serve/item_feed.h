#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "http/http.h"
#include "serve/recent_items.h"
#include "serve/sources.h"

namespace millrace::serve {

struct ItemFeedLimits {
  std::size_t clients_max = 32;          // Past it 503.
  std::size_t items_per_tick = 50;       // To each client; older ones are left out and counted.
  std::int64_t silence_ms_max = 10'000;  // Then a comment, so that proxies and clients know the stream lives.
};

// Items as they come, to whoever watches. Each client has its own filter.
class ItemFeed {
 public:
  ItemFeed(const Sources& sources, const base::Clock& clock, ItemFeedLimits limits)
      : sources_(sources), clock_(clock), limits_(limits) {}

  // The newest query.n at once, then what comes.
  void subscribe(RecentItemQuery query, http::Responder responder);
  // Sends what came since; one thread calls it, about every 200 ms.
  void tick();
  std::size_t clients() const { return open_.load(std::memory_order_relaxed); }

 private:
  struct Client {
    RecentItemQuery query;
    std::shared_ptr<http::Stream> stream;
    base::Instant written_at;
  };
  bool feed(Client& client, std::uint64_t newest);

  const Sources& sources_;
  const base::Clock& clock_;
  const ItemFeedLimits limits_;
  std::atomic<std::size_t> open_{0};
  std::mutex mutex_;
  std::vector<Client> clients_;  // Guarded by mutex_.
};

}  // namespace millrace::serve
