#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::lake {

struct DuckSettings {
  std::uint32_t threads =
      1;  // In all, background ones included; 1 = every query runs on its caller's thread.
  std::int64_t memory_bytes_max = std::int64_t{1} << 30;
  std::int64_t spill_bytes_max = std::int64_t{8} << 30;
  std::string spill_directory;                    // Sorts and joins larger than memory go here.
  std::vector<std::string> readable_directories;  // The only places of the file system DuckDB can touch.
};

// A value of a result, with its memory. Columns are read with the C API's chunk functions.
class DuckResult {
 public:
  DuckResult() = default;
  DuckResult(DuckResult&& other) noexcept;
  DuckResult& operator=(DuckResult&& other) noexcept;
  ~DuckResult();

  duckdb_result& handle() { return result_; }
  std::size_t column_count() { return duckdb_column_count(&result_); }
  // The next chunk, owned by the caller, or null at the end, or where a stream failed: failure() tells.
  duckdb_data_chunk next_chunk() { return duckdb_fetch_chunk(result_); }
  base::Status failure();

 private:
  duckdb_result result_{};
};

// Owns a chunk.
class DuckChunk {
 public:
  explicit DuckChunk(duckdb_data_chunk chunk) : chunk_(chunk) {}
  DuckChunk(const DuckChunk&) = delete;
  DuckChunk& operator=(const DuckChunk&) = delete;
  ~DuckChunk() { duckdb_destroy_data_chunk(&chunk_); }
  explicit operator bool() const { return chunk_ != nullptr; }
  duckdb_data_chunk get() const { return chunk_; }

 private:
  duckdb_data_chunk chunk_;
};

// Owns what the C API makes.
template <class Handle, void (*destroy)(Handle*)>
class DuckOwned {
 public:
  DuckOwned() = default;
  DuckOwned(const DuckOwned&) = delete;
  DuckOwned& operator=(const DuckOwned&) = delete;
  ~DuckOwned() { destroy(&handle_); }
  Handle* address() { return &handle_; }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};
using DuckStatement = DuckOwned<duckdb_prepared_statement, duckdb_destroy_prepare>;
using DuckPending = DuckOwned<duckdb_pending_result, duckdb_destroy_pending>;

// Of what was made by `new` and given away to a callback of the C API.
template <class T>
void duck_delete(void* pointer) {
  const std::unique_ptr<T> owner(static_cast<T*>(pointer));
}

class DuckConnection;

// An in-memory DuckDB, cut off from the world: no extension is loaded, nothing but the directories given can be read or
// written, and none of this can be changed any more. Connections may be used from different threads; it outlives them.
class DuckDatabase {
 public:
  static base::Result<std::unique_ptr<DuckDatabase>> open(const DuckSettings& settings);
  explicit DuckDatabase(duckdb_database database) : database_(database) {}
  DuckDatabase(const DuckDatabase&) = delete;
  DuckDatabase& operator=(const DuckDatabase&) = delete;
  ~DuckDatabase();

  base::Result<std::unique_ptr<DuckConnection>> connect();

 private:
  duckdb_database database_;
};

// One session. Not thread safe, but for interrupt().
class DuckConnection {
 public:
  explicit DuckConnection(duckdb_connection connection);
  DuckConnection(const DuckConnection&) = delete;
  DuckConnection& operator=(const DuckConnection&) = delete;
  ~DuckConnection();

  base::Result<DuckResult> query(const std::string& sql);
  // The rows are made while they are fetched, before anything else runs on this connection.
  base::Result<DuckResult> stream(const std::string& sql);
  base::Status execute(const std::string& sql);
  // Makes a table function known to the database. Takes it over.
  base::Status add(duckdb_table_function function, const std::string& name);
  // Makes the running query, if any, fail soon. Any thread.
  void interrupt() { duckdb_interrupt(connection_); }
  std::uint64_t id() const { return id_; }
  duckdb_connection handle() { return connection_; }

 private:
  duckdb_connection connection_;
  std::uint64_t id_ = 0;
};

// 'it''s'
std::string sql_quote(std::string_view text);
// "na""me"
std::string sql_identifier(std::string_view name);

// DuckDB's error as ours: what ran out is `exhausted`, the file system is `io`, the rest the caller's fault.
base::Error duck_error(duckdb_error_type type, std::string_view message);

}  // namespace millrace::lake
