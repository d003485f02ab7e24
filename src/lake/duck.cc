#include "lake/duck.h"

#include <fmt/format.h>

#include <utility>

namespace millrace::lake {

namespace {

// First line only: what follows is a drawing of the statement.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

base::Status set_options(duckdb_config config, const DuckSettings& settings) {
  const std::pair<const char*, std::string> options[] = {
      {"threads", fmt::format("{}", settings.threads)},
      {"memory_limit", fmt::format("{}B", settings.memory_bytes_max)},
      {"max_temp_directory_size", fmt::format("{}B", settings.spill_bytes_max)},
      {"temp_directory", settings.spill_directory},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"allow_unsigned_extensions", "false"},
      {"enable_external_file_cache", "false"},  // The page cache does that.
  };
  for (const auto& [name, value] : options) {
    if (duckdb_set_config(config, name, value.c_str()) != DuckDBSuccess) {
      return base::Error(base::ErrorCode::invalid_argument,
                         fmt::format("duckdb: option {} = {}", name, value));
    }
  }
  return base::Ok{};
}

}  // namespace

base::Error duck_error(duckdb_error_type type, std::string_view message) {
  base::ErrorCode code = base::ErrorCode::invalid_argument;
  switch (type) {
    case DUCKDB_ERROR_OUT_OF_MEMORY: code = base::ErrorCode::exhausted; break;
    case DUCKDB_ERROR_INTERRUPT: code = base::ErrorCode::unavailable; break;
    case DUCKDB_ERROR_IO: code = base::ErrorCode::io; break;
    case DUCKDB_ERROR_TRANSACTION: code = base::ErrorCode::conflict; break;
    default: break;
  }
  return base::Error(code, std::string(message));
}

std::string sql_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out += '\'';
}

std::string sql_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

DuckResult::DuckResult(DuckResult&& other) noexcept : result_(std::exchange(other.result_, {})) {}
DuckResult& DuckResult::operator=(DuckResult&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}
DuckResult::~DuckResult() { duckdb_destroy_result(&result_); }

base::Result<std::unique_ptr<DuckDatabase>> DuckDatabase::open(const DuckSettings& settings) {
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) {
    return base::Error(base::ErrorCode::exhausted, "duckdb: no configuration");
  }
  if (auto set = set_options(config, settings); !set.ok()) {
    duckdb_destroy_config(&config);
    return std::move(set).error();
  }
  duckdb_database handle = nullptr;
  char* reason = nullptr;
  const auto state = duckdb_open_ext(nullptr, &handle, config, &reason);
  duckdb_destroy_config(&config);
  if (state != DuckDBSuccess) {
    base::Error error(base::ErrorCode::unavailable,
                      fmt::format("duckdb: {}", reason != nullptr ? reason : "open"));
    duckdb_free(reason);
    return error;
  }
  auto database = std::make_unique<DuckDatabase>(handle);
  TRY_ASSIGN(auto connection, database->connect());
  std::string directories;
  for (const auto& directory : settings.readable_directories) {
    if (!directories.empty()) directories += ", ";
    directories += sql_quote(directory);
  }
  // In this order: each takes away what the one before needed.
  TRY(connection->execute(fmt::format("SET GLOBAL allowed_directories = [{}]", directories)));
  TRY(connection->execute("SET GLOBAL enable_external_access = false"));
  TRY(connection->execute("SET GLOBAL TimeZone = 'UTC'"));
  TRY(connection->execute("SET GLOBAL parquet_metadata_cache = true"));
  TRY(connection->execute("SET GLOBAL lock_configuration = true"));
  return database;
}

DuckDatabase::~DuckDatabase() { duckdb_close(&database_); }

base::Result<std::unique_ptr<DuckConnection>> DuckDatabase::connect() {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database_, &connection) != DuckDBSuccess) {
    return base::Error(base::ErrorCode::exhausted, "duckdb: no connection");
  }
  return std::make_unique<DuckConnection>(connection);
}

DuckConnection::DuckConnection(duckdb_connection connection) : connection_(connection) {
  duckdb_client_context context = nullptr;
  duckdb_connection_get_client_context(connection_, &context);
  id_ = duckdb_client_context_get_connection_id(context);
  duckdb_destroy_client_context(&context);
}

DuckConnection::~DuckConnection() { duckdb_disconnect(&connection_); }

base::Status DuckResult::failure() {
  const char* message = duckdb_result_error(&result_);
  if (message == nullptr || *message == '\0') return base::Ok{};
  return duck_error(duckdb_result_error_type(&result_), fmt::format("duckdb: {}", first_line(message)));
}

base::Result<DuckResult> DuckConnection::query(const std::string& sql) {
  DuckResult result;
  if (duckdb_query(connection_, sql.c_str(), &result.handle()) != DuckDBSuccess) {
    TRY(result.failure());
    return base::Error(base::ErrorCode::io, "duckdb: failed");
  }
  return result;
}

base::Result<DuckResult> DuckConnection::stream(const std::string& sql) {
  const auto refused = [](const char* message) {
    return duck_error(DUCKDB_ERROR_INVALID,
                      fmt::format("duckdb: {}", first_line(message != nullptr ? message : "failed")));
  };
  DuckStatement statement;
  if (duckdb_prepare(connection_, sql.c_str(), statement.address()) != DuckDBSuccess)
    return refused(duckdb_prepare_error(statement.get()));
  DuckPending pending;
  if (duckdb_pending_prepared_streaming(statement.get(), pending.address()) != DuckDBSuccess)
    return refused(duckdb_pending_error(pending.get()));
  DuckResult result;
  if (duckdb_execute_pending(pending.get(), &result.handle()) != DuckDBSuccess) {
    TRY(result.failure());
    return refused(nullptr);
  }
  return result;
}

base::Status DuckConnection::add(duckdb_table_function function, const std::string& name) {
  duckdb_table_function_set_name(function, name.c_str());
  const auto state = duckdb_register_table_function(connection_, function);
  duckdb_destroy_table_function(&function);
  if (state != DuckDBSuccess)
    return base::Error(base::ErrorCode::invalid_argument, fmt::format("duckdb: table function {}", name));
  return base::Ok{};
}

base::Status DuckConnection::execute(const std::string& sql) {
  TRY_ASSIGN(auto result, query(sql));
  return base::Ok{};
}

}  // namespace millrace::lake
