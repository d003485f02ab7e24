#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "event/fact.h"
#include "http/http.h"
#include "serve/recommendation_source.h"

namespace millrace::serve {

class RecentItems;

struct LakeTable {
  std::string name;
  std::uint64_t rows_committed = 0;
  std::uint64_t rows_tail = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::int64_t snapshot_id = 0;  // 0: none yet.
  base::WallTime last_commit_at;
  std::vector<std::pair<std::string, std::uint64_t>>
      partitions;  // Journal partition, offset it is committed up to.
};
struct LakeStatus {
  std::vector<LakeTable> tables;
  std::uint64_t parquet_bytes = 0;
  std::uint64_t json_bytes = 0;  // What came in for them.
};

struct Quantiles {
  double p50_ms = 0;
  double p99_ms = 0;
};

struct JournalPartition {
  std::string name;  // "events/0"
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t applied = 0;  // One past the last record that the views reflect.
};

enum class TimeSource : std::uint8_t { wall, events };

struct PlatformStatus {
  std::string version;
  base::WallTime started_at;
  TimeSource time = TimeSource::wall;
  Quantiles fsync, ack, visible;
  std::uint64_t journal_bytes = 0;
  std::uint64_t journal_segments = 0;
  std::vector<JournalPartition> partitions;
};

// The figures of the live page that no view holds; quantiles over about the last ten seconds.
struct LiveFigures {
  Quantiles ack, visible;
  std::uint64_t lake_rows_committed = 0;
  std::uint64_t lake_rows_tail = 0;
  std::uint64_t lake_snapshots = 0;
  base::WallTime lake_last_commit_at;
  double lake_commit_lag_s = 0;  // Age of the oldest row that is not committed yet.
  std::uint64_t reservations_open = 0;
};

enum class DeliveryState : std::uint8_t { none, pending, delivered, failed };

struct ActionEntry {
  event::Action action;
  DeliveryState state = DeliveryState::none;  // none: no target is configured.
  std::uint32_t attempts = 0;
  std::string last_error;
  base::WallTime delivered_at;
};

struct ActionQuery {
  std::size_t n = 50;
  std::optional<DeliveryState> state;
};

// Requests that were turned away as a whole, since SourceDetails::refused_since.
struct RefusedRequests {
  std::string_view code;
  std::uint64_t requests = 0;
};

// What a source may send, and what was turned away for it.
struct SourceDetail {
  std::string name;
  std::string_view from;  // "settings", "managed" or "open".
  bool enabled = true;
  std::vector<std::string> origins;
  std::int64_t events_per_s = 0;  // 0: no quota.
  std::int64_t burst = 0;
  std::string region;           // Where its data may be stored; empty: anywhere.
  std::int64_t precedence = 0;  // Of several sources that tell of one order, the highest is believed.
  std::vector<RefusedRequests> refused;
};

struct SourceDetails {
  std::string region;            // Of this server's storage; empty: none.
  base::WallTime refused_since;  // From when on the refused requests are counted.
  std::vector<SourceDetail> sources;
  std::vector<RefusedRequests> refused_of_nobody;  // That did not show whose they were.
};

using StockAnswer = std::function<void(int status, std::string body)>;
using Respond = std::function<void(http::Response)>;

// A person who is not to be followed, by the keyed hash of an id.
struct SuppressedId {
  std::string hash;  // 32 hex digits.
  base::WallTime since;
};

// A token that a vault was asked to open: "opened", "gone", "not_granted", "suppressed", "unknown", "damaged".
struct OpenedToken {
  std::string token;
  std::string state;
  std::string value;  // When opened.
};
struct VaultOpening {
  base::WallTime at;
  std::string who;
  std::string purpose;
  std::string state;
  std::string token;
};

// What the API asks of the rest of the program; every function is called on the server's threads and must not
// block. A function that is left empty makes its routes answer 503 not_available.
struct Sources {
  const RecommendationSource* recommendations = nullptr;  // Null: the ladder begins at trending.
  const RecentItems* recent_items = nullptr;              // Null: nobody watches the items that come in.
  // A new visitor's id: 32 hex digits that nobody can guess.
  std::function<std::string()> make_visitor_id;
  // Names of the write keys' sources, by their index.
  std::function<std::vector<std::string>()> source_names;
  std::function<SourceDetails()> source_details;
  // Hands the command to its journal; `answer` runs once its outcome is durable, on any thread. exhausted or
  // unavailable when it was not taken, and then `answer` never runs.
  std::function<base::Status(const event::StockCommand& command, StockAnswer answer)> submit_stock;
  // Runs the statement on a thread of its own and responds from there, with sql_answer() of
  // serve/sql_answer.h.
  std::function<void(std::string statement, const http::Request& who_asks, Respond respond)> run_sql;
  std::function<LakeStatus()> lake;
  std::function<PlatformStatus()> status;
  std::function<LiveFigures()> live_figures;
  std::function<std::vector<ActionEntry>(const ActionQuery& query)> actions;  // Newest first.
  // The cart that a visitor left and has not bought since, if they may be told of it.
  std::function<std::optional<event::Action>(std::string_view visitor_id)> offer;
  // Why the program is not ready to take events; empty when it is.
  std::function<std::vector<std::string>()> unready_reasons;
  // What waits meanwhile, and for what; empty when nothing does.
  std::function<std::vector<std::string>()> waiting_reasons;
  // Moves event time on; empty: time is the wall clock's.
  std::function<base::Status(base::WallTime to)> advance_clock;
  // Durable when they return; true when it changed anything. Each takes an fsync's time.
  std::function<base::Result<bool>(std::string_view id)> suppress;
  std::function<base::Result<bool>(std::string_view id)> end_suppression;
  std::function<std::vector<SuppressedId>()> suppressions;  // The oldest first.
  // The vault; empty when there is none. Each opening is on disk before its value is given out, and what was erased is gone
  // from the disk, when they return.
  std::function<base::Result<std::vector<OpenedToken>>(const std::vector<std::string>& tokens,
                                                       event::Purpose purpose)>
      open_vault;
  std::function<std::vector<VaultOpening>()> vault_openings;  // The newest first.
  std::function<base::Result<bool>(std::string_view id)> erase_person;
  // Contracts, proposals, alerts, rules of quality and the quarantine, by operationId; answers once, from any thread. A change
  // waits for the disk.
  std::function<void(std::string_view operation, const http::Request& request, Respond respond)> contracts;
  // Tokens, sessions, write keys and the audit log, by operationId; the same.
  std::function<void(std::string_view operation, const http::Request& request, Respond respond)> admin;
  // Everything below /iceberg.
  std::function<http::Response(const http::Request& request)> iceberg;
};

}  // namespace millrace::serve
