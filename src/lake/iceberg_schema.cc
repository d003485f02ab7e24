#include "lake/iceberg_schema.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::array<std::pair<ColumnType, std::string_view>, 9> kTypes = {{
    {ColumnType::boolean, "boolean"},
    {ColumnType::int32, "int"},
    {ColumnType::int64, "long"},
    {ColumnType::float64, "double"},
    {ColumnType::decimal18_6, "decimal(18, 6)"},
    {ColumnType::date, "date"},
    {ColumnType::timestamptz, "timestamptz"},
    {ColumnType::string, "string"},
    {ColumnType::binary, "binary"},
}};

const Column* find_column(const std::vector<Column>& columns, int id) {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [id](const Column& c) { return c.id == id; });
  return found == columns.end() ? nullptr : &*found;
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Error incompatible(std::string what) {
  return Error(ErrorCode::invalid_argument, "incompatible schema: " + std::move(what));
}

Error invalid(std::string what) {
  return Error(ErrorCode::invalid_argument, "table spec: " + std::move(what));
}

std::string describe(const Column& column) {
  return "column " + std::to_string(column.id) + " " + column.name;
}

bool same_columns(const std::vector<Column>& a, const std::vector<Column>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Column& x, const Column& y) {
    return x.id == y.id && x.name == y.name && x.type == y.type && x.required == y.required && x.doc == y.doc;
  });
}

base::Status check_column(const Column* stored, const Column& wanted, int last_column_id) {
  if (stored == nullptr) {
    if (wanted.id <= last_column_id)
      return incompatible(describe(wanted) + " takes the id of a former column");
    if (wanted.required) return incompatible(describe(wanted) + " is new and must be optional");
    return base::Ok{};
  }
  const bool widened = stored->type == ColumnType::int32 && wanted.type == ColumnType::int64;
  if (stored->type != wanted.type && !widened) {
    return incompatible(describe(wanted) + " is stored as " + std::string(type_name(stored->type)) +
                        " and cannot become " + std::string(type_name(wanted.type)));
  }
  if (wanted.required && !stored->required) {
    return incompatible(describe(wanted) + " may hold nulls and cannot become required");
  }
  return base::Ok{};
}

bool same_partition(const std::vector<PartitionField>& a, const std::vector<PartitionField>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const PartitionField& x, const PartitionField& y) {
                      return x.source_id == y.source_id && x.field_id == y.field_id && x.name == y.name &&
                             x.transform == y.transform;
                    });
}

// Returns the id of an order with these fields, adding one when there is none.
int order_id(std::vector<SortOrder>& orders, const std::vector<int>& ids) {
  int last = 0;
  for (const SortOrder& order : orders) {
    if (order.source_ids == ids) return order.id;
    last = std::max(last, order.id);
  }
  orders.push_back({last + 1, ids});
  return last + 1;
}

