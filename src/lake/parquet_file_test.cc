// Files of parquet::FileWriter, read by DuckDB.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>

#include "lake/data_file_writer.h"
#include "lake/lake_fixture.h"
#include "parquet/file_writer.h"

using namespace millrace;
using namespace millrace::lake;

namespace {

struct Cell {
  std::int64_t number = 0;
  std::string text;
  bool operator==(const Cell&) const = default;
};
using ColumnValues = std::vector<std::optional<Cell>>;

const std::vector<parquet::Column>& columns() {
  static const std::vector<parquet::Column> all = {
      {1, "flag", parquet::Type::boolean},         {2, "small", parquet::Type::int32},
      {3, "large", parquet::Type::int64},          {4, "real", parquet::Type::float64},
      {5, "amount", parquet::Type::decimal18_6},   {6, "day", parquet::Type::date},
      {7, "at", parquet::Type::timestamptz},       {8, "name", parquet::Type::string},
      {19, "raw \"bytes\"", parquet::Type::binary}};
  return all;
}

// How a column's values are spread: so few that they repeat, or so many that they do not; some, all or none of them null.
struct Shape {
  explicit Shape(base::SeededRandom& random)
      : distinct(random.chance(0.5) ? 1 + random.below(20) : 1'000'000),
        null_chance(random.chance(0.2)   ? 1
                    : random.chance(0.3) ? 0
                                         : random.unit()),
        run_chance(random.chance(0.5) ? 0.95 : 0) {}
  std::uint64_t distinct;
  double null_chance, run_chance;
};

Cell make_cell(parquet::Type type, std::uint64_t choice) {
  base::SeededRandom random(choice);
  switch (type) {
    case parquet::Type::boolean: return {static_cast<std::int64_t>(choice & 1), {}};
    case parquet::Type::int32:
    case parquet::Type::date: return {static_cast<std::int32_t>(random.below(200'000)) - 100'000, {}};
    case parquet::Type::int64: return {static_cast<std::int64_t>(random.next()), {}};
    case parquet::Type::float64: return {std::bit_cast<std::int64_t>(random.unit() * 1e6 - 5e5), {}};
    case parquet::Type::decimal18_6:
      return {static_cast<std::int64_t>(random.below(2'000'000'000'000)) - 1'000'000'000'000, {}};
    case parquet::Type::timestamptz:
      return {static_cast<std::int64_t>(random.below(4'000'000'000'000'000)), {}};
    case parquet::Type::string: {
      std::string text = choice % 7 == 0 ? "" : fmt::format("é{}", random.next());
      if (choice % 11 == 0) text.append(random.below(300), 'x');
      return {0, text};
    }
    case parquet::Type::binary: {
      std::string bytes(random.below(60), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random.below(256));
      return {0, bytes};
    }
  }
  return {};
}

ColumnValues make_column(parquet::Type type, std::size_t rows, base::SeededRandom& random) {
  const Shape shape(random);
  ColumnValues out;
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0 && random.chance(shape.run_chance)) {
      out.push_back(out.back());
    } else if (random.chance(shape.null_chance)) {
      out.push_back(std::nullopt);
    } else {
      out.push_back(make_cell(type, random.below(shape.distinct)));
    }
  }
  return out;
}

// In batches of sizes that do not divide the row groups.
parquet::File write(const std::vector<ColumnValues>& table, std::size_t rows, parquet::FileSettings settings,
                    base::SeededRandom& random) {
  parquet::FileWriter writer(columns(), settings);
  for (std::size_t begin = 0; begin < rows;) {
    const std::size_t count = std::min({rows - begin, writer.room(), std::size_t{1 + random.below(500)}});
    for (std::size_t c = 0; c < table.size(); ++c) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto& cell = table[c][begin + i];
        if (!cell) continue;
        if (parquet::is_bytes(columns()[c].type)) {
          writer.column(c).text(writer.first_row() + i, cell->text);
        } else {
          writer.column(c).number(writer.first_row() + i, cell->number);
        }
      }
    }
    REQUIRE(writer.end_rows(count).ok());
    begin += count;
  }
  auto file = writer.finish();
  REQUIRE(file.ok());
  return *std::move(file);
}

std::optional<Cell> cell_at(parquet::Type type, duckdb_vector vector, idx_t row) {
  auto* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return std::nullopt;
  auto* data = duckdb_vector_get_data(vector);
  if (parquet::is_bytes(type)) {
    auto* text = static_cast<duckdb_string_t*>(data) + row;
    return Cell{0, {duckdb_string_t_data(text), duckdb_string_t_length(*text)}};
  }
  switch (type) {
    case parquet::Type::boolean: return Cell{static_cast<bool*>(data)[row] ? 1 : 0, {}};
    case parquet::Type::int32:
    case parquet::Type::date: return Cell{static_cast<std::int32_t*>(data)[row], {}};
    default: return Cell{static_cast<std::int64_t*>(data)[row], {}};
  }
}

std::vector<ColumnValues> read(DuckConnection& connection, const std::string& sql) {
  std::vector<ColumnValues> out(columns().size());
  auto result = connection.query(sql);
  if (!result.ok()) FAIL(result.error().message());
  REQUIRE(result->column_count() == columns().size());
  for (;;) {
    const DuckChunk chunk(result->next_chunk());
    if (!chunk) break;
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk.get()); ++row) {
      for (std::size_t c = 0; c < columns().size(); ++c)
        out[c].push_back(cell_at(columns()[c].type, duckdb_data_chunk_get_vector(chunk.get(), c), row));
    }
  }
  return out;
}

bool precedes(parquet::Type type, const Cell& a, const Cell& b) {
  return parquet::is_bytes(type) ? a.text < b.text : a.number < b.number;
}

