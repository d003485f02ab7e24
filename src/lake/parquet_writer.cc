#include "lake/parquet_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

namespace millrace::lake {

namespace {

// Column name to statistic to value, as COPY ... RETURN_STATS gives them.
using Statistics = std::map<std::string, std::map<std::string, std::string>>;

struct Copied {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  Statistics statistics;
};

std::string_view string_at(duckdb_vector vector, idx_t row) {
  auto* value = &static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row];
  return {duckdb_string_t_data(value), duckdb_string_t_length(*value)};
}

// A MAP is a LIST of STRUCT(key, value).
struct MapColumn {
  explicit MapColumn(duckdb_vector map)
      : entries(static_cast<duckdb_list_entry*>(duckdb_vector_get_data(map))),
        keys(duckdb_struct_vector_get_child(duckdb_list_vector_get_child(map), 0)),
        values(duckdb_struct_vector_get_child(duckdb_list_vector_get_child(map), 1)) {}
  duckdb_list_entry* entries;
  duckdb_vector keys;
  duckdb_vector values;
};

Statistics read_statistics(duckdb_vector vector) {
  Statistics out;
  const MapColumn columns(vector);
  const MapColumn values(columns.values);
  for (idx_t i = columns.entries[0].offset; i < columns.entries[0].offset + columns.entries[0].length; ++i) {
    std::string name(string_at(columns.keys, i));
    if (name.size() > 1 && name.front() == '"') name = name.substr(1, name.size() - 2);
    auto& statistics = out[name];
    const auto& entry = values.entries[i];
    for (idx_t j = entry.offset; j < entry.offset + entry.length; ++j) {
      statistics.emplace(string_at(values.keys, j), string_at(values.values, j));
    }
  }
  return out;
}

base::Result<Copied> copy(DuckConnection& connection, const TableSpec& spec, const std::string& sql,
                          const std::string& path, const ParquetSettings& settings) {
  std::string ids;
  for (const auto& column : spec.columns) {
    ids += fmt::format("{}{}: {}", ids.empty() ? "" : ", ", sql_identifier(column.name), column.id);
  }
  const bool raw = std::any_of(spec.columns.begin(), spec.columns.end(),
                               [](const Column& column) { return column.type == ColumnType::binary; });
  TRY_ASSIGN(auto result, connection.query(fmt::format(
                              "COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {}, "
                              "ROW_GROUP_SIZE {}, PARQUET_VERSION v2, FIELD_IDS {{{}}}, RETURN_STATS)",
                              sql, sql_quote(path), settings.compression_level,
                              raw ? settings.raw_row_group_rows : settings.row_group_rows, ids)));
  const DuckChunk chunk(result.next_chunk());
  if (!chunk || duckdb_data_chunk_get_size(chunk.get()) != 1) {
    return base::Error(base::ErrorCode::io, "duckdb: COPY gave no statistics");
  }
  Copied out;
  for (idx_t i = 0; i < result.column_count(); ++i) {
    const std::string_view name = duckdb_column_name(&result.handle(), i);
    const auto vector = duckdb_data_chunk_get_vector(chunk.get(), i);
    if (name == "count") out.rows = static_cast<std::int64_t*>(duckdb_vector_get_data(vector))[0];
    if (name == "file_size_bytes") out.bytes = static_cast<std::int64_t*>(duckdb_vector_get_data(vector))[0];
    if (name == "column_statistics") out.statistics = read_statistics(vector);
  }
  return out;
}

std::int64_t number_of(const std::map<std::string, std::string>& statistics, const char* name) {
  const auto found = statistics.find(name);
  return found == statistics.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

ColumnStats column_stats(const Column& column, std::int64_t rows,
                         const std::map<std::string, std::string>& statistics) {
  ColumnStats out;
  out.field_id = column.id;
  out.column_bytes = number_of(statistics, "column_size_bytes");
  out.value_count = rows;
  out.null_count = number_of(statistics, "null_count");
  if (const auto min = statistics.find("min"); min != statistics.end()) {
    out.lower = bound_bytes(column.type, min->second, Bound::lower);
  }
  if (const auto max = statistics.find("max"); max != statistics.end()) {
    out.upper = bound_bytes(column.type, max->second, Bound::upper);
  }
  return out;
}

base::Result<std::string> read_scratch(const std::string& path, std::int64_t size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr || std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) {
    return base::Error(base::ErrorCode::io, fmt::format("{} does not have its {} bytes", path, size));
  }
  return bytes;
}

}  // namespace

base::Result<DataFile> ParquetWriter::write(DuckConnection& connection, const TableSpec& spec,
                                            const std::string& sql, const std::string& object,
                                            std::vector<PartitionValue> partition,
                                            const ParquetSettings& settings) {
  const std::string path = fmt::format("{}/{}.parquet", scratch_, ++written_);
  std::remove(path.c_str());
  auto copied = copy(connection, spec, sql, path, settings);
  if (!copied.ok()) {
    std::remove(path.c_str());
    return std::move(copied).error().with_context(spec.name_space + "." + spec.name);
  }
  auto bytes = read_scratch(path, copied->bytes);
  std::remove(path.c_str());
  if (!bytes.ok()) return std::move(bytes).error();
  TRY_ASSIGN(const Created created, store_.create(object, *bytes));
  if (created != Created::yes) {
    return base::Error(base::ErrorCode::conflict, fmt::format("{} exists already", object));
  }
  DataFile file{object, std::move(partition), copied->rows, copied->bytes, {}};
  for (const auto& column : spec.columns) {
    file.columns.push_back(column_stats(column, copied->rows, copied->statistics[column.name]));
  }
  return file;
}

}  // namespace millrace::lake
