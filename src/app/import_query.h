#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/webhook_mapping.h"

namespace millrace::app {

enum class ImportFormat : std::uint8_t { csv, json, parquet };

// By the name's end: .csv, .tsv, .json, .jsonl, .ndjson, .parquet, all but the last also with .gz.
base::Result<ImportFormat> import_format(std::string_view path);

// The table function call that reads the file.
std::string import_source(std::string_view path, ImportFormat format);

// A SELECT of one text column: every row of the file, or every group of rows, as an item for POST /v1/import. The mapping's
// pointers name columns, and with further steps members of structs.
base::Result<std::string> import_query(const collect::MappingSettings& mapping, const std::string& source);

}  // namespace millrace::app
