#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/result.h"
#include "tools/http_client.h"

namespace millrace::tools {

struct StockLoadSettings {
  Endpoint to;
  std::string sku = "stock-load";
  std::uint64_t attempts = 10'000;
  std::size_t connections = 64;
  std::uint64_t seed = 1;            // Also part of every id, so that two runs share none.
  double released_share = 0;         // Of the reservations; the others are committed.
  double repeated_share = 0.02;      // Finished attempts whose reservation is asked for once more.
  std::string answers_file;          // Id, quantity, status and hash of the first answer of every attempt.
  std::int64_t give_up_ms = 60'000;  // Without any answer at all.
};

struct StockLoadReport {
  std::uint64_t attempts = 0;  // Finished.
  std::uint64_t reserved = 0, refused = 0;
  std::uint64_t committed = 0, committed_units = 0;
  std::uint64_t released = 0;
  std::uint64_t retries = 0;     // Sent again because the connection was lost or the answer was 429 or 5xx.
  std::uint64_t repeated = 0;    // Asked again although answered.
  std::uint64_t mismatches = 0;  // Of the repeated: another answer than the first.
  std::uint64_t lost = 0;        // Reserved by an answer, and then not to be committed or released.
  std::map<int, std::uint64_t> unexpected;  // Other answers to a reservation, by status.
  std::uint64_t unfinished = 0;             // Given up.
  double seconds = 0;
  double cpu_seconds = 0;
  base::HistogramSnapshot latency_us;  // Of every command, from its first sending to its answer.
};

// Many shoppers who want the same thing: every attempt reserves one to three units of one SKU under an id of its own, then
// commits or releases what it got. A command whose answer did not arrive is sent again as it was until there is an answer, so the
// server may be killed and started again meanwhile; what was answered before is asked for again and compared. Closed loop.
base::Result<StockLoadReport> run_stock_load(const StockLoadSettings& settings, const base::Clock& clock);

// How an answer is compared and recorded: by status and body.
std::uint64_t stock_answer_hash(int status, std::string_view body);

}  // namespace millrace::tools
