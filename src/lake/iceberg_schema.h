#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lake/json_writer.h"
#include "lake/table_metadata.h"
#include "lake/table_spec.h"

namespace millrace::lake {

// Iceberg's names: "long", "decimal(18, 6)", "timestamptz".
std::string_view type_name(ColumnType type);
base::Result<ColumnType> parse_type_name(std::string_view name);
std::string_view transform_name(Transform transform);
base::Result<Transform> parse_transform_name(std::string_view name);

void write_json(JsonWriter& out, const Schema& schema);
void write_json(JsonWriter& out, const PartitionSpec& spec);
void write_json(JsonWriter& out, const SortOrder& order);
std::string to_json(const Schema& schema);
// The array of partition fields alone, as manifests keep it.
std::string fields_to_json(const PartitionSpec& spec);

// What a partition field's value is made of: days or text.
enum class PartitionKind : std::uint8_t { date, text };
base::Result<PartitionKind> partition_kind(const PartitionField& field, const Schema& schema);

// Refuses a spec that cannot be a table: ids or names that repeat, partition or sort fields of no column, a
// partition that PartitionValue cannot carry, names that are not [A-Za-z_][A-Za-z0-9_]*.
base::Status validate(const TableSpec& spec);

// Metadata of a new, empty table.
TableMetadata initial_metadata(const TableSpec& spec, std::string table_uuid, std::string location,
                               std::int64_t now_ms);

enum class Evolution : std::uint8_t { unchanged, changed };

// Makes stored metadata match `spec`: new optional columns, renamed ones, int32 widened to int64, required
// made optional, other documentation, another sort order. invalid_argument, beginning "incompatible schema",
// for anything else.
base::Result<Evolution> evolve(TableMetadata& metadata, const TableSpec& spec);

}  // namespace millrace::lake
