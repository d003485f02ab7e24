#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "parquet/schema.h"

namespace millrace::lake {

using ColumnType = parquet::Type;

struct Column {
  int id = 0;  // Iceberg field id; never reused.
  std::string name;
  ColumnType type = ColumnType::string;
  bool required = false;
  std::string doc;
};

enum class Transform : std::uint8_t { identity, day };

struct PartitionField {
  int source_id = 0;
  int field_id = 0;  // From 1000 on.
  std::string name;
  Transform transform = Transform::identity;
};

// What a table is: all that Iceberg metadata and the Parquet writer need. The list is in lake/tables.h.
struct TableSpec {
  std::string name_space;  // "raw", "conformed", "curated".
  std::string name;
  std::string doc;
  std::vector<Column> columns;
  std::vector<PartitionField> partition;
  std::vector<int> sort_ids;  // Column ids, ascending order, nulls first.
};

// Values of the partition fields of one file, in the spec's order: days since 1970-01-01 for `day`, text for identity.
struct PartitionValue {
  std::optional<std::int32_t> day;
  std::optional<std::string> text;
  bool operator==(const PartitionValue&) const = default;
};

struct ColumnStats {
  int field_id = 0;
  std::int64_t column_bytes = 0;
  std::int64_t value_count = 0;  // Including nulls.
  std::int64_t null_count = 0;
  // Iceberg's single-value binary serialisation; absent when unknown. Text bounds are cut to 16 code points.
  std::optional<std::string> lower, upper;
};

// A Parquet file that is in the object store and not yet part of any table.
struct DataFile {
  std::string object;  // Name in the ObjectStore.
  std::vector<PartitionValue> partition;
  std::int64_t record_count = 0;
  std::int64_t file_bytes = 0;
  std::vector<ColumnStats> columns;
};

}  // namespace millrace::lake
