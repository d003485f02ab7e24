#include "app/import_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "app/import_query.h"
#include "tools/csv.h"

namespace millrace::app {

namespace {

constexpr std::size_t kHeaderBytesMax = 256 * 1024;
constexpr std::size_t kShownMax = 40;  // Names in a message.
constexpr std::string_view kDelimiters = ",;\t|";

base::Error wrong(std::string message) { return {base::ErrorCode::invalid_argument, std::move(message)}; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return x == y || (x < 0x80 && y < 0x80 && std::tolower(x) == std::tolower(y));
  });
}

// The first bytes of what the file holds, unpacked when it is packed.
base::Result<std::string> beginning_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return wrong(std::strerror(errno));
  if (S_ISDIR(found.st_mode)) return wrong("is a directory: name the files in it");
  const gzFile file = gzopen(path.c_str(), "rbe");
  if (file == nullptr) return wrong(std::strerror(errno));
  std::string text(kHeaderBytesMax, '\0');
  const int got = gzread(file, text.data(), static_cast<unsigned>(text.size()));
  const bool packed = gzdirect(file) == 0;
  gzclose(file);
  if (got < 0) return wrong("is compressed, but cannot be unpacked: it is damaged or cut off");
  text.resize(static_cast<std::size_t>(got));
  if (text.empty()) return text;
  if (packed != path.ends_with(".gz")) {
    return wrong(packed ? "is compressed with gzip: give it a name that ends in .gz"
                        : "is not compressed with gzip: give it a name without .gz");
  }
  return text;
}

std::string cells_text(const std::vector<ImportFile::Column>& columns) {
  std::string text;
  for (std::size_t i = 0; i < columns.size() && i < kShownMax; ++i) {
    text += (i > 0 ? ", " : "") + columns[i].name;
  }
  if (columns.size() > kShownMax) text += fmt::format(" and {} more", columns.size() - kShownMax);
  return text;
}

base::Status read_header(std::string_view text, ImportFile& file) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return wrong("is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)");
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos && text.size() > kHeaderBytesMax - 4) {
    return wrong(fmt::format("its first line is longer than {} bytes", kHeaderBytesMax));
  }
  const std::string_view line = text.substr(0, end);
  if (line.find('\0') != std::string_view::npos) return wrong("is no text");
  const auto many = [&](char c) { return std::count(line.begin(), line.end(), c); };
  for (const char c : kDelimiters) {
    if (many(c) > many(file.delimiter)) file.delimiter = c;
  }
  std::vector<std::string> cells;
  tools::CsvReader reader(line, file.delimiter);
  reader.next(cells);
  if (reader.ended_in_quotes()) {
    return wrong("its first line, the names of the columns, has a quote that is not closed");
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) cells[i] = fmt::format("column {}", i + 1);
    for (const auto& known : file.columns) {
      if (same_name(known.name, cells[i])) {
        return wrong(
            fmt::format("its first line names two columns \"{}\": the first line of CSV is names, "
                        "each once",
                        cells[i]));
      }
    }
    file.columns.push_back({cells[i], "VARCHAR"});
  }
  return base::Ok{};
}

std::string text_at(duckdb_data_chunk chunk, idx_t column, idx_t row) {
  const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, column);
  auto* const validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return {};
  auto* const text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector)) + row;
  return {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

// What DuckDB says, without whose words they are.
std::string plain(std::string_view message) {
  for (const std::string_view before :
       {"duckdb: ", "Invalid Input Error: ", "IO Error: ", "Binder Error: "}) {
    if (message.starts_with(before)) message.remove_prefix(before.size());
  }
  return std::string(message);
}

base::Status read_schema(lake::DuckConnection& connection, ImportFile& file) {
  std::ifstream bytes(file.path, std::ios::binary);
  char magic[4] = {};
  if (!bytes.read(magic, 4) || std::string_view(magic, 4) != "PAR1") {
    return wrong("is no Parquet file: it does not begin with PAR1");
  }
  bytes.seekg(-4, std::ios::end);
  if (!bytes.read(magic, 4) || std::string_view(magic, 4) != "PAR1") {
    return wrong("is cut off: a Parquet file ends with PAR1, so whoever wrote or copied it did not finish");
  }
  auto described = connection.query("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM " +
                                    import_source(file) + ")");
  if (!described.ok())
    return wrong("is damaged: its columns cannot be read: " + plain(described.error().message()));
  while (true) {
    const lake::DuckChunk chunk(described->next_chunk());
    if (!chunk) return base::Ok{};
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
      file.columns.push_back({text_at(chunk.get(), 0, row), text_at(chunk.get(), 1, row)});
    }
  }
}