void check_summary(const parquet::Column& column, const ColumnValues& values,
                   const parquet::ColumnSummary& summary) {
  CHECK(summary.nulls == std::count(values.begin(), values.end(), std::nullopt));
  std::optional<Cell> least, most;
  for (const auto& cell : values) {
    if (!cell) continue;
    if (!least || precedes(column.type, *cell, *least)) least = cell;
    if (!most || precedes(column.type, *most, *cell)) most = cell;
  }
  const auto& extremes = summary.extremes;
  const bool none = !least || column.type == parquet::Type::float64 || column.type == parquet::Type::binary;
  const bool text = column.type == parquet::Type::string;
  CHECK(extremes.number_min == (none || text ? std::nullopt : std::optional(least->number)));
  CHECK(extremes.number_max == (none || text ? std::nullopt : std::optional(most->number)));
  CHECK(extremes.text_min == (none || !text ? std::nullopt : std::optional(least->text)));
  CHECK(extremes.text_max == (none || !text ? std::nullopt : std::optional(most->text)));
}

class Reader {
 public:
  Reader() : directory_("parquet") {
    std::filesystem::create_directories(directory_.path());
    database_ = *DuckDatabase::open(
        {.spill_directory = directory_.path(), .readable_directories = {directory_.path()}});
    connection_ = *database_->connect();
  }
  std::string store(const std::string& bytes) {
    const std::string path = directory_.path() + "/file.parquet";
    std::ofstream(path, std::ios::binary) << bytes;
    return sql_quote(path);
  }
  DuckConnection& connection() { return *connection_; }

 private:
  ScratchDirectory directory_;
  std::unique_ptr<DuckDatabase> database_;
  std::unique_ptr<DuckConnection> connection_;
};

}  // namespace

TEST_CASE("what is written is read, of every type, spread and number of rows") {
  Reader reader;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    base::SeededRandom random(seed);
    const std::size_t rows = random.chance(0.2) ? random.below(10) : random.below(20'000);
    parquet::FileSettings settings;
    settings.row_group_rows = random.chance(0.5) ? 122'880 : 1 + random.below(9000);
    if (random.chance(0.3)) settings.row_group_bytes = 100'000;
    std::vector<ColumnValues> table;
    for (const auto& column : columns()) table.push_back(make_column(column.type, rows, random));
    const auto file = write(table, rows, settings, random);
    CHECK(file.rows == static_cast<std::int64_t>(rows));
    for (std::size_t c = 0; c < table.size(); ++c) check_summary(columns()[c], table[c], file.columns[c]);
    const auto path = reader.store(file.bytes);
    CHECK(read(reader.connection(), "SELECT * FROM read_parquet(" + path + ")") == table);
  }
}

TEST_CASE("a filter that the footer's statistics could answer finds every row") {
  Reader reader;
  base::SeededRandom random(5);
  constexpr std::size_t kRows = 10'000;
  std::vector<ColumnValues> table;
  for (const auto& column : columns()) {
    ColumnValues values;
    for (std::size_t i = 0; i < kRows; ++i) {
      // Growing, so that each row group has a range of its own; texts longer than a footer takes among them.
      const auto text = fmt::format("{:06}{}", i, std::string(i % 3 * 50, 'y'));
      const auto number = static_cast<std::int64_t>(i) - 5000;
      const bool is_flag = column.type == parquet::Type::boolean;
      values.push_back(Cell{is_flag                          ? static_cast<std::int64_t>(i / 5000)
                            : parquet::is_bytes(column.type) ? 0
                                                             : number,
                            parquet::is_bytes(column.type) ? text : ""});
    }
    table.push_back(std::move(values));
  }
  parquet::FileSettings settings;
  settings.row_group_rows = 1000;
  const auto path = reader.store(write(table, kRows, settings, random).bytes);
  const auto count = [&](const std::string& where) {
    return read(reader.connection(), fmt::format("SELECT * FROM read_parquet({}) WHERE {}", path, where))[0]
        .size();
  };
  CHECK(count("flag") == 5000);
  CHECK(count("small BETWEEN -1 AND 1500") == 1502);
  CHECK(count("large = 4999") == 1);
  CHECK(count("amount < -0.004") == 1000);
  CHECK(count("day >= DATE '1970-01-01'") == 5000);
  CHECK(count("\"at\" < TIMESTAMPTZ '1970-01-01 00:00:00+00'") == 5000);
  CHECK(count("name >= '009'") == 1000);
  CHECK(count("name = '003331yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'") == 1);
  CHECK(count("name < '000000'") == 0);
}

TEST_CASE("rows of any size do not make a row group of any size") {
  Reader reader;
  parquet::FileWriter writer({{1, "raw", parquet::Type::binary}}, {});
  const std::string megabyte(1 << 20, 'z');
  for (int i = 0; i < 200; ++i) {
    writer.column(0).text(writer.first_row(), megabyte);
    REQUIRE(writer.end_rows(1).ok());
  }
  auto file = writer.finish();
  REQUIRE(file.ok());
  auto result = reader.connection().query(fmt::format(
      "SELECT count(DISTINCT row_group_id)::BIGINT FROM parquet_metadata({})", reader.store(file->bytes)));
  REQUIRE(result.ok());
  const DuckChunk chunk(result->next_chunk());
  CHECK(static_cast<std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0)))[0] ==
        4);
}

TEST_CASE("a file without rows is a file") {
  Reader reader;
  base::SeededRandom random(1);
  const auto file = write(std::vector<ColumnValues>(columns().size()), 0, {}, random);
  const auto values =
      read(reader.connection(), "SELECT * FROM read_parquet(" + reader.store(file.bytes) + ")");
  CHECK(values == std::vector<ColumnValues>(columns().size()));
}