void write_fields(JsonWriter& out, const PartitionSpec& spec) {
  out.begin_array();
  for (const PartitionField& field : spec.fields) {
    out.begin_object();
    out.member("name", field.name);
    out.member("transform", transform_name(field.transform));
    out.member("source-id", field.source_id);
    out.member("field-id", field.field_id);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string_view type_name(ColumnType type) {
  for (const auto& [candidate, name] : kTypes) {
    if (candidate == type) return name;
  }
  return "";
}

base::Result<ColumnType> parse_type_name(std::string_view name) {
  for (const auto& [type, candidate] : kTypes) {
    if (candidate == name) return type;
  }
  return Error(ErrorCode::corrupt, "unknown column type " + std::string(name));
}

std::string_view transform_name(Transform transform) {
  return transform == Transform::day ? "day" : "identity";
}

base::Result<Transform> parse_transform_name(std::string_view name) {
  if (name == "day") return Transform::day;
  if (name == "identity") return Transform::identity;
  return Error(ErrorCode::corrupt, "unknown partition transform " + std::string(name));
}

void write_json(JsonWriter& out, const Schema& schema) {
  out.begin_object();
  out.member("type", "struct");
  out.member("schema-id", schema.id);
  out.key("fields");
  out.begin_array();
  for (const Column& column : schema.columns) {
    out.begin_object();
    out.member("id", column.id);
    out.member("name", column.name);
    out.key("required");
    out.boolean(column.required);
    out.member("type", type_name(column.type));
    if (!column.doc.empty()) out.member("doc", column.doc);
    out.end_object();
  }
  out.end_array();
  out.end_object();
}

void write_json(JsonWriter& out, const PartitionSpec& spec) {
  out.begin_object();
  out.member("spec-id", spec.id);
  out.key("fields");
  write_fields(out, spec);
  out.end_object();
}

void write_json(JsonWriter& out, const SortOrder& order) {
  out.begin_object();
  out.member("order-id", order.id);
  out.key("fields");
  out.begin_array();
  for (const int id : order.source_ids) {
    out.begin_object();
    out.member("transform", "identity");
    out.member("source-id", id);
    out.member("direction", "asc");
    out.member("null-order", "nulls-first");
    out.end_object();
  }
  out.end_array();
  out.end_object();
}

std::string to_json(const Schema& schema) {
  JsonWriter out;
  write_json(out, schema);
  return out.take();
}

std::string fields_to_json(const PartitionSpec& spec) {
  JsonWriter out;
  write_fields(out, spec);
  return out.take();
}

base::Result<PartitionKind> partition_kind(const PartitionField& field, const Schema& schema) {
  const Column* column = find_column(schema.columns, field.source_id);
  if (column == nullptr) return invalid("partition field " + field.name + " has no source column");
  const ColumnType type = column->type;
  if (field.transform == Transform::day) {
    if (type == ColumnType::timestamptz || type == ColumnType::date) return PartitionKind::date;
  } else if (type == ColumnType::string) {
    return PartitionKind::text;
  } else if (type == ColumnType::date) {
    return PartitionKind::date;
  }
  return invalid("partition field " + field.name + ": " + std::string(transform_name(field.transform)) +
                 " of " + std::string(type_name(type)) + " is not supported");
}

base::Status validate(const TableSpec& spec) {
  if (!is_identifier(spec.name_space) || !is_identifier(spec.name)) return invalid("namespace or name");
  if (spec.columns.empty()) return invalid("no columns");
  std::set<int> ids;
  std::set<std::string_view> names;
  for (const Column& column : spec.columns) {
    if (column.id <= 0 || !ids.insert(column.id).second) return invalid(describe(column) + ": id");
    if (!is_identifier(column.name) || !names.insert(column.name).second)
      return invalid(describe(column) + ": name");
  }
  const Schema schema{0, spec.columns};
  std::set<int> field_ids;
  std::set<std::string_view> field_names;
  for (const PartitionField& field : spec.partition) {
    TRY(partition_kind(field, schema));
    if (field.field_id < 1000 || !field_ids.insert(field.field_id).second)
      return invalid(field.name + ": field id");
    if (!is_identifier(field.name) || !field_names.insert(field.name).second)
      return invalid(field.name + ": name");
    // Readers project partition names into the table's columns: only an identity may share one.
    if (field.transform != Transform::identity && names.contains(field.name)) {
      return invalid("partition field " + field.name + " has the name of a column");
    }
  }
  for (const int id : spec.sort_ids) {
    if (!ids.contains(id)) return invalid("sort column " + std::to_string(id) + " is no column");
  }
  return base::Ok{};
}

TableMetadata initial_metadata(const TableSpec& spec, std::string table_uuid, std::string location,
                               std::int64_t now_ms) {
  TableMetadata metadata;
  metadata.table_uuid = std::move(table_uuid);
  metadata.location = std::move(location);
  metadata.last_updated_ms = now_ms;
  for (const Column& column : spec.columns)
    metadata.last_column_id = std::max(metadata.last_column_id, column.id);
  metadata.schemas.push_back({0, spec.columns});
  metadata.partition_specs.push_back({0, spec.partition});
  for (const PartitionField& field : spec.partition) {
    metadata.last_partition_id = std::max(metadata.last_partition_id, field.field_id);
  }
  metadata.sort_orders.push_back({0, {}});
  metadata.default_sort_order_id = order_id(metadata.sort_orders, spec.sort_ids);
  if (!spec.doc.empty()) metadata.properties["comment"] = spec.doc;
  metadata.properties["write.parquet.compression-codec"] = "zstd";
  return metadata;
}

base::Result<Evolution> evolve(TableMetadata& metadata, const TableSpec& spec) {
  const Schema& current = metadata.current_schema();
  if (!same_partition(metadata.default_spec().fields, spec.partition)) {
    return incompatible("the stored table is partitioned differently");
  }
  for (const Column& column : spec.columns) {
    TRY(check_column(find_column(current.columns, column.id), column, metadata.last_column_id));
  }
  for (const Column& column : current.columns) {
    if (find_column(spec.columns, column.id) == nullptr) {
      return incompatible("the stored table has " + describe(column) + ", which this version does not know");
    }
  }
  Evolution outcome = Evolution::unchanged;
  if (!same_columns(current.columns, spec.columns)) {
    int last_id = 0;
    for (const Schema& schema : metadata.schemas) last_id = std::max(last_id, schema.id);
    metadata.schemas.push_back({last_id + 1, spec.columns});
    metadata.current_schema_id = last_id + 1;
    for (const Column& column : spec.columns)
      metadata.last_column_id = std::max(metadata.last_column_id, column.id);
    outcome = Evolution::changed;
  }
  if (const int id = order_id(metadata.sort_orders, spec.sort_ids); id != metadata.default_sort_order_id) {
    metadata.default_sort_order_id = id;
    outcome = Evolution::changed;
  }
  std::string& comment = metadata.properties["comment"];
  if (comment != spec.doc) {
    comment = spec.doc;
    outcome = Evolution::changed;
  }
  if (comment.empty()) metadata.properties.erase("comment");
  return outcome;
}

}  // namespace millrace::lake
