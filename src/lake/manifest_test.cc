#include "lake/manifest.h"

#include "lake/avro_reader.h"
#include "lake/avro_schema.h"
#include "lake/iceberg_schema.h"
#include "lake/table_fixture.h"

namespace millrace::lake {
namespace {

struct Fixture {
  Schema schema{3, sample_spec().columns};
  PartitionSpec spec{0, sample_spec().partition};

  ManifestEntry entry(EntryStatus status, std::int64_t rows, std::int32_t day, std::string type) const {
    ManifestEntry made;
    made.status = status;
    made.snapshot_id = 42;
    if (status != EntryStatus::added) {
      made.sequence_number = 5;
      made.file_sequence_number = 4;
    }
    made.file_path = "file:///t/data/" + std::to_string(rows) + ".parquet";
    made.file.partition = sample_partition(day, std::move(type));
    made.file.record_count = rows;
    made.file.file_bytes = 1000;
    made.file.columns = {{1, 10, rows, 0, std::string(8, '\1'), std::string(8, '\2')},
                         {3, 20, rows, rows, {}, {}}};
    made.sort_order_id = 1;
    return made;
  }
};

TEST_CASE("a manifest reads back as it was written") {
  const Fixture f;
  std::vector<ManifestEntry> entries = {f.entry(EntryStatus::added, 7, -3, "a"),
                                        f.entry(EntryStatus::existing, 8, 20413, ""),
                                        f.entry(EntryStatus::deleted, 9, 0, "b")};
  entries[2].file.partition[1].text.reset();
  const std::string bytes = encode_manifest(f.schema, f.spec, entries);
  CHECK(bytes == encode_manifest(f.schema, f.spec, entries));
  const auto again = must(decode_manifest(bytes, f.spec));
  REQUIRE(again.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(again[i].status == entries[i].status);
    CHECK(again[i].snapshot_id == 42);
    CHECK(again[i].sequence_number == entries[i].sequence_number);
    CHECK(again[i].file_sequence_number == entries[i].file_sequence_number);
    CHECK(again[i].file_path == entries[i].file_path);
    CHECK(again[i].file.partition == entries[i].file.partition);
    CHECK(again[i].file.record_count == entries[i].file.record_count);
    CHECK(again[i].file.file_bytes == 1000);
    CHECK(again[i].sort_order_id == 1);
    REQUIRE(again[i].file.columns.size() == 2);
    CHECK(again[i].file.columns[0].lower == std::string(8, '\1'));
    CHECK(again[i].file.columns[0].upper == std::string(8, '\2'));
    CHECK(again[i].file.columns[1].null_count == entries[i].file.record_count);
    CHECK(again[i].file.columns[1].column_bytes == 20);
    CHECK_FALSE(again[i].file.columns[1].lower.has_value());
  }
}

TEST_CASE("a manifest tells what the specification requires, under its ids") {
  const Fixture f;
  const AvroFile file =
      must(read_avro(encode_manifest(f.schema, f.spec, {f.entry(EntryStatus::added, 7, 1, "a")})));
  CHECK(file.metadata.at("schema") == to_json(f.schema));
  CHECK(file.metadata.at("schema-id") == "3");
  CHECK(file.metadata.at("partition-spec") == fields_to_json(f.spec));
  CHECK(file.metadata.at("partition-spec-id") == "0");
  CHECK(file.metadata.at("format-version") == "2");
  CHECK(file.metadata.at("content") == "data");
  std::map<std::string, int> ids;
  const auto collect = [&ids](const AvroSchema& record) {
    for (const auto& field : record.fields) ids[field.name] = field.field_id;
  };
  collect(*file.schema);
  const AvroSchema& data_file = *file.schema->fields.back().type;
  collect(data_file);
  collect(*data_file.fields[3].type);
  CHECK(ids == std::map<std::string, int>{{"status", 0},
                                          {"snapshot_id", 1},
                                          {"data_file", 2},
                                          {"sequence_number", 3},
                                          {"file_sequence_number", 4},
                                          {"content", 134},
                                          {"file_path", 100},
                                          {"file_format", 101},
                                          {"partition", 102},
                                          {"record_count", 103},
                                          {"file_size_in_bytes", 104},
                                          {"column_sizes", 108},
                                          {"value_counts", 109},
                                          {"null_value_counts", 110},
                                          {"lower_bounds", 125},
                                          {"upper_bounds", 128},
                                          {"sort_order_id", 140},
                                          {"event_day", 1000},
                                          {"event_type", 1001}});
}

TEST_CASE("a manifest list reads back, and its summaries hold every partition") {
  const Fixture f;
  std::vector<ManifestEntry> entries = {f.entry(EntryStatus::added, 7, -3, "b"),
                                        f.entry(EntryStatus::existing, 8, 300, "a"),
                                        f.entry(EntryStatus::deleted, 9, 0, "c")};
  entries[1].file.partition[1].text.reset();
  const ManifestFile line = summarize_manifest("file:///t/m.avro", 99, f.spec, entries, 42, 17);
  CHECK(line.added_files == 1);
  CHECK(line.existing_rows == 8);
  CHECK(line.deleted_rows == 9);
  CHECK(line.min_sequence_number == 5);
  REQUIRE(line.partitions.size() == 2);
  CHECK(line.partitions[0].lower == std::string("\xfd\xff\xff\xff", 4));  // -3, little-endian.
  CHECK(line.partitions[0].upper == std::string("\x2c\x01\x00\x00", 4));
  CHECK_FALSE(line.partitions[0].contains_null);
  CHECK(line.partitions[1].lower == "b");
  CHECK(line.partitions[1].upper == "c");
  CHECK(line.partitions[1].contains_null);

  const std::string bytes = encode_manifest_list({42, std::nullopt, 17}, {line, line});
  CHECK(must(decode_manifest_list(bytes)) == std::vector<ManifestFile>{line, line});
  const AvroFile file = must(read_avro(bytes));
  CHECK(file.metadata.at("parent-snapshot-id") == "null");
  CHECK(file.metadata.at("sequence-number") == "17");
}

TEST_CASE("a manifest that is not one of ours is corrupt, not misread") {
  const Fixture f;
  const std::string bytes = encode_manifest(f.schema, f.spec, {f.entry(EntryStatus::added, 7, 1, "a")});
  PartitionSpec other = f.spec;
  other.fields.pop_back();
  CHECK(code_of(decode_manifest(bytes, other)) == base::ErrorCode::corrupt);
  CHECK(code_of(decode_manifest("", f.spec)) == base::ErrorCode::corrupt);
  ManifestFile listed;
  listed.path = "x";
  CHECK(code_of(decode_manifest(encode_manifest_list({1, 2, 3}, {listed}), f.spec)) ==
        base::ErrorCode::corrupt);
  CHECK(code_of(decode_manifest_list(bytes)) == base::ErrorCode::corrupt);
}

}  // namespace
}  // namespace millrace::lake
