#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "app/command.h"
#include "app/commands.h"
#include "app/import_file.h"
#include "app/import_query.h"
#include "app/progress_bar.h"
#include "app/server_address.h"
#include "app/system_clock.h"
#include "app/webhook_mapping_file.h"
#include "collect/client_time.h"
#include "lake/duck.h"
#include "tools/batch_sender.h"

namespace millrace::app {

namespace {

constexpr std::uint64_t kBatchItems = 500;
constexpr std::size_t kBatchBytes = 2 * 1024 * 1024;

struct Options {
  std::vector<std::string> files;
  ServerAddress to;
  std::string mapping, write_key = "import";
  std::int64_t memory_mb = 1024;
};

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

base::Result<std::uint64_t> count_rows(lake::DuckConnection& connection, const std::string& query) {
  TRY_ASSIGN(auto result, connection.query("SELECT count(*) FROM (" + query + ")"));
  const lake::DuckChunk chunk(result.next_chunk());
  if (!chunk) return std::uint64_t{0};
  const auto* const counts =
      static_cast<const std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0)));
  return static_cast<std::uint64_t>(counts[0]);
}

// None when it is null.
std::optional<std::string> text_in(duckdb_data_chunk chunk, idx_t column) {
  const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
  auto* const validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, 0)) return std::nullopt;
  auto* const text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return std::string(duckdb_string_t_data(text), duckdb_string_t_length(*text));
}

// How many lines are no JSON. A pointer that leads nowhere in all of the file is an error: a slip of the pen.
base::Result<std::uint64_t> look_through(lake::DuckConnection& connection,
                                         const collect::MappingSettings& mapping, const ImportFile& file) {
  TRY_ASSIGN(auto result, connection.query(import_doubts_query(mapping, file)));
  const lake::DuckChunk chunk(result.next_chunk());
  if (!chunk) return std::uint64_t{0};
  if (const auto absent = text_in(chunk.get(), 1)) {
    TRY_ASSIGN(auto members, connection.query(import_members_query(file)));
    const lake::DuckChunk names(members.next_chunk());
    return base::Error(
        base::ErrorCode::invalid_argument,
        fmt::format("no line of it has {}, which the mapping names; its lines have {}. Correct the mapping",
                    *absent, text_in(names.get(), 0).value_or("no members at all")));
  }
  const auto* const counts =
      static_cast<const std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0)));
  return static_cast<std::uint64_t>(counts[0]);
}

// Collects items until they make a batch.
class Batches {
 public:
  explicit Batches(tools::BatchSender& sender) : sender_(sender) {}
  base::Status add(std::string_view item) {
    if (count_ > 0) items_ += ',';
    items_ += item;
    ++count_;
    return count_ >= kBatchItems || items_.size() >= kBatchBytes ? flush() : base::Status(base::Ok{});
  }
  base::Status flush() {
    if (count_ > 0) TRY(sender_.send(items_, count_));
    items_.clear();
    count_ = 0;
    return base::Ok{};
  }

 private:
  tools::BatchSender& sender_;
  std::string items_;
  std::uint64_t count_ = 0;
};

// What was left out.
struct LeftOut {
  std::uint64_t no_json = 0;
  std::uint64_t no_time =
      0;  // Items whose time nobody can read: as of now they would be in the wrong figures.
  std::string first_time;

  base::Status status() const {
    std::string said;
    if (no_json > 0) said = fmt::format("{} lines are no JSON", no_json);
    if (no_time > 0) {
      said += fmt::format(
          "{}{} items have a time that is neither ISO 8601 nor a number of seconds or milliseconds since "
          "1970, the "
          "first \"{}\"",
          said.empty() ? "" : ", ", no_time, first_time);
    }
    if (said.empty()) return base::Ok{};
    return base::Error(base::ErrorCode::invalid_argument,
                       said + "; these were left out, all others were sent");
  }
};

base::Status send_chunk(duckdb_data_chunk chunk, Batches& batches, LeftOut& left_out) {
  const idx_t rows = duckdb_data_chunk_get_size(chunk);
  const auto texts_of = [chunk](idx_t column) {
    return static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column)));
  };
  auto* const items = texts_of(0);
  auto* const times = texts_of(1);
  auto* const timed = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(chunk, 1));
  for (idx_t row = 0; row < rows; ++row) {
    const auto text = [row](duckdb_string_t* column) {
      return std::string_view(duckdb_string_t_data(&column[row]), duckdb_string_t_length(column[row]));
    };
    const bool has_time =
        (timed == nullptr || duckdb_validity_row_is_valid(timed, row)) && !text(times).empty();
    if (has_time && !collect::parse_client_time(collect::JsonKind::string, text(times))) {
      if (left_out.no_time++ == 0) left_out.first_time = text(times).substr(0, 100);
      continue;
    }
    TRY(batches.add(text(items)));
  }
  return base::Ok{};
}

