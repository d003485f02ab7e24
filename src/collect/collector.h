#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "collect/dialect.h"
#include "collect/gate.h"
#include "collect/intake.h"
#include "collect/refusal_counts.h"
#include "collect/source_table.h"
#include "http/http.h"
#include "journal/group_commit.h"

namespace millrace::collect {

struct CollectorSettings {
  TimeSource time = TimeSource::wall;
  int retry_after_s = 1;         // Told to clients when there is too much work.
  int retry_after_fault_s = 10;  // When the journal cannot be written.
  // By index of the source: its data belongs to another region's storage than ours.
  std::vector<bool> elsewhere = {};
};

// Any thread may read them at any time.
struct CollectorCounters {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> requests_refused{0};     // 4xx: nothing of them was stored.
  std::atomic<std::uint64_t> requests_overloaded{0};  // 429: a queue was full.
  std::atomic<std::uint64_t> requests_over_quota{
      0};  // 429: the source sends more than it may; counted as refused, too.
  std::atomic<std::uint64_t> requests_failed{0};  // 503: the journal could not be written.
  std::atomic<std::uint64_t> bytes{0};            // Of bodies, as received.
  std::atomic<std::uint64_t> items_received{0};
  std::atomic<std::uint64_t> items_accepted{0};
  std::atomic<std::uint64_t> items_quarantined{0};
  std::atomic<std::uint64_t> items_suppressed{0};
  std::atomic<std::uint64_t> items_consent_dropped{0};
  std::atomic<std::uint64_t> items_refused{0};    // Of a batch that was taken otherwise: not stored.
  std::atomic<std::uint64_t> items_elsewhere{0};  // Of sources of other regions: not stored.
  base::Histogram parse_ns;  // From the whole request to its records handed to the journal.
  base::Histogram ack_ns;    // From the whole request to its answer: 2xx only.
};

// HTTP in, durable records out. A request is answered 200 only after the fsync of every partition that holds an item of
// it. Otherwise its client is told to come again: 429 when a queue is full, 503 when the journal cannot be written; then
// some of the items may be durable, and their message ids make the repetition harmless.
class Collector {
 public:
  // Partition i of the events journal is written by partitions[i], which like `clock` must outlive this. Every event passes the
  // gates of `gates`, in their order.
  Collector(CollectorSettings settings, std::vector<journal::GroupCommit*> partitions,
            const base::Clock& clock, std::vector<const GateMaker*> gates = {});
  ~Collector();

  // Shows all items of the dialects attached later to `watch`, which must outlive this.
  void watch(ItemWatch& watch) { watch_ = &watch; }
  // Takes the counts of stock that come in, and says of each whether it is durable; an error: it was not taken. Without it they go
  // nowhere. Before attach().
  using StockPort = std::function<base::Status(const event::SetStock&, std::function<void(base::Status)>)>;
  void send_stock_to(StockPort port) { stock_ = std::move(port); }
  // Holds the sources of dialects attached later to their quotas.
  void meter(const SourceTable& sources) { sources_.emplace(sources); }
  // Adds the dialect's endpoints. The dialect and this must outlive the router.
  void attach(const Dialect& dialect, http::Router& router);
  const CollectorCounters& counters() const { return counters_; }
  // Every request that was answered 4xx or 5xx is in it once for each source that it had items of, or once for nobody.
  const RefusalCounts& refusals() const { return refusals_; }

 private:
  struct Workbench;  // Memory for one request at a time.
  class Bench;       // All workbenches of one dialect.
  class Receipt;     // A request that waits for its fsyncs.

  // A refusal, and the source that it is because of.
  struct Charge {
    Refusal refusal;
    std::uint16_t source = 0;
  };
  std::optional<Charge> charge(Workbench& workbench) const;
  void turn_away(const Bench& bench, int endpoint, const http::Request& request, http::Responder responder,
                 const Refusal& refusal, std::optional<std::uint16_t> source, base::WallTime at);
  void collect(Bench& bench, int endpoint, const http::Request& request, http::Responder responder);

  const CollectorSettings settings_;
  const std::vector<journal::GroupCommit*> partitions_;
  const base::Clock& clock_;
  const std::vector<const GateMaker*> gates_;
  ItemWatch* watch_ = nullptr;
  StockPort stock_;
  std::optional<SourceTable> sources_;
  std::vector<std::unique_ptr<Bench>> benches_;
  CollectorCounters counters_;
  RefusalCounts refusals_;
};

}  // namespace millrace::collect
