#include "lake/lake_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace millrace::lake {

namespace {

constexpr std::string_view kFileScheme = "file://";

std::string column_list(const TableSpec& spec) {
  std::string out;
  for (const auto& column : spec.columns) {
    if (!out.empty()) out += ", ";
    out += sql_identifier(column.name);
  }
  return out;
}

std::string sort_list(const TableSpec& spec) {
  std::string out;
  for (const int id : spec.sort_ids) {
    for (const auto& column : spec.columns) {
      if (column.id == id)
        out += (out.empty() ? "" : ", ") + sql_identifier(column.name) + " ASC NULLS FIRST";
    }
  }
  return out;
}

std::string_view sql_type(ColumnType type) {
  switch (type) {
    case ColumnType::boolean: return "BOOLEAN";
    case ColumnType::int32: return "INTEGER";
    case ColumnType::int64: return "BIGINT";
    case ColumnType::float64: return "DOUBLE";
    case ColumnType::decimal18_6: return "DECIMAL(18,6)";
    case ColumnType::date: return "DATE";
    case ColumnType::timestamptz: return "TIMESTAMPTZ";
    case ColumnType::string: return "VARCHAR";
    case ColumnType::binary: return "BLOB";
  }
  return "VARCHAR";
}

// By field id, so that files of an older schema give null for what they have not.
std::string schema_map(const TableSpec& spec) {
  std::string out;
  for (const auto& column : spec.columns) {
    out += fmt::format("{}{}: {{name: {}, type: {}, default_value: NULL}}", out.empty() ? "" : ", ",
                       column.id, sql_quote(column.name), sql_quote(sql_type(column.type)));
  }
  return out;
}

std::string read_files_sql(const TableSpec& spec, const std::vector<std::string>& paths) {
  std::string list;
  for (const auto& path : paths) list += (list.empty() ? "" : ", ") + sql_quote(path);
  return fmt::format("read_parquet([{}], hive_partitioning = false, schema = MAP {{{}}})", list,
                     schema_map(spec));
}

std::string table_function(Table table, std::string_view kind) {
  return fmt::format("{}_{}_{}", kind, spec_of(table).name_space, spec_of(table).name);
}

// Of several values for one cell of the funnel the last counts; those of the files came before all of the tail.
std::string latest_cells_sql(const std::string& columns, const std::string& rows_sql) {
  return fmt::format(
      "SELECT {0} FROM ({1}) QUALIFY row_number() OVER (PARTITION BY minute, channel, device, category, "
      "shard ORDER BY tail_order DESC) = 1",
      columns, rows_sql);
}

std::string cells_sql(const TableSpec& spec, const std::vector<std::string>& paths,
                      const std::string& function) {
  std::string rows = "SELECT * FROM " + function;
  const std::string columns = column_list(spec);
  if (!paths.empty()) {
    rows = fmt::format("SELECT {}, 0::BIGINT AS tail_order FROM {} UNION ALL {}", columns,
                       read_files_sql(spec, paths), rows);
  }
  return latest_cells_sql(columns, rows);
}

base::Result<std::vector<std::string>> paths_of(const ObjectStore& store, const TableState& state,
                                                std::optional<std::int32_t> day) {
  std::vector<std::string> objects;
  state.for_each_file([&](const LiveFile& file) {
    if (!day || (!file.partition.empty() && file.partition.front().day == day))
      objects.push_back(file.object);
  });
  std::sort(objects.begin(), objects.end());
  std::vector<std::string> paths;
  for (const auto& object : objects) {
    TRY_ASSIGN(auto path, local_path(store, object));
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<PartitionValue> partition_of(std::int32_t day) { return {PartitionValue{day, std::nullopt}}; }

}  // namespace

base::Result<std::string> local_path(const ObjectStore& store, std::string_view object) {
  const std::string location = store.location(object);
  if (!location.starts_with(kFileScheme)) {
    return base::Error(base::ErrorCode::invalid_argument, "SQL reads local files only, not " + location);
  }
  return location.substr(kFileScheme.size());
}

LakeTable::LakeTable(Table table, std::unique_ptr<IcebergTable> iceberg, LakeParts parts)
    : table_(table), iceberg_(std::move(iceberg)), parts_(parts) {}

std::optional<journal::Offset> LakeTable::committed(const JournalPartition& partition) const {
  const auto state = iceberg_->state();
  const auto found = state->offsets.find(partition);
  if (found == state->offsets.end()) return std::nullopt;
  return found->second;
}

base::Status LakeTable::publish() {
  const TableSpec& spec = spec_of(table_);
  const auto state = iceberg_->state();
  TRY_ASSIGN(const auto paths, paths_of(parts_.store, *state, std::nullopt));
  const std::string tail = fmt::format("{}({})", table_function(table_, "tail"), first_generation_);
  std::string sql;
  if (table_ == Table::funnel) {
    sql = cells_sql(spec, paths, tail);
  } else {
    const std::string columns = column_list(spec);
    sql = fmt::format("SELECT {} FROM {}", columns, tail);
    if (!paths.empty())
      sql = fmt::format("SELECT {} FROM {} UNION ALL {}", columns, read_files_sql(spec, paths), sql);
  }
  if (table_ == Table::raw_events) {
    // What the three have in common is evaluated outside of TRY: it may not fail.
    sql = fmt::format(
        "SELECT * EXCLUDE (assigned_id), coalesce(assigned_id, TRY(decode(raw, 'replace') ->> "
        "'$.messageId'), "
        "TRY(decode(raw, 'replace') ->> '$.eid')) AS message_id, TRY(decode(raw, 'replace') ->> "
        "'$.replayed_from') AS replayed_from FROM ({})",
        sql);
  }
  const TailPin pin(parts_.tail, parts_.connection.id());
  TRY(parts_.connection.execute(fmt::format("CREATE OR REPLACE VIEW {}.{} AS {}",
                                            sql_identifier(spec.name_space), sql_identifier(spec.name),
                                            sql)));
  view_generation_ = first_generation_;
  return base::Ok{};
}

OffsetRanges LakeTable::ranges(const Appended& appended) const {
  OffsetRanges out;
  for (const auto& [partition, to] : appended.to) {
    const auto from = committed(partition).value_or(appended.from.at(partition));
    if (from < to) out.push_back({partition, from, to});
  }
  return out;
}

base::Status LakeTable::commit(std::uint64_t generation, const Appended& appended, WithoutRows without_rows,
                               const ParquetSettings& settings) {
  TRY(look_for_attempt());
  if (view_generation_ != first_generation_) TRY(publish());
  const auto snapshot = parts_.tail.snapshot();
  const bool empty = !has_rows(*snapshot, table_, first_generation_, generation);
  if (empty && without_rows == WithoutRows::skip) return base::Ok{};
  const OffsetRanges offsets = ranges(appended);
  if (offsets.empty()) return base::Ok{};
  parts_.sorter.sort(*snapshot, table_, first_generation_, generation);
  const auto base = iceberg_->state();
  TRY_ASSIGN(auto files, write_days(*snapshot, *base, settings));
  Attempt attempt{offsets, generation, parts_.sorter.json_bytes(), {}, {}};
  for (const auto& file : files) attempt.files.emplace_back(file.object, file.file_bytes);
  auto receipt = base::Result<CommitReceipt>(CommitReceipt{});
  if (table_ == Table::funnel && !files.empty()) {
    std::vector<std::vector<PartitionValue>> partitions;
    for (const auto& file : files) partitions.push_back(file.partition);
    base->for_each_file([&](const LiveFile& file) {
      const bool replaced = std::any_of(partitions.begin(), partitions.end(), [&](const auto& partition) {
        return partition.front().day == file.partition.front().day;
      });
      if (replaced) attempt.replaced.push_back(file.object);
    });
    receipt = iceberg_->replace_partitions(*base, partitions, std::move(files), offsets);
  } else {
    receipt = iceberg_->append(std::move(files), offsets);
  }
  if (receipt.ok()) {
    take(attempt);
    return publish();
  }
  const auto code = receipt.error().code();
  if (code != base::ErrorCode::io && code != base::ErrorCode::conflict) return std::move(receipt).error();
  in_doubt_ = std::move(attempt);
  TRY(look_for_attempt());
  if (first_generation_ <= generation) return std::move(receipt).error();
  return publish();
}

void LakeTable::take(const Attempt& attempt) {
  first_generation_ = attempt.generation + 1;
  json_bytes_ += attempt.json_bytes;
  for (const auto& object : attempt.replaced) stop_counting(object);
  for (const auto& [object, bytes] : attempt.files) count(object, bytes);
}

void LakeTable::count(const std::string& object, std::int64_t bytes) {
  counted_[object] += bytes;
  parquet_bytes_ += bytes;
}

// What it was counted with: nothing when it is older than this run.
std::int64_t LakeTable::stop_counting(const std::string& object) {
  const auto counted = counted_.find(object);
  if (counted == counted_.end()) return 0;
  const std::int64_t bytes = counted->second;
  counted_.erase(counted);
  parquet_bytes_ -= bytes;
  return bytes;
}

// A commit whose outcome is unknown, or that finds its offsets taken, is resolved by looking. While that is not possible
// nothing else may be committed: the rows would come a second time.
base::Status LakeTable::look_for_attempt() {
  if (!in_doubt_) return base::Ok{};
  TRY(iceberg_->refresh());
  const Attempt attempt = *std::exchange(in_doubt_, std::nullopt);
  const bool happened =
      std::all_of(attempt.ranges.begin(), attempt.ranges.end(), [this](const OffsetRange& range) {
        return committed(range.source).value_or(journal::Offset{}) >= range.to;
      });
  if (happened) take(attempt);
  return base::Ok{};
}

base::Result<std::vector<DataFile>> LakeTable::write_days(const TailSnapshot& snapshot,
                                                          const TableState& base,
                                                          const ParquetSettings& settings) {
  std::vector<DataFile> files;
  for (const auto& day : parts_.sorter.days()) {
    DataFileWriter writer(table_, settings);
    if (table_ == Table::funnel) {
      TRY(append_cells(snapshot, day, base, writer));
    } else {
      TRY(writer.append(parts_.sorter, day, *parts_.tail.source_names()));
    }
    const auto partition = partition_of(day.day);
    TRY_ASSIGN(auto file, writer.store(parts_.store, iceberg_->data_object_name(partition), partition));
    files.push_back(std::move(file));
  }
  return files;
}

base::Status LakeTable::append_cells(const TailSnapshot& snapshot, const RowSorter::Day& day,
                                     const TableState& base, DataFileWriter& writer) {
  auto rows = std::make_shared<SortedRows>();
  rows->owner = snapshot;
  rows->rows.resize(day.end - day.begin);
  parts_.sorter.copy(day.begin, rows->rows);
  // What the day's files say of a cell is overtaken by what the rows say.
  TRY_ASSIGN(const auto paths, paths_of(parts_.store, base, day.day));
  const TableSpec& spec = spec_of(table_);
  const auto sql = fmt::format(
      "{} ORDER BY {}", cells_sql(spec, paths, table_function(table_, "sorted") + "()"), sort_list(spec));
  const auto connection_id = parts_.connection.id();
  parts_.tail.hand_over(connection_id, std::move(rows));
  auto written = append_rows(sql, writer);
  parts_.tail.hand_over(connection_id, nullptr);
  return written;
}

base::Status LakeTable::append_rows(const std::string& sql, DataFileWriter& writer) {
  TRY_ASSIGN(auto rows, parts_.connection.stream(sql));
  return writer.append(rows);
}

base::Result<LakeTable::Compacted> LakeTable::compact(const CompactionSettings& settings) {
  if (table_ == Table::funnel) return Compacted::nothing_to_do;  // Each commit rewrites its days whole.
  TRY(look_for_attempt());
  const TableSpec& spec = spec_of(table_);
  std::map<std::int32_t, std::vector<LiveFile>> small;
  iceberg_->state()->for_each_file([&](const LiveFile& file) {
    if (file.file_bytes < settings.target_bytes / 2)
      small[file.partition.front().day.value_or(0)].push_back(file);
  });
  for (auto& [day, files] : small) {
    if (std::cmp_less(files.size(), settings.files_min)) continue;
    std::sort(files.begin(), files.end(),
              [](const LiveFile& a, const LiveFile& b) { return a.sequence_number < b.sequence_number; });
    std::vector<std::string> objects, paths;
    std::int64_t bytes = 0;
    for (const auto& file : files) {
      if (bytes > 0 && bytes + file.file_bytes > settings.target_bytes) break;
      bytes += file.file_bytes;
      TRY_ASSIGN(auto path, local_path(parts_.store, file.object));
      objects.push_back(file.object);
      paths.push_back(std::move(path));
    }
    const auto sql = fmt::format("SELECT {} FROM {} ORDER BY {}", column_list(spec),
                                 read_files_sql(spec, paths), sort_list(spec));
    const auto partition = partition_of(day);
    DataFileWriter writer(table_, settings.parquet);
    TRY(append_rows(sql, writer));
    TRY_ASSIGN(auto file, writer.store(parts_.store, iceberg_->data_object_name(partition), partition));
    const auto [merged_object, merged_bytes] = std::pair(file.object, file.file_bytes);
    std::vector<DataFile> merged;
    merged.push_back(std::move(file));
    if (auto receipt = iceberg_->replace_files(objects, std::move(merged)); !receipt.ok()) {
      TRY(iceberg_->refresh());
      TRY(publish());
      return std::move(receipt).error();
    }
    std::int64_t counted = 0;
    for (const auto& object : objects) counted += stop_counting(object);
    if (counted > 0) {
      count(merged_object,
            static_cast<std::int64_t>(static_cast<double>(merged_bytes) * static_cast<double>(counted) /
                                      static_cast<double>(bytes)));
    }
    TRY(publish());
    return Compacted::one_file;
  }
  return Compacted::nothing_to_do;
}

}  // namespace millrace::lake
