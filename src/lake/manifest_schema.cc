#include "lake/manifest_schema.h"

#include <string_view>

#include "lake/iceberg_schema.h"
#include "lake/json_writer.h"

namespace millrace::lake {
namespace {

// Writes Avro schemas: fields in order, Iceberg's ids with each.
class SchemaWriter {
 public:
  explicit SchemaWriter(std::string_view record_name) { begin_record(record_name); }

  void begin_record(std::string_view name) {
    json_.begin_object();
    json_.member("type", "record");
    json_.member("name", name);
    json_.key("fields");
    json_.begin_array();
  }
  void end_record() {
    json_.end_array();
    json_.end_object();
  }
  // `type` is JSON; an optional field is a union with null, null first, null by default.
  void required(std::string_view name, int id, std::string_view type) { field(name, id, type, false); }
  void optional(std::string_view name, int id, std::string_view type) { field(name, id, type, true); }
  void begin_struct(std::string_view name, int id, std::string_view record_name) {
    json_.begin_object();
    json_.member("name", name);
    json_.member("field-id", id);
    json_.key("type");
    begin_record(record_name);
  }
  void end_struct() {
    end_record();
    json_.end_object();
  }
  std::string finish() {
    end_record();
    return json_.take();
  }

 private:
  void field(std::string_view name, int id, std::string_view type, bool nullable) {
    json_.begin_object();
    json_.member("name", name);
    json_.key("type");
    if (nullable) {
      json_.begin_array();
      json_.value("null");
      json_.raw(type);
      json_.end_array();
      json_.key("default");
      json_.raw("null");
    } else {
      json_.raw(type);
    }
    json_.member("field-id", id);
    json_.end_object();
  }
  JsonWriter json_;
};

constexpr std::string_view kInt = "\"int\"", kLong = "\"long\"", kString = "\"string\"", kBytes = "\"bytes\"",
                           kBoolean = "\"boolean\"";

// A map with integer keys, which Avro has not: an array of pairs.
std::string int_map(int key_id, int value_id, std::string_view value_type) {
  SchemaWriter pair("k" + std::to_string(key_id) + "_v" + std::to_string(value_id));
  pair.required("key", key_id, kInt);
  pair.required("value", value_id, value_type);
  return R"({"type":"array","logicalType":"map","items":)" + pair.finish() + "}";
}

}  // namespace

std::string manifest_entry_schema(const Schema& schema, const PartitionSpec& spec) {
  SchemaWriter out("manifest_entry");
  out.required("status", 0, kInt);
  out.optional("snapshot_id", 1, kLong);
  out.optional("sequence_number", 3, kLong);
  out.optional("file_sequence_number", 4, kLong);
  out.begin_struct("data_file", 2, "r2");
  out.required("content", 134, kInt);
  out.required("file_path", 100, kString);
  out.required("file_format", 101, kString);
  out.begin_struct("partition", 102, "r102");
  for (const PartitionField& field : spec.fields) {
    const auto kind = partition_kind(field, schema);
    const bool text = kind.ok() && *kind == PartitionKind::text;
    out.optional(field.name, field.field_id, text ? kString : R"({"type":"int","logicalType":"date"})");
  }
  out.end_struct();
  out.required("record_count", 103, kLong);
  out.required("file_size_in_bytes", 104, kLong);
  out.optional("column_sizes", 108, int_map(117, 118, kLong));
  out.optional("value_counts", 109, int_map(119, 120, kLong));
  out.optional("null_value_counts", 110, int_map(121, 122, kLong));
  out.optional("lower_bounds", 125, int_map(126, 127, kBytes));
  out.optional("upper_bounds", 128, int_map(129, 130, kBytes));
  out.optional("sort_order_id", 140, kInt);
  out.end_struct();
  return out.finish();
}

std::string manifest_list_schema() {
  SchemaWriter summary("r508");
  summary.required("contains_null", 509, kBoolean);
  summary.optional("contains_nan", 518, kBoolean);
  summary.optional("lower_bound", 510, kBytes);
  summary.optional("upper_bound", 511, kBytes);
  const std::string summaries = R"({"type":"array","element-id":508,"items":)" + summary.finish() + "}";

  SchemaWriter out("manifest_file");
  out.required("manifest_path", 500, kString);
  out.required("manifest_length", 501, kLong);
  out.required("partition_spec_id", 502, kInt);
  out.required("content", 517, kInt);
  out.required("sequence_number", 515, kLong);
  out.required("min_sequence_number", 516, kLong);
  out.required("added_snapshot_id", 503, kLong);
  out.required("added_files_count", 504, kInt);
  out.required("existing_files_count", 505, kInt);
  out.required("deleted_files_count", 506, kInt);
  out.required("added_rows_count", 512, kLong);
  out.required("existing_rows_count", 513, kLong);
  out.required("deleted_rows_count", 514, kLong);
  out.optional("partitions", 507, summaries);
  return out.finish();
}

}  // namespace millrace::lake
