#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "lake/lake.h"
#include "query/side_table.h"
#include "query/sql_result.h"

namespace millrace::query {

// What one thread has allocated and not freed. May be asked by any thread while that one lives.
using HeapMeter = std::function<std::int64_t()>;

struct SqlSettings {
  std::size_t statement_bytes_max = 64 << 10;
  std::int64_t timeout_ms = 10'000;
  std::size_t rows_max = 10'000;            // The rest is cut off, and the result says so.
  std::size_t result_bytes_max = 16 << 20;  // The same.
  std::uint32_t concurrent_max = 4;         // More are refused.
  // What a statement's thread may allocate and keep meanwhile. The database's own limit does not know what aggregates keep on
  // the heap: the values of a median, the counts of a mode.
  std::int64_t heap_bytes_max = INT64_MAX;
  std::function<HeapMeter()> heap_meter = nullptr;  // Of the thread that calls it; none: not watched.
};

// May be smaller than the settings say, not larger.
struct SqlLimits {
  std::int64_t timeout_ms = INT64_MAX;
  std::size_t rows_max = SIZE_MAX;
};

// Read-only SQL over the lake and its tail, on the caller's thread. Any number of threads.
//
// Three walls stand between a statement and anything but the tables: the guard, which lets a list of syntax through; a
// read-only transaction; and the database, which can open nothing outside the lake's own directories.
class SqlEngine {
 public:
  // Both outlive it.
  SqlEngine(lake::Lake& lake, const base::Clock& clock, SqlSettings settings);
  ~SqlEngine();

  // Before the first statement runs.
  base::Status add(const SideTable& table);

  // What went wrong, by code: invalid_argument - the statement ("syntax...", "not allowed..." or DuckDB's words);
  // unavailable - it took longer than it may; io - a table's file is gone or damaged; exhausted - too many at once, or more memory than there is.
  base::Result<SqlResult> run(std::string_view sql, const SqlLimits& limits = {},
                              Asker asker = Asker::analyst);

  // Stops the queries that are over their time or their share of the heap. Whoever drives the engine calls this every 50 ms or
  // so: a query notices its deadline by itself only between chunks of rows.
  void interrupt_expired();
  std::uint32_t running() const;

 private:
  struct Session;
  struct Lease;
  base::Result<Lease> lease(std::int64_t timeout_ms);
  std::vector<std::string> tables_for(Asker asker) const;
  base::Status check(Session& session, const std::string& sql, Asker asker);
  base::Result<SqlResult> run_on(Session& session, const std::string& sql, std::size_t rows_max);
  base::Result<lake::DuckResult> start(Session& session, const std::string& sql);
  base::Status add_rows(duckdb_data_chunk chunk, std::size_t rows_max, std::size_t& bytes,
                        SqlResult& out) const;
  base::Error failure(const Session& session, const char* text) const;

  lake::Lake& lake_;
  const base::Clock& clock_;
  const SqlSettings settings_;
  std::vector<std::string> tables_;  // For everybody ...
  std::vector<std::string> closed_;  // ... and for admins.
  mutable std::mutex mutex_;         // Guards the two below.
  std::vector<std::unique_ptr<Session>> idle_;
  std::vector<Session*> busy_;
};

}  // namespace millrace::query
