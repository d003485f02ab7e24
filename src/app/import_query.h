#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/webhook_mapping.h"

namespace millrace::app {

enum class ImportFormat : std::uint8_t { csv, json, parquet };

// By the name's end: .csv, .tsv, .json, .jsonl, .ndjson, .parquet, all but the last also with .gz.
base::Result<ImportFormat> import_format(std::string_view path);

// A SELECT of one text column: every row of the file, or every group of rows, as an item for POST /v1/import. The mapping's
// pointers name columns, and with further steps members of structs.
base::Result<std::string> import_query(const collect::MappingSettings& mapping, std::string_view path,
                                       ImportFormat format);

// Of a file of JSON, a SELECT of one row: how many lines are no JSON (import_query() leaves them out), and the mapping's pointers
// that lead nowhere in any row of it, with commas; null when there are none.
std::string import_doubts_query(const collect::MappingSettings& mapping, std::string_view path);

}  // namespace millrace::app