// The text of a file, unpacked, piece by piece.
class Pieces {
 public:
  explicit Pieces(const std::string& path) : file_(gzopen(path.c_str(), "rbe")) {}
  ~Pieces() {
    if (file_ != nullptr) gzclose(file_);
  }
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;
  // Empty at the end, and where it cannot be read on.
  std::string_view next() {
    const int got =
        file_ == nullptr ? 0 : gzread(file_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
    return {buffer_.data(), static_cast<std::size_t>(std::max(got, 0))};
  }

 private:
  const gzFile file_;
  std::string buffer_ = std::string(kHeaderBytesMax, '\0');
};

// Counts lines as editors do, by any of the three ends that a line can have.
class LineCount {
 public:
  void take(char c) {
    if (c == '\r' || (c == '\n' && last_ != '\r')) ++line_;
    last_ = c;
  }
  std::uint64_t line() const { return line_; }

 private:
  std::uint64_t line_ = 1;
  char last_ = 0;
};

// The line that the byte is in. DuckDB counts rows, and a row may have several lines.
std::uint64_t line_of(const std::string& path, std::uint64_t byte) {
  Pieces pieces(path);
  LineCount count;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
    for (const char c : piece) {
      if (byte-- == 0) return count.line();
      count.take(c);
    }
  }
  return count.line();
}

// The line with a quote that is open when the file ends: to DuckDB, where short lines are allowed, the rest of the file is
// then nothing.
std::optional<std::uint64_t> unclosed_quote(const ImportFile& file) {
  enum class At : std::uint8_t { cell_start, plain, quoted, quote_in_quoted } at = At::cell_start;
  Pieces pieces(file.path);
  LineCount count;
  std::uint64_t opened = 0;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
    for (const char c : piece) {
      if (at == At::quoted) {
        if (c == '"') at = At::quote_in_quoted;
      } else if (c == '"' && at != At::plain) {
        if (at == At::cell_start) opened = count.line();
        at = At::quoted;
      } else {
        at = c == file.delimiter || c == '\n' || c == '\r' ? At::cell_start : At::plain;
      }
      count.take(c);
    }
  }
  return at == At::quoted ? std::optional(opened) : std::nullopt;
}

// DuckDB takes these for patterns of names.
std::string exact_name(std::string_view path) {
  std::string name;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[') {
      name += std::string("[") + c + "]";
    } else {
      name += c;
    }
  }
  return name;
}

std::string name_in(std::string_view pointer) {
  return std::string(pointer.substr(1, std::min(pointer.find('/', 1), pointer.size()) - 1));
}

// What is wrong with a column that is there, when DuckDB cannot make what the mapping wants of it.
std::string misfit(const MappingUse& use, const ImportFile::Column& column, std::string_view reason) {
  if (use.kind == MappingUse::Kind::array) {
    return fmt::format("{} = \"{}\" takes an array, and the column \"{}\" is {}", use.name, use.pointer,
                       column.name, column.type);
  }
  return fmt::format("{} = \"{}\" leads nowhere in the column \"{}\", which is {} ({})", use.name,
                     use.pointer, column.name, column.type, plain(reason));
}

}  // namespace

base::Result<ImportFormat> import_format(std::string_view path) {
  std::string_view name = path;
  if (name.ends_with(".parquet")) return ImportFormat::parquet;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return ImportFormat::csv;
  if (name.ends_with(".json") || name.ends_with(".jsonl") || name.ends_with(".ndjson"))
    return ImportFormat::json;
  return wrong("is neither .csv, .tsv, .json, .jsonl, .ndjson nor .parquet");
}

base::Result<ImportFile> open_import_file(lake::DuckConnection& connection, const std::string& path) {
  ImportFile file;
  file.path = path;
  TRY_ASSIGN(file.format, import_format(path));
  TRY_ASSIGN(const std::string text, beginning_of(path));
  if (text.empty() && file.format != ImportFormat::json) return wrong("is empty");
  if (file.format == ImportFormat::csv) TRY(read_header(text, file));
  if (file.format == ImportFormat::parquet) TRY(read_schema(connection, file));
  return file;
}

