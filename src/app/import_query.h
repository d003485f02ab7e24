#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/import_file.h"
#include "base/result.h"
#include "collect/webhook_mapping.h"

namespace millrace::app {

// A SELECT of two text columns: every row of the file, or every group of rows, as an item for POST /v1/import, and its time as the
// file has it (null when there is none). The mapping's pointers name columns, and with further steps members of structs.
base::Result<std::string> import_query(const collect::MappingSettings& mapping, const ImportFile& file);

// A place where a mapping names a column.
struct MappingUse {
  enum class Kind : std::uint8_t { value, array, element } kind = Kind::value;  // element: within the array.
  std::string name;                                                             // "fields.total".
  std::string pointer;
};
std::vector<MappingUse> mapping_uses(const collect::MappingSettings& mapping);

// A SELECT without rows that can be planned when the use fits the file's columns.
base::Result<std::string> probe_query(const collect::MappingSettings& mapping, const MappingUse& use,
                                      const ImportFile& file);

// Of a file of JSON, a SELECT of one row: how many lines are no JSON (import_query() leaves them out), and the mapping's pointers
// that lead nowhere in any row of it, with commas; null when there are none.
std::string import_doubts_query(const collect::MappingSettings& mapping, const ImportFile& file);
// The members of its first lines, with commas; null when there are none.
std::string import_members_query(const ImportFile& file);

}  // namespace millrace::app
