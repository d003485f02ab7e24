#include <simdjson.h>

#include <algorithm>
#include <string>
#include <utility>

#include "lake/iceberg_schema.h"
#include "lake/table_metadata.h"

namespace millrace::lake {
namespace {

using base::Error;
using base::ErrorCode;
using simdjson::SUCCESS;
using Element = simdjson::dom::element;
using Object = simdjson::dom::object;

Error malformed(std::string_view what) {
  return Error(ErrorCode::corrupt, "table metadata: " + std::string(what));
}

// The required member of an object, as T: text, integer, array or object.
template <class T>
base::Result<T> get(Object object, std::string_view name) {
  T value;
  if (object[name].get(value) != SUCCESS) return malformed("missing or mistyped " + std::string(name));
  return value;
}

base::Result<int> get_int(Object object, std::string_view name) {
  TRY_ASSIGN(const std::int64_t value, get<std::int64_t>(object, name));
  if (value < INT32_MIN || value > INT32_MAX) return malformed(std::string(name) + " out of range");
  return static_cast<int>(value);
}

base::Result<std::string> get_text(Object object, std::string_view name) {
  TRY_ASSIGN(const std::string_view text, get<std::string_view>(object, name));
  return std::string(text);
}

// The members of the required array `name`, each parsed by `parse`.
template <class T>
base::Result<std::vector<T>> get_list(Object object, std::string_view name,
                                      base::Result<T> (*parse)(Object)) {
  TRY_ASSIGN(const simdjson::dom::array array, get<simdjson::dom::array>(object, name));
  std::vector<T> items;
  for (const Element element : array) {
    Object item;
    if (element.get(item) != SUCCESS) return malformed("an entry of " + std::string(name) + " is no object");
    TRY_ASSIGN(T parsed, parse(item));
    items.push_back(std::move(parsed));
  }
  return items;
}

base::Result<Column> parse_column(Object json) {
  Column column;
  TRY_ASSIGN(column.id, get_int(json, "id"));
  TRY_ASSIGN(column.name, get_text(json, "name"));
  TRY_ASSIGN(column.required, get<bool>(json, "required"));
  TRY_ASSIGN(const std::string_view type, get<std::string_view>(json, "type"));
  TRY_ASSIGN(column.type, parse_type_name(type));
  std::string_view doc;
  if (json["doc"].get(doc) == SUCCESS) column.doc = doc;
  return column;
}

base::Result<Schema> parse_schema(Object json) {
  Schema schema;
  TRY_ASSIGN(schema.id, get_int(json, "schema-id"));
  TRY_ASSIGN(schema.columns, get_list<Column>(json, "fields", parse_column));
  return schema;
}

base::Result<PartitionField> parse_partition_field(Object json) {
  PartitionField field;
  TRY_ASSIGN(field.source_id, get_int(json, "source-id"));
  TRY_ASSIGN(field.field_id, get_int(json, "field-id"));
  TRY_ASSIGN(field.name, get_text(json, "name"));
  TRY_ASSIGN(const std::string_view transform, get<std::string_view>(json, "transform"));
  TRY_ASSIGN(field.transform, parse_transform_name(transform));
  return field;
}

base::Result<PartitionSpec> parse_partition_spec(Object json) {
  PartitionSpec spec;
  TRY_ASSIGN(spec.id, get_int(json, "spec-id"));
  TRY_ASSIGN(spec.fields, get_list<PartitionField>(json, "fields", parse_partition_field));
  return spec;
}

base::Result<int> parse_sort_field(Object json) {
  TRY_ASSIGN(const std::string_view transform, get<std::string_view>(json, "transform"));
  TRY_ASSIGN(const std::string_view direction, get<std::string_view>(json, "direction"));
  TRY_ASSIGN(const std::string_view nulls, get<std::string_view>(json, "null-order"));
  if (transform != "identity" || direction != "asc" || nulls != "nulls-first") {
    return malformed("a sort field other than identity, ascending, nulls first");
  }
  return get_int(json, "source-id");
}

base::Result<SortOrder> parse_sort_order(Object json) {
  SortOrder order;
  TRY_ASSIGN(order.id, get_int(json, "order-id"));
  TRY_ASSIGN(order.source_ids, get_list<int>(json, "fields", parse_sort_field));
  return order;
}

base::Result<std::map<std::string, std::string>> parse_map(Object json) {
  std::map<std::string, std::string> map;
  for (const auto member : json) {
    std::string_view value;
    if (member.value.get(value) != SUCCESS) return malformed("a property or summary that is not text");
    map.insert_or_assign(std::string(member.key), std::string(value));
  }
  return map;
}

base::Result<Snapshot> parse_snapshot(Object json) {
  Snapshot snapshot;
  TRY_ASSIGN(snapshot.id, get<std::int64_t>(json, "snapshot-id"));
  std::int64_t parent = 0;
  if (json["parent-snapshot-id"].get(parent) == SUCCESS) snapshot.parent_id = parent;
  TRY_ASSIGN(snapshot.sequence_number, get<std::int64_t>(json, "sequence-number"));
  TRY_ASSIGN(snapshot.timestamp_ms, get<std::int64_t>(json, "timestamp-ms"));
  TRY_ASSIGN(snapshot.manifest_list, get_text(json, "manifest-list"));
  TRY_ASSIGN(snapshot.schema_id, get_int(json, "schema-id"));
  TRY_ASSIGN(const Object summary, get<Object>(json, "summary"));
  TRY_ASSIGN(snapshot.summary, parse_map(summary));
  const auto operation = snapshot.summary.find("operation");
  if (operation == snapshot.summary.end()) return malformed("a snapshot without operation");
  snapshot.operation = operation->second;
  snapshot.summary.erase(operation);
  return snapshot;
}

base::Result<SnapshotLogEntry> parse_snapshot_log_entry(Object json) {
  SnapshotLogEntry entry;
  TRY_ASSIGN(entry.timestamp_ms, get<std::int64_t>(json, "timestamp-ms"));
  TRY_ASSIGN(entry.snapshot_id, get<std::int64_t>(json, "snapshot-id"));
  return entry;
}

base::Result<MetadataLogEntry> parse_metadata_log_entry(Object json) {
  MetadataLogEntry entry;
  TRY_ASSIGN(entry.timestamp_ms, get<std::int64_t>(json, "timestamp-ms"));
  TRY_ASSIGN(entry.metadata_file, get_text(json, "metadata-file"));
  return entry;
}

// Members that this writer would lose when it writes the table's next version.
base::Status refuse_unknown_members(Object root) {
  static constexpr std::string_view kKnown[] = {
      "format-version",
      "table-uuid",
      "location",
      "last-sequence-number",
      "last-updated-ms",
      "last-column-id",
      "current-schema-id",
      "schemas",
      "default-spec-id",
      "partition-specs",
      "last-partition-id",
      "default-sort-order-id",
      "sort-orders",
      "properties",
      "current-snapshot-id",
      "refs",
      "snapshots",
      "snapshot-log",
      "metadata-log",
  };
  for (const auto member : root) {
    const std::string_view key = member.key;
    if (std::find(std::begin(kKnown), std::end(kKnown), key) != std::end(kKnown)) continue;
    simdjson::dom::array array;
    if (member.value.get(array) == SUCCESS && array.size() == 0) continue;  // "statistics": []
    return malformed("unknown member " + std::string(key));
  }
  return base::Ok{};
}

base::Status parse_refs(Object root, const TableMetadata& metadata) {
  Object refs;
  if (root["refs"].get(refs) != SUCCESS) return base::Ok{};
  for (const auto ref : refs) {
    if (ref.key != "main") return malformed("a branch or tag beside main: " + std::string(ref.key));
    std::int64_t id = 0;
    if (ref.value["snapshot-id"].get(id) != SUCCESS || id != metadata.current_snapshot_id) {
      return malformed("main is not the current snapshot");
    }
  }
  return base::Ok{};
}

base::Status parse_definitions(Object root, TableMetadata& metadata) {
  TRY_ASSIGN(metadata.last_column_id, get_int(root, "last-column-id"));
  TRY_ASSIGN(metadata.schemas, get_list<Schema>(root, "schemas", parse_schema));
  TRY_ASSIGN(metadata.current_schema_id, get_int(root, "current-schema-id"));
  TRY_ASSIGN(metadata.partition_specs,
             get_list<PartitionSpec>(root, "partition-specs", parse_partition_spec));
  TRY_ASSIGN(metadata.default_spec_id, get_int(root, "default-spec-id"));
  TRY_ASSIGN(metadata.last_partition_id, get_int(root, "last-partition-id"));
  TRY_ASSIGN(metadata.sort_orders, get_list<SortOrder>(root, "sort-orders", parse_sort_order));
  TRY_ASSIGN(metadata.default_sort_order_id, get_int(root, "default-sort-order-id"));
  const auto has = [](const auto& items, int id) {
    return std::any_of(items.begin(), items.end(), [id](const auto& item) { return item.id == id; });
  };
  if (!has(metadata.schemas, metadata.current_schema_id)) return malformed("no current schema");
  if (!has(metadata.partition_specs, metadata.default_spec_id)) return malformed("no default partition spec");
  if (!has(metadata.sort_orders, metadata.default_sort_order_id)) return malformed("no default sort order");
  return base::Ok{};
}

base::Status parse_history(Object root, TableMetadata& metadata) {
  std::int64_t current = -1;
  if (root["current-snapshot-id"].get(current) == SUCCESS && current != -1)
    metadata.current_snapshot_id = current;
  TRY_ASSIGN(metadata.snapshots, get_list<Snapshot>(root, "snapshots", parse_snapshot));
  TRY_ASSIGN(metadata.snapshot_log,
             get_list<SnapshotLogEntry>(root, "snapshot-log", parse_snapshot_log_entry));
  TRY_ASSIGN(metadata.metadata_log,
             get_list<MetadataLogEntry>(root, "metadata-log", parse_metadata_log_entry));
  if (metadata.current_snapshot_id && metadata.current_snapshot() == nullptr) {
    return malformed("the current snapshot is not listed");
  }
  return parse_refs(root, metadata);
}

}  // namespace

base::Result<TableMetadata> parse_table_metadata(std::string_view json) {
  simdjson::dom::parser parser;
  Element element;
  Object root;
  if (parser.parse(json.data(), json.size()).get(element) != SUCCESS || element.get(root) != SUCCESS) {
    return malformed("not a JSON object");
  }
  TRY_ASSIGN(const int version, get_int(root, "format-version"));
  if (version != 2) return malformed("format version " + std::to_string(version) + ", not 2");
  TRY(refuse_unknown_members(root));
  TableMetadata metadata;
  TRY_ASSIGN(metadata.table_uuid, get_text(root, "table-uuid"));
  TRY_ASSIGN(metadata.location, get_text(root, "location"));
  TRY_ASSIGN(metadata.last_sequence_number, get<std::int64_t>(root, "last-sequence-number"));
  TRY_ASSIGN(metadata.last_updated_ms, get<std::int64_t>(root, "last-updated-ms"));
  TRY_ASSIGN(const Object properties, get<Object>(root, "properties"));
  TRY_ASSIGN(metadata.properties, parse_map(properties));
  TRY(parse_definitions(root, metadata));
  TRY(parse_history(root, metadata));
  return metadata;
}

}  // namespace millrace::lake
