#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lake/data_file_writer.h"
#include "lake/duck.h"
#include "lake/iceberg_table.h"
#include "lake/row_sorter.h"
#include "lake/table_rows.h"
#include "lake/tail.h"

namespace millrace::lake {

struct CompactionSettings {
  int files_min = 16;                    // So many small files of a day are made into one ...
  std::int64_t target_bytes = 32 << 20;  // ... of about this size. Small is under half of it.
  ParquetSettings parquet{.compression_level = 9};
};

// What the tables of a lake share. All of it outlives them.
struct LakeParts {
  ObjectStore& store;
  DuckConnection& connection;  // The lake thread's.
  Tail& tail;
  RowSorter& sorter;
};

// What was appended to the tail so far.
struct Appended {
  std::map<JournalPartition, journal::Offset> from;  // Of the first group seen.
  std::map<JournalPartition, journal::Offset> to;
};

// One table: its Iceberg side, and the view that SQL sees, which is the committed files and the tail together.
class LakeTable {
 public:
  LakeTable(Table table, std::unique_ptr<IcebergTable> iceberg, LakeParts parts);

  // Makes the view of what is committed and all of the tail. Call once, before anything else.
  base::Status publish();

  // Commits the rows of the generations up to `generation` and replaces the view in one step. Without rows the
  // offsets alone are committed when `advance_offsets` says so. After an error nothing has changed for SQL, and the next
  // call tries the same rows again, unless it finds that they were committed after all.
  enum class WithoutRows : std::uint8_t { skip, advance_offsets };
  base::Status commit(std::uint64_t generation, const Appended& appended, WithoutRows without_rows,
                      const ParquetSettings& settings);

  enum class Compacted : std::uint8_t { nothing_to_do, one_file };
  base::Result<Compacted> compact(const CompactionSettings& settings);

  // Records below it are in the table; nullopt when it has none of the partition.
  std::optional<journal::Offset> committed(const JournalPartition& partition) const;
  IcebergTable& iceberg() { return *iceberg_; }
  const IcebergTable& iceberg() const { return *iceberg_; }
  Table table() const { return table_; }
  std::uint64_t view_generation() const { return view_generation_; }  // The view's tail begins with it.
  std::int64_t json_bytes() const { return json_bytes_; }             // Of the raw rows committed since open.
  // Of the files that hold them; of a file that compaction made of these and of older ones, their share.
  std::int64_t parquet_bytes() const { return parquet_bytes_; }

 private:
  OffsetRanges ranges(const Appended& appended) const;
  base::Result<std::vector<DataFile>> write_days(const TailSnapshot& snapshot, const TableState& base,
                                                 const ParquetSettings& settings);
  // The funnel's cells of a day: those of its files, and the rows that overtake them.
  base::Status append_cells(const TailSnapshot& snapshot, const RowSorter::Day& day, const TableState& base,
                            DataFileWriter& writer);
  base::Status append_rows(const std::string& sql, DataFileWriter& writer);

  struct Attempt {
    OffsetRanges ranges;
    std::uint64_t generation = 0;
    std::int64_t json_bytes = 0;
    std::vector<std::pair<std::string, std::int64_t>> files;  // Objects with their bytes.
    std::vector<std::string> replaced;
  };
  void take(const Attempt& attempt);
  void count(const std::string& object, std::int64_t bytes);
  std::int64_t stop_counting(const std::string& object);
  base::Status look_for_attempt();

  const Table table_;
  const std::unique_ptr<IcebergTable> iceberg_;
  LakeParts parts_;
  std::uint64_t first_generation_ = 1;  // That is not committed; the tail counts from 1.
  std::uint64_t view_generation_ = 1;   // Behind the one above when the view could not be replaced.
  std::optional<Attempt>
      in_doubt_;  // Nobody could tell whether it happened. Before another one this must be known.
  std::int64_t json_bytes_ = 0;
  std::int64_t parquet_bytes_ = 0;
  std::unordered_map<std::string, std::int64_t> counted_;  // The bytes above by object.
};

// The path at which DuckDB finds an object: the location without "file://".
base::Result<std::string> local_path(const ObjectStore& store, std::string_view object);

}  // namespace millrace::lake
