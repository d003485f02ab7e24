#include "query/sql_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <utility>

#include "query/cell_reader.h"
#include "query/sql_guard.h"

namespace millrace::query {

namespace {

std::string message_of(const char* text) {
  // The message without the drawing of the statement below it, and without the name of a C++ exception class.
  std::string message(text != nullptr ? text : "failed");
  message.erase(std::min(message.find("\n\nLINE"), message.size()));
  // DuckDB's advice is about settings that only the server has.
  message.erase(std::min(message.find("\n\nPossible solutions"), message.size()));
  return message;
}

base::Error no_time(std::int64_t timeout_ms) {
  return base::Error(base::ErrorCode::unavailable,
                     fmt::format("the query took longer than {} ms", timeout_ms));
}

std::vector<std::string> readable_tables() {
  std::vector<std::string> out;
  for (const auto table : lake::kTables) out.push_back(lake::qualified_name(table));
  for (const char* view :
       {"curated.events", "curated.sessions", "curated.orders", "information_schema.tables",
        "information_schema.columns", "information_schema.schemata"}) {
    out.emplace_back(view);
  }
  return out;
}

// DuckDB shows the tables of its schema `main`, where we have none.
std::string show_tables(const std::vector<std::string>& tables) {
  std::string names;
  for (const auto& table : tables) {
    if (!table.starts_with("information_schema")) {
      names += (names.empty() ? "(" : ", (") + lake::sql_quote(table) + ")";
    }
  }
  return fmt::format("SELECT name FROM (VALUES {}) AS shown(name) ORDER BY name", names);
}

bool is_show_tables(std::string_view sql) {
  constexpr std::string_view kAround = " \t\r\n;";
  std::string words;
  for (const char c : sql) {
    if (kAround.find(c) == std::string_view::npos) {
      words += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  return words == "show tables" || words == "show tables ";
}

std::size_t size_of(const std::vector<SqlCell>& row) {
  std::size_t bytes = 2;
  for (const auto& cell : row) bytes += cell.text.size() + 3;
  return bytes;
}

}  // namespace

struct SqlEngine::Session {
  std::unique_ptr<lake::DuckConnection> connection;
  base::Instant deadline;
  std::int64_t timeout_ms = 0;
  HeapMeter heap;
  std::int64_t heap_before = 0;
  std::atomic<bool> over_heap = false;
};

// A session for one query; goes back when the query is over.
struct SqlEngine::Lease {
  Lease(SqlEngine& of, std::unique_ptr<Session> session) : engine(&of), owned(std::move(session)) {}
  Lease(Lease&& other) noexcept : engine(other.engine), owned(std::move(other.owned)) {}
  ~Lease() {
    if (owned == nullptr) return;
    const std::lock_guard lock(engine->mutex_);
    std::erase(engine->busy_, owned.get());
    if (reusable) engine->idle_.push_back(std::move(owned));
  }
  SqlEngine* engine;
  bool reusable = true;
  std::unique_ptr<Session> owned;
};

SqlEngine::SqlEngine(lake::Lake& lake, const base::Clock& clock, SqlSettings settings)
    : lake_(lake), clock_(clock), settings_(std::move(settings)), tables_(readable_tables()) {}

SqlEngine::~SqlEngine() = default;

base::Status SqlEngine::add(const SideTable& table) {
  TRY_ASSIGN(const auto connection, lake_.database().connect());
  TRY(add_side_table(*connection, table));
  (table.asker == Asker::admin ? closed_ : tables_).push_back(table.schema + "." + table.name);
  return base::Ok{};
}

base::Result<SqlEngine::Lease> SqlEngine::lease(std::int64_t timeout_ms) {
  const std::lock_guard lock(mutex_);
  if (busy_.size() >= settings_.concurrent_max) {
    return base::Error(base::ErrorCode::exhausted,
                       fmt::format("{} queries are running already", busy_.size()));
  }
  std::unique_ptr<Session> session;
  if (idle_.empty()) {
    session = std::make_unique<Session>();
    TRY_ASSIGN(session->connection, lake_.database().connect());
  } else {
    session = std::move(idle_.back());
    idle_.pop_back();
  }
  session->timeout_ms = timeout_ms;
  session->deadline = {clock_.now().ns + timeout_ms * 1'000'000};
  session->over_heap = false;
  if (settings_.heap_meter) {
    session->heap = settings_.heap_meter();
    session->heap_before = session->heap();
  }
  busy_.push_back(session.get());
  return Lease(*this, std::move(session));
}

std::vector<std::string> SqlEngine::tables_for(Asker asker) const {
  auto tables = tables_;
  if (asker == Asker::admin) tables.insert(tables.end(), closed_.begin(), closed_.end());
  return tables;
}

base::Status SqlEngine::check(Session& session, const std::string& sql, Asker asker) {
  TRY_ASSIGN(auto result,
             session.connection->query("SELECT json_serialize_sql(" + lake::sql_quote(sql) + ")"));
  const lake::DuckChunk chunk(result.next_chunk());
  if (!chunk) return base::Error(base::ErrorCode::invalid_argument, "syntax: there is no statement");
  TRY_ASSIGN(const auto tree, read_cell(duckdb_data_chunk_get_vector(chunk.get(), 0), 0));
  return check_syntax_tree(tree.text, tables_for(asker), closed_);
}

base::Result<SqlResult> SqlEngine::run(std::string_view sql, const SqlLimits& limits, Asker asker) {
  if (sql.size() > settings_.statement_bytes_max) {
    return base::Error(base::ErrorCode::invalid_argument,
                       fmt::format("a statement may have {} bytes", settings_.statement_bytes_max));
  }
  if (sql.find('\0') != std::string_view::npos) {
    return base::Error(base::ErrorCode::invalid_argument, "syntax: a NUL character");
  }
  const auto start = clock_.now();
  const std::string text(is_show_tables(sql) ? show_tables(tables_for(asker)) : sql);
  TRY_ASSIGN(auto leased, lease(std::min(settings_.timeout_ms, limits.timeout_ms)));
  Session& session = *leased.owned;
  TRY(check(session, text, asker));
  // In this order: a pin older than the transaction has every generation its views ask for.
  const lake::TailPin pin(lake_.tail(), session.connection->id());
  TRY(session.connection->execute("BEGIN TRANSACTION READ ONLY"));
  auto result = run_on(session, text, std::min(settings_.rows_max, limits.rows_max));
  // An interrupt that comes too late may hit this instead of the query.
  leased.reusable = session.connection->execute("ROLLBACK").ok();
  if (!result.ok()) return result;
  result->took_ms = (clock_.now() - start) / 1'000'000;
  return result;
}

base::Error SqlEngine::failure(const Session& session, const char* text) const {
  if (session.over_heap) {
    return base::Error(
        base::ErrorCode::exhausted,
        fmt::format("the statement needs more than {} MiB of memory", settings_.heap_bytes_max >> 20));
  }
  if (clock_.now() >= session.deadline) return no_time(session.timeout_ms);
  const auto message = message_of(text);
  const bool memory =
      message.starts_with("Out of Memory") || message.find("failed to offload") != std::string::npos;
  if (memory) return base::Error(base::ErrorCode::exhausted, message);
  // Files that are gone or damaged are nothing that another statement would mend.
  const bool file = message.starts_with("IO Error") || message.find(kSideFault) != std::string::npos ||
                    message.find("No magic bytes") != std::string::npos;
  return base::Error(file ? base::ErrorCode::io : base::ErrorCode::invalid_argument, message);
}

base::Result<lake::DuckResult> SqlEngine::start(Session& session, const std::string& sql) {
  lake::DuckStatement statement;
  if (duckdb_prepare(session.connection->handle(), sql.c_str(), statement.address()) != DuckDBSuccess) {
    return failure(session, duckdb_prepare_error(statement.get()));
  }
  if (duckdb_prepared_statement_type(statement.get()) != DUCKDB_STATEMENT_TYPE_SELECT) {
    return base::Error(base::ErrorCode::invalid_argument, "only SELECT statements are allowed");
  }
  if (duckdb_nparams(statement.get()) != 0) {
    return base::Error(base::ErrorCode::invalid_argument, "parameters are not supported: write the value");
  }
  lake::DuckPending pending;
  if (duckdb_pending_prepared_streaming(statement.get(), pending.address()) != DuckDBSuccess) {
    return failure(session, duckdb_pending_error(pending.get()));
  }
  for (;;) {
    const auto state = duckdb_pending_execute_task(pending.get());
    if (state == DUCKDB_PENDING_ERROR) return failure(session, duckdb_pending_error(pending.get()));
    if (duckdb_pending_execution_is_finished(state) || state == DUCKDB_PENDING_RESULT_READY) break;
    if (clock_.now() >= session.deadline) return no_time(session.timeout_ms);
  }
  lake::DuckResult result;
  if (duckdb_execute_pending(pending.get(), &result.handle()) != DuckDBSuccess) {
    return failure(session, duckdb_result_error(&result.handle()));
  }
  return result;
}

base::Status SqlEngine::add_rows(duckdb_data_chunk chunk, std::size_t rows_max, std::size_t& bytes,
                                 SqlResult& out) const {
  const idx_t size = duckdb_data_chunk_get_size(chunk);
  for (idx_t row = 0; row < size; ++row) {
    if (out.rows.size() == rows_max || bytes > settings_.result_bytes_max) {
      out.truncated = true;
      break;
    }
    auto& cells = out.rows.emplace_back();
    for (std::size_t i = 0; i < out.columns.size(); ++i) {
      TRY_ASSIGN(auto cell, read_cell(duckdb_data_chunk_get_vector(chunk, i), row));
      cells.push_back(std::move(cell));
    }
    bytes += size_of(cells);
  }
  return base::Ok{};
}

base::Result<SqlResult> SqlEngine::run_on(Session& session, const std::string& sql, std::size_t rows_max) {
  TRY_ASSIGN(auto duck, start(session, sql));
  SqlResult out;
  for (idx_t i = 0; i < duck.column_count(); ++i) {
    auto type = duckdb_column_logical_type(&duck.handle(), i);
    out.columns.push_back({duckdb_column_name(&duck.handle(), i), type_name(type)});
    duckdb_destroy_logical_type(&type);
  }
  std::size_t bytes = 0;
  while (!out.truncated) {
    const lake::DuckChunk chunk(duck.next_chunk());
    if (!chunk) break;
    if (clock_.now() >= session.deadline) return no_time(session.timeout_ms);
    TRY(add_rows(chunk.get(), rows_max, bytes, out));
  }
  if (const char* message = duckdb_result_error(&duck.handle()); message != nullptr && *message != '\0') {
    return failure(session, message);
  }
  return out;
}

void SqlEngine::interrupt_expired() {
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  for (auto* session : busy_) {
    if (session->heap && session->heap() - session->heap_before > settings_.heap_bytes_max)
      session->over_heap = true;
    if (session->over_heap || now >= session->deadline) session->connection->interrupt();
  }
}

std::uint32_t SqlEngine::running() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(busy_.size());
}

}  // namespace millrace::query
