#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "parquet/column_chunk.h"
#include "parquet/compressor.h"
#include "parquet/schema.h"

namespace millrace::parquet {

class ThriftWriter;

struct FileSettings {
  int compression_level = 1;  // zstd.
  std::size_t row_group_rows = 122'880;
  std::size_t row_group_bytes = 64 << 20;  // Of values in memory: a group ends behind the rows that reach it.
};

struct ColumnSummary {
  std::int64_t bytes = 0;
  std::int64_t nulls = 0;
  Extremes extremes;
};

struct File {
  std::string bytes;
  std::int64_t rows = 0;
  std::vector<ColumnSummary> columns;  // In the order of the schema.
};

// Writes one Parquet file into memory: flat, every column optional, one data page a column chunk.
//
//   while (rows are left) {
//     n = min(rows left, writer.room());
//     for each row i < n and column c with a value: writer.column(c).number(writer.first_row() + i, value);
//     writer.end_rows(n);
//   }
//   file = writer.finish();
//
// Source of the format: parquet-format 2.10, and parquet.thrift in it.
class FileWriter {
 public:
  FileWriter(std::vector<Column> columns, FileSettings settings);

  ColumnChunk& column(std::size_t index) { return chunks_[index]; }
  // The number of the next row in its row group.
  std::size_t first_row() const { return rows_; }
  // How many rows end_rows() may be told of: at least one.
  std::size_t room() const { return settings_.row_group_rows - rows_; }
  base::Status end_rows(std::size_t count);

  // The whole file. Call once, last.
  base::Result<File> finish();

 private:
  struct RowGroup {
    std::int64_t rows = 0;
    std::int64_t offset = 0;
    std::vector<ChunkSummary> chunks;
  };
  base::Status end_group();
  void append_footer();
  void append_group(ThriftWriter& thrift, const RowGroup& group) const;

  std::vector<Column> columns_;
  FileSettings settings_;
  Compressor compressor_;
  PageBuffers pages_;
  std::vector<ColumnChunk> chunks_;
  std::size_t rows_ = 0;  // Of the open group.
  std::vector<RowGroup> groups_;
  File file_;
};

}  // namespace millrace::parquet
