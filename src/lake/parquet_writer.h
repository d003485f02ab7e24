#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "lake/duck.h"
#include "lake/object_store.h"
#include "lake/table_spec.h"

namespace millrace::lake {

struct ParquetSettings {
  int compression_level = 1;  // zstd. 1 gives smaller files than 3 here, at less time: bench/RESULTS.md.
  std::int64_t row_group_rows = 122'880;
  // Of raw bytes, which share no dictionary: a group that fits the cache is written faster, and no larger.
  std::int64_t raw_row_group_rows = 20'480;
};

// Writes the rows of a statement, in its order, as a Parquet file with Iceberg field ids: first to `scratch`, from there to
// the store as `object`. `sql` gives the columns of `spec` by name. The file is in the store, whole, when this returns ok.
class ParquetWriter {
 public:
  ParquetWriter(ObjectStore& store, std::string scratch_directory)
      : store_(store), scratch_(std::move(scratch_directory)) {}

  base::Result<DataFile> write(DuckConnection& connection, const TableSpec& spec, const std::string& sql,
                               const std::string& object, std::vector<PartitionValue> partition,
                               const ParquetSettings& settings);

 private:
  ObjectStore& store_;
  std::string scratch_;
  std::uint64_t written_ = 0;
};

// Iceberg's single-value serialisation of a bound that DuckDB gives as text; nullopt when the type has none or it does
// not read. `upper`: text cut to 16 code points is raised to stay above what was cut.
enum class Bound : std::uint8_t { lower, upper };
std::optional<std::string> bound_bytes(ColumnType type, std::string_view text, Bound bound);

}  // namespace millrace::lake
