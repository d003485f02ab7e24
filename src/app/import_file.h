#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collect/webhook_mapping.h"
#include "lake/duck.h"

namespace millrace::app {

enum class ImportFormat : std::uint8_t { csv, json, parquet };

// By the name's end: .csv, .tsv, .json, .jsonl, .ndjson, .parquet, all but the last also with .gz.
base::Result<ImportFormat> import_format(std::string_view path);

// A file, and what is known of it before its rows are read.
struct ImportFile {
  struct Column {
    std::string name;
    std::string type;  // As DuckDB says it; of CSV it is VARCHAR.
  };
  std::string path;
  ImportFormat format = ImportFormat::csv;
  char delimiter = ',';         // Of CSV: what its first line has most of.
  std::vector<Column> columns;  // Of JSON: none, every line has its own.
};

// Looks at the beginning of the file, and the end of Parquet. Errors are sentences for whoever has the file.
base::Result<ImportFile> open_import_file(lake::DuckConnection& connection, const std::string& path);

// The table function call that reads it. A short line of CSV ends in nulls; a line that is no JSON is null.
std::string import_source(const ImportFile& file);

// Whether all that the mapping names is there, and arrays where it wants them; for CSV and Parquet.
base::Status check_columns(lake::DuckConnection& connection, const collect::MappingSettings& mapping,
                           const ImportFile& file);

// Whether every line of a CSV file can be read: the first that cannot, by its number and what is wrong with it.
base::Status check_lines(lake::DuckConnection& connection, const ImportFile& file);

}  // namespace millrace::app
