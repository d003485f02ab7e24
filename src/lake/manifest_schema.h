#pragma once

#include <string>

#include "lake/table_metadata.h"

namespace millrace::lake {

// The Avro schemas of Iceberg's files, as JSON. Readers find fields by the ids in them, so order and names
// may not change alone.
std::string manifest_entry_schema(const Schema& schema, const PartitionSpec& spec);
std::string manifest_list_schema();

}  // namespace millrace::lake
