#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/duck.h"
#include "lake/object_store.h"
#include "lake/row_sorter.h"
#include "lake/table_rows.h"
#include "lake/table_spec.h"
#include "parquet/file_writer.h"

namespace millrace::lake {

struct ParquetSettings {
  int compression_level = 1;  // zstd. 1 gives smaller files than 3 here, at less time: bench/RESULTS.md.
  std::size_t row_group_rows = 122'880;
  // Of raw bytes, which share no dictionary: a group that fits the cache is written faster, and no larger.
  std::size_t raw_row_group_rows = 20'480;
};

// Makes one data file of a table, in memory: its rows come in the order they are to have.
class DataFileWriter {
 public:
  DataFileWriter(Table table, const ParquetSettings& settings);

  base::Status append(const RowSorter& rows, const RowSorter::Day& day, const SourceNames& sources);
  // The columns of the table's spec, by position.
  base::Status append(DuckResult& rows);

  // Call once, last. The file is in the store, whole, when this returns ok.
  base::Result<DataFile> store(ObjectStore& store, const std::string& object,
                               std::vector<PartitionValue> partition);

 private:
  base::Status append(duckdb_data_chunk chunk);

  Table table_;
  parquet::FileWriter file_;
};

}  // namespace millrace::lake