std::string import_source(const ImportFile& file) {
  const std::string name = lake::sql_quote(exact_name(file.path));
  switch (file.format) {
    case ImportFormat::csv: {
      std::string columns;
      for (const auto& column : file.columns) {
        columns += (columns.empty() ? "" : ", ") + lake::sql_quote(column.name) + ": 'VARCHAR'";
      }
      return fmt::format(
          "read_csv({}, auto_detect = false, header = true, delim = {}, quote = '\"', escape = '\"', "
          "columns = {{{}}}, null_padding = true, parallel = false)",
          name, lake::sql_quote(std::string(1, file.delimiter)), columns);
    }
    case ImportFormat::json: return "read_json_objects(" + name + ", ignore_errors = true)";
    case ImportFormat::parquet: return "read_parquet(" + name + ")";
  }
  return {};
}

base::Status check_columns(lake::DuckConnection& connection, const collect::MappingSettings& mapping,
                           const ImportFile& file) {
  for (const MappingUse& use : mapping_uses(mapping)) {
    if (use.pointer.size() < 2 || use.pointer[0] != '/') {
      return wrong(fmt::format("{} = \"{}\" in the mapping is no pointer to a column such as \"/order_id\"",
                               use.name, use.pointer));
    }
    const std::string& outer = use.kind == MappingUse::Kind::element ? mapping.lines : use.pointer;
    const std::string name = name_in(outer);
    const auto column = std::find_if(file.columns.begin(), file.columns.end(),
                                     [&](const auto& each) { return same_name(each.name, name); });
    if (column == file.columns.end()) {
      return wrong(fmt::format(
          "the mapping says {} = \"{}\", and there is no column \"{}\"; the columns are {}. Correct "
          "the mapping, or the {}",
          use.name, use.pointer, name, cells_text(file.columns),
          file.format == ImportFormat::csv ? "first line of the file" : "file"));
    }
    TRY_ASSIGN(const std::string query, probe_query(mapping, use, file));
    if (const auto tried = connection.query(query); !tried.ok()) {
      return wrong("the mapping says " + misfit(use, *column, tried.error().message()));
    }
  }
  return base::Ok{};
}

base::Status check_lines(lake::DuckConnection& connection, const ImportFile& file) {
  if (const auto line = unclosed_quote(file)) {
    return wrong(
        fmt::format("line {}: a quote is opened and not closed; nothing of the file was sent", *line));
  }
  std::string reading = import_source(file);
  reading.insert(reading.size() - 1, ", store_rejects = true");
  auto read = connection.query("SELECT count(columns(*)) FROM " + reading);
  if (!read.ok()) return wrong("cannot be read to its end: " + plain(read.error().message()));
  auto faults = connection.query(
      "SELECT CAST(line_byte_position AS VARCHAR), CAST(error_type AS VARCHAR), error_message, csv_line, "
      "CAST((SELECT count(DISTINCT line) FROM reject_errors) AS VARCHAR) FROM reject_errors ORDER BY line "
      "LIMIT 1");
  if (!faults.ok()) return wrong("cannot be read: " + plain(faults.error().message()));
  const lake::DuckChunk chunk(faults->next_chunk());
  if (!chunk || duckdb_data_chunk_get_size(chunk.get()) == 0) return base::Ok{};
  const std::string at = text_at(chunk.get(), 0, 0);
  std::uint64_t byte = 1;
  std::from_chars(at.data(), at.data() + at.size(), byte);
  const std::string kind = text_at(chunk.get(), 1, 0);
  std::string why = text_at(chunk.get(), 2, 0);
  if (kind == "TOO MANY COLUMNS") {
    why = fmt::format(
        "it has more cells than the {} columns that the first line names; a cell with {} in it is "
        "written in quotes",
        file.columns.size(), file.delimiter == '\t' ? "a tab" : std::string(1, file.delimiter));
  } else if (kind == "UNQUOTED VALUE") {
    why = "something stands behind a closing quote";
  } else if (kind == "INVALID ENCODING" || kind == "INVALID UNICODE") {
    why = "it is not UTF-8 (iconv -f LATIN1 -t UTF-8 converts Western European files)";
  }
  return wrong(fmt::format("line {}: {}: {}\n{} of its lines cannot be read; nothing of the file was sent",
                           line_of(file.path, byte - 1), why, text_at(chunk.get(), 3, 0).substr(0, 200),
                           text_at(chunk.get(), 4, 0)));
}

}  // namespace millrace::app