// Runs the query chunk by chunk, so that a file of any size passes through.
base::Status stream(lake::DuckConnection& connection, const std::string& query,
                    const std::function<base::Status(duckdb_data_chunk)>& take) {
  duckdb_prepared_statement statement = nullptr;
  duckdb_pending_result pending = nullptr;
  lake::DuckResult result;
  base::Status done = base::Ok{};
  if (duckdb_prepare(connection.handle(), query.c_str(), &statement) != DuckDBSuccess) {
    done = lake::duck_error(DUCKDB_ERROR_INVALID, duckdb_prepare_error(statement));
  } else if (duckdb_pending_prepared_streaming(statement, &pending) != DuckDBSuccess) {
    done = lake::duck_error(DUCKDB_ERROR_INVALID, duckdb_pending_error(pending));
  } else if (duckdb_execute_pending(pending, &result.handle()) != DuckDBSuccess) {
    done =
        lake::duck_error(duckdb_result_error_type(&result.handle()), duckdb_result_error(&result.handle()));
  }
  while (done.ok()) {
    const lake::DuckChunk chunk(result.next_chunk());
    if (!chunk) {
      const char* const failed = duckdb_result_error(&result.handle());
      if (failed != nullptr && *failed != '\0') {
        done = lake::duck_error(duckdb_result_error_type(&result.handle()), failed);
      }
      break;
    }
    done = take(chunk.get());
  }
  duckdb_destroy_pending(&pending);
  duckdb_destroy_prepare(&statement);
  return done;
}

base::Status import_file(const Options& options, const std::string& path,
                         const collect::MappingSettings& mapping, const base::Clock& clock,
                         tools::BatchSender& sender, LeftOut& left_out) {
  lake::DuckSettings duck;
  duck.memory_bytes_max = options.memory_mb << 20;
  duck.readable_directories = {directory_of(path)};
  TRY_ASSIGN(auto database, lake::DuckDatabase::open(duck));
  TRY_ASSIGN(auto connection, database->connect());
  TRY_ASSIGN(const ImportFile file, open_import_file(*connection, path));
  if (file.format == ImportFormat::json) {
    TRY_ASSIGN(const std::uint64_t lines, look_through(*connection, mapping, file));
    left_out.no_json += lines;
  } else {
    TRY(check_columns(*connection, mapping, file));
  }
  if (file.format == ImportFormat::csv) TRY(check_lines(*connection, file));
  TRY_ASSIGN(const std::string query, import_query(mapping, file));
  TRY_ASSIGN(const std::uint64_t all, count_rows(*connection, query));
  const base::Instant started = clock.now();
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const std::uint64_t before = sender.report().items;
  Batches batches(sender);
  const auto send = [&](duckdb_data_chunk chunk) -> base::Status {
    TRY(send_chunk(chunk, batches, left_out));
    if (terminal) {
      show_progress(sender.report().items - before, all, static_cast<double>(clock.now() - started) / 1e9);
    }
    return base::Ok{};
  };
  TRY(stream(*connection, query, send));
  TRY(batches.flush());
  if (terminal) {
    show_progress(sender.report().items - before, all, static_cast<double>(clock.now() - started) / 1e9);
    fmt::print(stderr, "\n");
  }
  return base::Ok{};
}

base::Status run(const Options& options) {
  TRY_ASSIGN(const auto endpoint, options.to.endpoint());
  TRY_ASSIGN(const auto mapping, read_mapping(options.mapping));
  const SystemClock clock;
  tools::BatchSender sender(endpoint, "/v1/import", options.write_key, clock);
  LeftOut left_out;
  for (const std::string& file : options.files) {
    auto imported = import_file(options, file, mapping, clock, sender, left_out);
    if (!imported.ok()) {
      if (sender.report().items > 0) fmt::print("{} items were acknowledged before\n", sender.report().items);
      return std::move(imported).error().with_context(file);
    }
  }
  const auto& report = sender.report();
  fmt::print("{} items acknowledged: {} accepted, {} quarantined, {} batches sent again\n", report.items,
             report.accepted, report.quarantined, report.retries);
  return left_out.status();
}

}  // namespace

void add_import_command(Command program) {
  Command command = program.add(
      "import",
      "Send the rows of CSV, JSON lines or Parquet files to a running Millrace, as a mapping file says");
  auto options = std::make_shared<Options>();
  command.option("files", options->files, ".csv, .tsv, .json, .jsonl, .ndjson (plain or .gz), .parquet")
      .required();
  command.option("--mapping", options->mapping, "What the columns mean (docs/guide/import.md)").required();
  add_server_address(command, options->to);
  command.option("--write-key", options->write_key, "Write key to send with");
  command.option("--memory-mb", options->memory_mb, "For reading; rows grouped need them all")
      .within(64, 1 << 20);
  command.run([options] { return run(*options); });
}

}  // namespace millrace::app
