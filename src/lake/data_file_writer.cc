#include "lake/data_file_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lake/column_bounds.h"

namespace millrace::lake {

namespace {

// Rows between two looks at how much memory the row group takes: a row may be as large as a request.
constexpr std::size_t kBatchRows = 128;

std::vector<parquet::Column> columns_of(const TableSpec& spec) {
  std::vector<parquet::Column> out;
  for (const auto& column : spec.columns) out.push_back({column.id, column.name, column.type});
  return out;
}

parquet::FileSettings settings_of(const TableSpec& spec, const ParquetSettings& settings) {
  const bool raw = std::any_of(spec.columns.begin(), spec.columns.end(),
                               [](const Column& column) { return column.type == ColumnType::binary; });
  parquet::FileSettings out;
  out.compression_level = settings.compression_level;
  out.row_group_rows = raw ? settings.raw_row_group_rows : settings.row_group_rows;
  return out;
}

// One vector of a chunk, rows [begin, end) of it.
struct Values {
  duckdb_vector vector;
  std::size_t begin = 0, end = 0;

  template <class F>
  void each(F&& write) const {
    auto* validity = duckdb_vector_get_validity(vector);
    for (std::size_t row = begin; row < end; ++row) {
      if (validity == nullptr || duckdb_validity_row_is_valid(validity, row)) write(row);
    }
  }
  template <class T>
  void copy_numbers(parquet::ColumnChunk& out, std::size_t first_row) const {
    const auto* data = static_cast<const T*>(duckdb_vector_get_data(vector));
    each([&](std::size_t row) { out.number(first_row + row - begin, static_cast<std::int64_t>(data[row])); });
  }
  void copy_texts(parquet::ColumnChunk& out, std::size_t first_row) const {
    auto* data = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
    each([&](std::size_t row) {
      out.text(first_row + row - begin,
               {duckdb_string_t_data(&data[row]), duckdb_string_t_length(data[row])});
    });
  }
};

void copy_values(ColumnType type, const Values& values, parquet::ColumnChunk& out, std::size_t first_row) {
  switch (type) {
    case ColumnType::boolean: return values.copy_numbers<bool>(out, first_row);
    case ColumnType::int32:
    case ColumnType::date: return values.copy_numbers<std::int32_t>(out, first_row);
    case ColumnType::int64:
    case ColumnType::decimal18_6:
    case ColumnType::timestamptz:
    case ColumnType::float64: return values.copy_numbers<std::int64_t>(out, first_row);  // float64: its bits.
    case ColumnType::string:
    case ColumnType::binary: return values.copy_texts(out, first_row);
  }
}

ColumnStats column_stats(const Column& column, std::int64_t rows, const parquet::ColumnSummary& summary) {
  ColumnStats out;
  out.field_id = column.id;
  out.column_bytes = summary.bytes;
  out.value_count = rows;
  out.null_count = summary.nulls;
  const auto& extremes = summary.extremes;
  if (extremes.number_min) out.lower = number_bound(column.type, *extremes.number_min);
  if (extremes.number_max) out.upper = number_bound(column.type, *extremes.number_max);
  if (extremes.text_min) out.lower = text_bound(*extremes.text_min, Bound::lower);
  if (extremes.text_max) out.upper = text_bound(*extremes.text_max, Bound::upper);
  return out;
}

}  // namespace

DataFileWriter::DataFileWriter(Table table, const ParquetSettings& settings)
    : table_(table), file_(columns_of(spec_of(table)), settings_of(spec_of(table), settings)) {}

base::Status DataFileWriter::append(const RowSorter& rows, const RowSorter::Day& day,
                                    const SourceNames& sources) {
  const std::size_t column_count = spec_of(table_).columns.size();
  std::array<RowRef, kBatchRows> batch;
  std::vector<FileColumn> columns;
  columns.reserve(column_count);
  for (std::size_t begin = day.begin; begin < day.end;) {
    const std::size_t count = std::min({day.end - begin, kBatchRows, file_.room()});
    rows.copy(begin, std::span(batch).first(count));
    columns.clear();
    for (std::size_t i = 0; i < column_count; ++i)
      columns.emplace_back(i, file_.column(i), file_.first_row());
    write_rows(table_, std::span<const RowRef>(batch).first(count), std::span(columns), sources);
    TRY(file_.end_rows(count));
    begin += count;
  }
  return base::Ok{};
}

base::Status DataFileWriter::append(DuckResult& rows) {
  INVARIANT(rows.column_count() == spec_of(table_).columns.size());
  for (;;) {
    const DuckChunk chunk(rows.next_chunk());
    if (!chunk || duckdb_data_chunk_get_size(chunk.get()) == 0) break;
    TRY(append(chunk.get()));
  }
  return rows.failure();
}

base::Status DataFileWriter::append(duckdb_data_chunk chunk) {
  const auto& columns = spec_of(table_).columns;
  const std::size_t size = duckdb_data_chunk_get_size(chunk);
  for (std::size_t begin = 0; begin < size;) {
    const std::size_t end = begin + std::min({size - begin, kBatchRows, file_.room()});
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Values values{duckdb_data_chunk_get_vector(chunk, i), begin, end};
      copy_values(columns[i].type, values, file_.column(i), file_.first_row());
    }
    TRY(file_.end_rows(end - begin));
    begin = end;
  }
  return base::Ok{};
}

base::Result<DataFile> DataFileWriter::store(ObjectStore& store, const std::string& object,
                                             std::vector<PartitionValue> partition) {
  TRY_ASSIGN(const auto file, file_.finish());
  TRY_ASSIGN(const Created created, store.create(object, file.bytes));
  if (created != Created::yes) {
    return base::Error(base::ErrorCode::conflict, fmt::format("{} exists already", object));
  }
  DataFile out{object, std::move(partition), file.rows, static_cast<std::int64_t>(file.bytes.size()), {}};
  const auto& columns = spec_of(table_).columns;
  for (std::size_t i = 0; i < columns.size(); ++i)
    out.columns.push_back(column_stats(columns[i], file.rows, file.columns[i]));
  return out;
}

}  // namespace millrace::lake
